package io.holdfast.runtime.http;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;

/**
 * The connections of one server: not more than so many, and none that asks for nothing for long. A
 * limit on idleness would not do, as one byte now and then is not idle; here only a whole head of a
 * request counts. A connection on which something is answered, however long, is left alone.
 */
final class Connections {

  /** A new connection has so long for the first request's head. */
  static final int FIRST_HEAD_SECONDS = 10;

  /** One that is kept has so long, from the end of an answer, for the next one's. */
  static final int NEXT_HEAD_SECONDS = 60;

  private static final int SECONDS_BETWEEN_WARNINGS = 60;

  private final Map<HttpConnection, Line> lines = new ConcurrentHashMap<>();
  private final int max;
  private final Logger log;
  private int quietFor = SECONDS_BETWEEN_WARNINGS;
  private final AtomicInteger refused = new AtomicInteger();

  Connections(int max, Logger log) {
    this.max = max;
    this.log = log;
  }

  private static final class Line {
    private volatile HttpServerRequest current;
    private volatile int waited;
    private volatile int limit = FIRST_HEAD_SECONDS;
  }

  void opened(HttpConnection connection) {
    if (lines.size() >= max) {
      refused.incrementAndGet();
      connection.close();
      return;
    }
    lines.put(connection, new Line());
    connection.closeHandler(closed -> lines.remove(connection));
  }

  /** On the path of every request: nothing is allocated or timed for it. */
  void asks(HttpServerRequest request) {
    Line line = lines.get(request.connection());
    if (line != null) {
      line.limit = NEXT_HEAD_SECONDS;
      line.waited = 0;
      line.current = request;
    }
  }

  /** To be called once a second. */
  void secondPassed() {
    lines.forEach(
        (connection, line) -> {
          HttpServerRequest current = line.current;
          if (current != null) {
            if (!current.response().ended() && !current.response().closed()) {
              return;
            }
            line.current = null;
          }
          int waited = line.waited + 1; // one request more meanwhile counts as one second less
          line.waited = waited;
          if (waited > line.limit) {
            connection.close();
          }
        });
    if (++quietFor >= SECONDS_BETWEEN_WARNINGS && refused.get() > 0) {
      quietFor = 0;
      log.atWarn()
          .addKeyValue("refused", refused.getAndSet(0))
          .addKeyValue("open", lines.size())
          .log("More connections than HTTP_MAX_CONNECTIONS allows, new ones were closed");
    }
  }
}
