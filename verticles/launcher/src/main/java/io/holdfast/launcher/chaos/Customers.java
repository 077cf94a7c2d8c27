package io.holdfast.launcher.chaos;

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
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Customers who come at a steady rate whatever the system does, and do not give up: a request that
 * fails or is refused for now is sent again, with the same idempotency key, until it gets its 202.
 * Some cards are declined, some goods are out, and some customers think better of it and cancel.
 *
 * <p>Methods may be called on any thread.
 */
public final class Customers {

  /** More than these waiting at a time, and the next ones stay at home; they are counted. */
  private static final int MAX_WAITING = 5_000;

  private static final long TICK_MILLIS = 20;
  private static final long TIMEOUT_MILLIS = 5_000;
  private static final long AGAIN_MILLIS = 200;
  private static final long MAX_AGAIN_MILLIS = 2_000;
  private static final long MAX_CANCEL_AFTER_MILLIS = 2_000;
  private static final int MAX_CANCEL_CALLS = 50;
  private static final double DECLINED = 0.04;
  private static final double CANCELLING = 0.06;
  private static final int CONNECTIONS = 64;

  /** The goods that they want, of which there is plenty. */
  public static final List<String> SKUS = List.of("kettle", "grinder", "scale", "filter", "mug");

  /** The goods that soon run out, and how many there are. */
  public static final String SCARCE = "rarity";

  public static final int SCARCE_PIECES = 100;
  private static final double WANTING_SCARCE = 0.05;

  private final Vertx vertx;
  private final Context context;
  private final HttpClient client;
  private final URI orders;
  private final double rate;
  private final Random dice;
  private final String keyPrefix;

  // The event loop's alone.
  private final Map<String, String> idByKey = new TreeMap<>();
  private final Map<Integer, Integer> refusals = new TreeMap<>();
  private final List<String> surprises = new ArrayList<>();
  private long begun;
  private long came;
  private long stayedAtHome;
  private long repeated;
  private long cancelsTaken;
  private long timer = -1;
  private int waiting;
  private int cancelling;
  private boolean closed;
  private Promise<Void> served;

  private volatile Counts counts = new Counts(0, 0, 0, 0, 0, 0, Map.of());

  /**
   * @param came customers that placed an order
   * @param accepted of these, those that got their 202
   * @param waiting those that have not, yet
   * @param repeated requests that were sent again
   * @param stayedAtHome those that did not come, as too many were waiting
   * @param cancelled cancellations that were taken
   * @param refusals requests that were not accepted, by status; 0 is no answer
   */
  public record Counts(
      long came,
      long accepted,
      long waiting,
      long repeated,
      long stayedAtHome,
      long cancelled,
      Map<Integer, Integer> refusals) {}

