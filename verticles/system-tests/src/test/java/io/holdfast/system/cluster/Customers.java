package io.holdfast.system.cluster;

import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * People who order at a steady rate, whatever happens. Some cards are declined, some customers
 * cancel, and who got no 202 asks again by the same key.
 */
final class Customers implements AutoCloseable {

  private static final int WAITING = 256;
  private static final int TRIES = 3;
  private static final double DECLINED = 0.1;
  private static final double CANCELLING = 0.1;
  private static final int SLOWEST_CANCELLATION_MILLIS = 2_000;

  private final String orders;
  private final List<String> skus;
  private final int rate;
  private final Random dice;
  private final ConcurrentSkipListMap<Long, String> accepted = new ConcurrentSkipListMap<>();
  private final Semaphore waiting = new Semaphore(WAITING);
  private final AtomicInteger turnedAway = new AtomicInteger();
  private final Thread door;
  private volatile boolean open = true;

  /**
   * @param rate orders a second
   */
  Customers(String orders, List<String> skus, int rate, long seed) {
    this.orders = orders;
    this.skus = skus;
    this.rate = rate;
    this.dice = new Random(seed);
    this.door = Thread.ofVirtual().name("customers").start(this::come);
  }

  /** Every order that got a 202. */
  List<String> accepted() {
    return List.copyOf(new TreeSet<>(accepted.values()));
  }

  int acceptedSoFar() {
    return accepted.size();
  }

  /** Answers that were no 202, or none. */
  int turnedAway() {
    return turnedAway.get();
  }

  /** The longest time without a 202 that began or ended between these, as of System.nanoTime. */
  Duration longestGap(long from, long to) {
    Long before = accepted.floorKey(from);
    long last = before == null ? from : before;
    long longest = 0;
    for (long at : new ArrayList<>(accepted.tailMap(last, false).keySet())) {
      longest = Math.max(longest, at - last);
      last = at;
      if (at > to) {
        break;
      }
    }
    return Duration.ofNanos(last < to ? Math.max(longest, to - last) : longest);
  }

  private void come() {
    long begun = System.nanoTime();
    for (long came = 0; open; came++) {
      long due = begun + came * 1_000_000_000L / rate;
      while (System.nanoTime() - due < 0) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      JsonObject order = order();
      boolean cancels = dice.nextDouble() < CANCELLING;
      int hesitates = dice.nextInt(SLOWEST_CANCELLATION_MILLIS);
      String key = "order-" + came;
      if (waiting.tryAcquire()) {
        Thread.ofVirtual().start(() -> buy(order, key, cancels ? hesitates : -1));
      }
    }
  }

  private JsonObject order() {
    JsonObject order =
        new JsonObject()
            .put("customer_id", "customer-" + dice.nextInt(50))
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", skus.get(dice.nextInt(skus.size())))
                            .put("quantity", 1 + dice.nextInt(3))
                            .put("unit_price", 12.5)));
    return dice.nextDouble() < DECLINED
        ? order.put("payment_method", "pm_card_chargeDeclined")
        : order;
  }

  private void buy(JsonObject order, String key, int cancelsAfterMillis) {
    try {
      for (int attempt = 1; attempt <= TRIES; attempt++) {
        int status = 0;
        try {
          Http.Answer answer = Http.post(orders + "/orders", order, "Idempotency-Key", key);
          status = answer.status();
          if (status == 202) {
            String id = answer.json().getString("order_id");
            accepted.put(System.nanoTime(), id);
            if (cancelsAfterMillis >= 0) {
              LockSupport.parkNanos(Duration.ofMillis(cancelsAfterMillis).toNanos());
              Http.post(orders + "/orders/" + id + "/cancel", new JsonObject());
            }
            return;
          }
        } catch (UncheckedIOException noAnswer) {
          if (status == 202) {
            return; // it was the cancellation that got none
          }
        }
        turnedAway.incrementAndGet();
        LockSupport.parkNanos(Duration.ofMillis(500L * attempt).toNanos());
      }
    } finally {
      waiting.release();
    }
  }

  /** Nobody comes any more; returns when everyone has gone. */
  @Override
  public void close() {
    open = false;
    try {
      door.join();
      waiting.acquire(WAITING);
      waiting.release(WAITING);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
