package io.holdfast.runtime.jetstream;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.telemetry.Meters;
import io.nats.client.Message;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;

/**
 * Whether the streams still have room for the whole life of another order. A stream that is full
 * refuses everybody, so whoever takes work in stops before that: what was accepted needs the rest
 * to reach its end and its place in the ledger.
 *
 * <p>Never blocks; one event loop's alone but for {@link #lack}.
 */
final class StorageRoom {

  private static final long LOOK_MILLIS = 2_000;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  /** Of a stream's limit; the rest is for what was accepted before. */
  private static final double ENOUGH = 0.9;

  private final Vertx vertx;
  private final Broker broker;
  private final Subjects subjects;
  private final Logger log;
  private final List<String> streams;
  private final Map<String, Double> filled = new ConcurrentHashMap<>();
  private boolean looking;

  private volatile Optional<String> lack = Optional.empty();

  StorageRoom(Vertx vertx, Broker broker, Subjects subjects, Meters meters, Logger log) {
    this.vertx = vertx;
    this.broker = broker;
    this.subjects = subjects;
    this.log = log;
    this.streams =
        Stream.concat(StreamCatalog.AUDITED.stream().sorted(), Stream.of(StreamCatalog.LEDGER))
            .toList();
    for (String stream : streams) {
      filled.put(stream, 0.0);
      meters.gauge(
          "stream_filled_ratio",
          "How much of its limit a stream holds; near 1 it refuses more",
          "stream",
          stream,
          () -> filled.get(stream));
    }
  }

  /** Looks now and then from here on. */
  void begin() {
    vertx.setPeriodic(0, LOOK_MILLIS, id -> look());
  }

  /** What is nearly full, for a person; empty if there is room, or nobody knows. Any thread. */
  Optional<String> lack() {
    return lack;
  }

  private void look() {
    if (looking || !broker.usable()) {
      return;
    }
    looking = true;
    Future.join(streams.stream().map(this::look).toList())
        .onComplete(
            done -> {
              looking = false;
              Optional<String> now =
                  streams.stream()
                      .filter(stream -> filled.get(stream) > ENOUGH)
                      .findFirst()
                      .map(
                          stream ->
                              "stream %s is %.0f %% full"
                                  .formatted(subjects.stream(stream), 100 * filled.get(stream)));
              if (now.isPresent() && lack.isEmpty()) {
                log.atError()
                    .addKeyValue("problem", now.get())
                    .log("No new work is taken in: raise the stream's max_bytes");
              } else if (now.isEmpty() && lack.isPresent()) {
                log.atInfo().log("There is room again, new work is taken in");
              }
              lack = now;
            });
  }

  private Future<Message> look(String stream) {
    return broker
        .request("$JS.API.STREAM.INFO." + subjects.stream(stream), null, null, TIMEOUT)
        .onSuccess(
            answer -> {
              JsonObject info = new JsonObject(Buffer.buffer(answer.getData()));
              if (info.containsKey("state")) { // else it is not there, which is not our matter
                long limit = info.getJsonObject("config").getLong("max_bytes", -1L);
                long bytes = info.getJsonObject("state").getLong("bytes");
                filled.put(stream, limit > 0 ? (double) bytes / limit : 0);
              }
            });
  }
}