  /**
   * @param orders base address
   * @param rate customers a second
   */
  public Customers(Vertx vertx, URI orders, double rate, long seed) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.client =
        vertx.createHttpClient(
            new HttpClientOptions().setConnectTimeout(1_000),
            new PoolOptions().setHttp1MaxSize(CONNECTIONS).setMaxWaitQueueSize(MAX_WAITING));
    this.orders = orders;
    this.rate = rate;
    this.dice = new Random(seed);
    this.keyPrefix = "chaos-" + Long.toHexString(System.currentTimeMillis()) + "-";
  }

  public void open() {
    context.runOnContext(
        v -> {
          begun = System.nanoTime();
          timer = vertx.setPeriodic(TICK_MILLIS, id -> tick());
        });
  }

  /**
   * No more customers come.
   *
   * @return completes when everyone who came has an answer
   */
  public Future<Void> close() {
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        v -> {
          vertx.cancelTimer(timer);
          closed = true;
          served = done;
          count();
        });
    return done.future();
  }

  public Counts counts() {
    return counts;
  }

  /** The orders that got a 202. */
  public Future<List<String>> accepted() {
    return onContext(() -> List.copyOf(idByKey.values()));
  }

  /** Answers that no customer should ever get. */
  public Future<List<String>> surprises() {
    return onContext(() -> List.copyOf(surprises));
  }

  private <T> Future<T> onContext(java.util.function.Supplier<T> what) {
    Promise<T> promise = Promise.promise();
    context.runOnContext(v -> promise.complete(what.get()));
    return promise.future();
  }

  private void tick() {
    long due = (long) ((System.nanoTime() - begun) / 1e9 * rate);
    for (; came + stayedAtHome < due; ) {
      if (waiting >= MAX_WAITING) {
        stayedAtHome++;
      } else {
        came++;
        waiting++;
        place(keyPrefix + came, order().toBuffer(), dice.nextDouble() < CANCELLING, 0);
      }
    }
    count();
  }

  private JsonObject order() {
    boolean scarce = dice.nextDouble() < WANTING_SCARCE;
    String sku = scarce ? SCARCE : SKUS.get(dice.nextInt(SKUS.size()));
    JsonObject order =
        new JsonObject()
            .put("customer_id", "CUST-" + dice.nextInt(1_000))
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", sku)
                            .put("quantity", 1 + dice.nextInt(3))
                            .put("unit_price", 1 + dice.nextInt(100))));
    if (dice.nextDouble() < DECLINED) {
      order.put("payment_method", "pm_card_chargeDeclined");
    }
    return order;
  }

  private void place(String key, Buffer body, boolean cancels, int failures) {
    post("/orders", key, body)
        .onComplete(
            done -> {
              Answer answer = done.succeeded() ? done.result() : Answer.NONE;
              if (answer.status == 202) {
                accepted(key, answer.body, cancels);
              } else if (answer.forNow()) {
                refusals.merge(answer.status, 1, Integer::sum);
                repeated++;
                later(failures, () -> place(key, body, cancels, failures + 1));
              } else {
                refusals.merge(answer.status, 1, Integer::sum);
                surprises.add("POST /orders was answered " + answer.status + ": " + answer.body);
                waiting--;
                count();
              }
            });
  }

  private void accepted(String key, Buffer body, boolean cancels) {
    String orderId = body.toJsonObject().getString("order_id");
    String before = idByKey.put(key, orderId);
    if (before != null) {
      surprises.add("key " + key + " got two orders, " + before + " and " + orderId);
    }
    waiting--;
    if (cancels) {
      cancelling++;
      vertx.setTimer(
          1 + dice.nextLong(MAX_CANCEL_AFTER_MILLIS), id -> cancel(orderId, MAX_CANCEL_CALLS));
    }
    count();
  }

  /** Until it is taken, or it is too late for it. */
  private void cancel(String orderId, int calls) {
    post("/orders/" + orderId + "/cancel", null, Buffer.buffer())
        .onComplete(
            done -> {
              Answer answer = done.succeeded() ? done.result() : Answer.NONE;
              if (answer.forNow() && calls > 1) {
                repeated++;
                later(MAX_CANCEL_CALLS - calls, () -> cancel(orderId, calls - 1));
                return;
              }
              if (answer.status == 202) {
                cancelsTaken++;
              } else if (answer.status != 409 && !answer.forNow()) {
                surprises.add("cancelling " + orderId + " was answered " + answer.status);
              }
              cancelling--;
              count();
            });
  }

  /** After 0.1 to 0.2 s, and then ever later, up to 2 s: who is not served does not hammer. */
  private void later(int failures, Runnable again) {
    long most = Math.min(MAX_AGAIN_MILLIS, AGAIN_MILLIS << Math.min(failures, 4));
    vertx.setTimer(most / 2 + dice.nextLong(most / 2), id -> again.run());
  }

  private record Answer(int status, Buffer body) {
    static final Answer NONE = new Answer(0, Buffer.buffer());

    /** Whether the same may be answered otherwise a little later. */
    boolean forNow() {
      return status == 0 || status == 429 || status == 503;
    }
  }

  private Future<Answer> post(String path, String key, Buffer body) {
    RequestOptions request =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setHost(orders.getHost())
            .setPort(orders.getPort())
            .setURI(path)
            .putHeader("Content-Type", "application/json");
    if (key != null) {
      request.putHeader("Idempotency-Key", key);
    }
    return client
        .request(request)
        .compose(
            open ->
                open.send(body)
                    .compose(
                        response ->
                            response.body().map(text -> new Answer(response.statusCode(), text)))
                    .timeout(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS)
                    .onFailure(late -> open.reset()));
  }

  private void count() {
    counts =
        new Counts(
            came,
            idByKey.size(),
            waiting,
            repeated,
            stayedAtHome,
            cancelsTaken,
            Map.copyOf(refusals));
    if (closed && waiting == 0 && cancelling == 0) {
      served.tryComplete();
    }
  }
}
