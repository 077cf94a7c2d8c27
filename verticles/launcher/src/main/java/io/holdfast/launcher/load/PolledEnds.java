package io.holdfast.launcher.load;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The ends of some orders, where there is no access to the broker: a few at a time are asked for
 * again and again, so that the asking is no load to speak of.
 */
public final class PolledEnds implements OrderEnds {

  private static final int FOLLOWED = 20;

  /** Between one that is picked and the next, however soon they end. */
  private static final long APART_NANOS = 50_000_000;

  private static final long LOOK_MILLIS = 10;
  private static final long TIMEOUT_MILLIS = 5_000;

  private final Vertx vertx;
  private final URI orders;
  private final HttpClientAgent client;
  private final AtomicInteger following = new AtomicInteger();
  private final AtomicLong followed = new AtomicLong();
  private long picked = System.nanoTime() - APART_NANOS;
  private volatile Consumer<List<End>> listener = ends -> {};
  private volatile boolean closed;

  public PolledEnds(Vertx vertx, URI orders) {
    this.vertx = vertx;
    this.orders = orders;
    this.client =
        vertx.createHttpClient(
            new HttpClientOptions().setConnectTimeout(2_000),
            new PoolOptions().setHttp1MaxSize(FOLLOWED));
  }

  @Override
  public Future<Void> begin(Consumer<List<End>> to) {
    listener = to;
    return Future.succeededFuture();
  }

  @Override
  public boolean follows(String orderId) {
    long now = System.nanoTime();
    if (following.get() >= FOLLOWED || now - picked < APART_NANOS) {
      return false;
    }
    picked = now;
    following.incrementAndGet();
    followed.incrementAndGet();
    look(orderId);
    return true;
  }

  private void look(String orderId) {
    if (closed) {
      return;
    }
    client
        .request(
            new RequestOptions()
                .setMethod(HttpMethod.GET)
                .setAbsoluteURI(orders + "/orders/" + orderId)
                .setTimeout(TIMEOUT_MILLIS))
        .compose(open -> open.send())
        .compose(response -> response.body())
        .timeout(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS)
        .map(body -> new JsonObject(body).getString("status", "pending"))
        .onComplete(
            (status, failure) -> {
              What what =
                  failure != null
                      ? null
                      : switch (status) {
                        case "confirmed" -> What.CONFIRMED;
                        case "cancelled" -> What.CANCELLED;
                        default -> null;
                      };
              if (what == null) {
                vertx.setTimer(LOOK_MILLIS, id -> look(orderId));
                return;
              }
              following.decrementAndGet();
              Instant now = Instant.now();
              long at = now.getEpochSecond() * 1_000_000_000L + now.getNano();
              listener.accept(List.of(new End(orderId, what, at), new End(orderId, What.DONE, at)));
            });
  }

  @Override
  public String how() {
    return "Without access to the broker a sample was followed, by GET /orders/{id}: %,d orders, %d at a time, looked at every %d ms."
        .formatted(followed.get(), FOLLOWED, LOOK_MILLIS);
  }

  @Override
  public void close() {
    closed = true;
    client.close();
  }
}
