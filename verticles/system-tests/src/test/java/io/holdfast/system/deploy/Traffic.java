package io.holdfast.system.deploy;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Customers and operators behind a balancer that knows of a replica what a Kubernetes Service
 * knows: whether its {@code /ready} said 200 when it was last asked. They come at a steady rate, on
 * connections that they keep, to one replica after the other, and repeat nothing: a request that is
 * refused, cut off or not answered is a failed one.
 */
final class Traffic implements AutoCloseable {

  /** As often as each replica's readiness is looked at. */
  static final Duration LOOK = Duration.ofMillis(100);

  private static final long TICK_MILLIS = 10;
  private static final long TIMEOUT_MILLIS = 10_000;

  /** One look without an answer says nothing, as with a probe that may fail twice. */
  private static final long LOOK_TIMEOUT_MILLIS = 1_000;

  private static final int CONNECTIONS = 64;

  /** With more than these unanswered, a customer stays at home: this is no test of overload. */
  private static final int MAX_WAITING = 32;

  private static final double DECLINED = 0.05;
  private static final double CANCELLING = 0.05;
  private static final int LATEST_ORDERS = 100;
  private static final List<String> CUPS = List.of("cup", "mug", "pot");

  private final Vertx vertx = Vertx.vertx();
  private final Context context = vertx.getOrCreateContext();
  private final HttpClient client;
  private final HttpClient looks;
  private final Map<String, List<Replica>> replicas;
  private final double rate;
  private final Random dice = new Random(7);

  // The event loop's alone.
  private final Set<Replica> ready = new LinkedHashSet<>();
  private final Map<String, Integer> turn = new HashMap<>();
  private final List<String> accepted = new ArrayList<>();
  private final List<Failure> failures = new ArrayList<>();
  private long begun;
  private long came;
  private long requests;
  private long slowestMillis;
  private int waiting;
  private Promise<Void> silent;
  private boolean closed;

  /**
   * @param build of the replica that failed to serve it
   */
  record Failure(String request, String replica, Build build, String what) {}

  /**
   * @param accepted orders that got their 202
   */
  record Result(
      long requests, List<String> accepted, List<Failure> failures, Duration slowestAnswer) {}

  /**
   * @param rate orders a second; every second one comes with a request to another service
   */
  Traffic(Map<String, List<Replica>> replicas, double rate) {
    this.replicas = replicas;
    this.rate = rate;
    PoolOptions pool = new PoolOptions().setHttp1MaxSize(CONNECTIONS);
    this.client = vertx.createHttpClient(new HttpClientOptions().setConnectTimeout(2_000), pool);
    this.looks = vertx.createHttpClient(new HttpClientOptions().setConnectTimeout(2_000));
  }

  static List<String> goods() {
    return CUPS;
  }

  /** Looks at the replicas from now on. */
  void look() {
    replicas.values().forEach(each -> each.forEach(this::look));
  }

  /** Whether the balancer sends requests there. */
  boolean sendsTo(Replica replica) {
    return onContext(() -> ready.contains(replica));
  }

  void begin() {
    context.runOnContext(
        v -> {
          begun = System.nanoTime();
          vertx.setPeriodic(
              TICK_MILLIS,
              timer -> {
                if (silent != null || closed) {
                  vertx.cancelTimer(timer);
                  return;
                }
                long due = (long) ((System.nanoTime() - begun) / 1e9 * rate);
                while (came < due) {
                  came++;
                  if (waiting < MAX_WAITING) {
                    customer();
                  }
                }
              });
        });
  }

  /** Nobody comes any more; returns when everyone has an answer. */
  Result end() {
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        v -> {
          silent = done;
          completeIfSilent();
        });
    get(done.future());
    return onContext(
        () ->
            new Result(
                requests,
                List.copyOf(accepted),
                List.copyOf(failures),
                Duration.ofMillis(slowestMillis)));
  }

  private void customer() {
    JsonObject order =
        new JsonObject()
            .put("customer_id", "customer-" + dice.nextInt(500))
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", CUPS.get(dice.nextInt(CUPS.size())))
                            .put("quantity", 1 + dice.nextInt(3))
                            .put("unit_price", 12.5)));
    if (dice.nextDouble() < DECLINED) {
      order.put("payment_method", "pm_card_chargeDeclined");
    }
    boolean cancels = dice.nextDouble() < CANCELLING;
    send("orders", HttpMethod.POST, "/orders", order, Set.of(202))
        .onSuccess(
            answer -> {
              String orderId = answer.toJsonObject().getString("order_id");
              accepted.add(orderId);
              if (cancels) {
                cancel(orderId);
              }
            });
    switch (dice.nextInt(10)) {
      case 0 -> ask("inventory", "/stock/" + CUPS.getFirst());
      case 1 -> ask("payments", "/breaker");
      case 2 -> ask("audit", "/audit/blocks");
      case 3 -> ask("notifications", "/health");
      case 4 -> {
        if (!accepted.isEmpty()) {
          int latest = Math.min(LATEST_ORDERS, accepted.size());
          String orderId = accepted.get(accepted.size() - 1 - dice.nextInt(latest));
          ask("orders", "/orders/" + orderId);
        }
      }
      default -> {}
    }
  }

  private void ask(String group, String path) {
    send(group, HttpMethod.GET, path, null, Set.of(200));
  }

  /** Some too late: the order is final by then, and 409 is the right answer. */
  private void cancel(String orderId) {
    vertx.setTimer(
        1 + dice.nextInt(50),
        id ->
            send(
                "orders",
                HttpMethod.POST,
                "/orders/" + orderId + "/cancel",
                new JsonObject(),
                Set.of(202, 409)));
  }

  private Future<Buffer> send(
      String group, HttpMethod method, String path, JsonObject body, Set<Integer> right) {
    List<Replica> ask = replicas.get(group).stream().filter(ready::contains).toList();
    String request = method + " " + path;
    requests++;
    if (ask.isEmpty()) {
      failures.add(new Failure(request, group, null, "no replica is ready"));
      return Future.failedFuture("no replica is ready");
    }
    Replica replica = ask.get(turn.merge(group, 1, Integer::sum) % ask.size());
    String name = replica.toString();
    Build build = replica.build();
    long sent = System.nanoTime();
    waiting++;
    return client
        .request(
            new RequestOptions()
                .setMethod(method)
                .setAbsoluteURI(replica.url() + path)
                .setTimeout(TIMEOUT_MILLIS))
        .compose(
            open ->
                body == null
                    ? open.send()
                    : open.putHeader("Content-Type", "application/json").send(body.toBuffer()))
        .compose(
            response ->
                response
                    .body()
                    .compose(
                        text ->
                            right.contains(response.statusCode())
                                ? Future.succeededFuture(text)
                                : Future.failedFuture(response.statusCode() + " " + text)))
        .onComplete(
            done -> {
              slowestMillis =
                  Math.max(slowestMillis, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sent));
              if (done.failed()) {
                failures.add(new Failure(request, name, build, String.valueOf(done.cause())));
              }
              waiting--;
              completeIfSilent();
            });
  }

  private void completeIfSilent() {
    if (silent != null && waiting == 0) {
      silent.tryComplete();
    }
  }

  private void look(Replica replica) {
    context.runOnContext(
        v -> {
          if (closed) {
            return;
          }
          looks
              .request(
                  new RequestOptions()
                      .setMethod(HttpMethod.GET)
                      .setAbsoluteURI(replica.url() + "/ready")
                      .setTimeout(LOOK_TIMEOUT_MILLIS))
              .compose(open -> open.send())
              .compose(response -> response.body().map(response.statusCode() == 200))
              .onComplete(
                  seen -> {
                    if (seen.succeeded() && seen.result()) {
                      ready.add(replica);
                    } else if (!(seen.cause() instanceof TimeoutException)) {
                      ready.remove(replica); // it says no, or nobody is there
                    }
                    if (!closed) {
                      vertx.setTimer(LOOK.toMillis(), id -> look(replica));
                    }
                  });
        });
  }

  private <T> T onContext(Supplier<T> what) {
    Promise<T> promise = Promise.promise();
    context.runOnContext(v -> promise.complete(what.get()));
    return get(promise.future());
  }

  private static <T> T get(Future<T> future) {
    try {
      return future.await(30, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within 30 s", e);
    }
  }

  @Override
  public void close() {
    onContext(() -> closed = true);
    get(vertx.close());
  }
}
