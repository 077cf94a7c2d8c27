package io.holdfast.system.failpoints;

import io.holdfast.testkit.Eventually;
import io.holdfast.testkit.Http;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A steady small stream of everything that the services react to. Whoever gets no answer asks again
 * under the same key, until there is one.
 */
final class Customers implements AutoCloseable {

  private static final Duration PACE = Duration.ofMillis(100);
  private static final Duration AGAIN = Duration.ofMillis(100);
  private static final Set<Integer> ENDED = Set.of(202, 409); // cancelled, or too late for that
  private static final int AT_ONCE = 40;
  private static final byte[] POISON = "{\"id\":".getBytes(StandardCharsets.UTF_8);
  private static final int RECEIVED = 50_000;
  private static final int RESTOCKED = 5;
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration FLUSH = Duration.ofSeconds(10);

  private final String orders;
  private final String inventory;
  private final Connection broker;
  private final Semaphore places = new Semaphore(AT_ONCE);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<String> accepted = Collections.synchronizedList(new ArrayList<>());
  private final Set<String> waiting = ConcurrentHashMap.newKeySet();
  private volatile boolean open = true;
  private final Set<String> refused = ConcurrentHashMap.newKeySet();
  private final AtomicInteger poisons = new AtomicInteger();
  private Thread coming;

  Customers(Site site) {
    this.orders = site.url("orders") + "/orders";
    this.inventory = site.url("inventory") + "/stock/";
    try {
      this.broker = Nats.connect(site.brokerUrl());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  void begin() {
    bring("cup", RECEIVED, "first-cup");
    bring("plate", RECEIVED, "first-plate");
    coming = Thread.ofVirtual().start(this::keepComing);
  }

  private void keepComing() {
    Kind[] kinds = Kind.values();
    for (int i = 0; open; i++) {
      int turn = i % (kinds.length + 2);
      String key = "key-" + i;
      if (turn < kinds.length) {
        whenThereIsRoom(key, () -> order(kinds[turn], key));
      } else if (turn == kinds.length) {
        whenThereIsRoom(key, () -> bring("cup", RESTOCKED, key));
      } else {
        // Nobody can read it, and the stream must not stop behind it.
        broker.publish("orders.created.poison-" + i, POISON);
        poisons.incrementAndGet();
      }
      LockSupport.parkNanos(PACE.toNanos());
    }
  }

  private void whenThereIsRoom(String key, Runnable request) {
    places.acquireUninterruptibly();
    waiting.add(key);
    threads.execute(
        () -> {
          request.run();
          waiting.remove(key);
          places.release();
        });
  }

  private void order(Kind kind, String key) {
    Http.Answer answer = untilAnswered(orders, kind.order(), key, Set.of(202));
    if (answer.status() == 202) {
      accepted.add(answer.json().getString("order_id"));
    }
  }

  private void bring(String sku, int quantity, String key) {
    untilAnswered(
        inventory + sku + "/receipts",
        new JsonObject().put("quantity", quantity),
        key,
        Set.of(201));
  }

  /** Begins to cancel an order that its customer may not know of yet. */
  void cancel(String orderId) {
    threads.execute(
        () -> {
          waiting.add("cancel " + orderId);
          untilAnswered(orders + "/" + orderId + "/cancel", new JsonObject(), "", ENDED);
          waiting.remove("cancel " + orderId);
        });
  }

  private Http.Answer untilAnswered(String url, JsonObject body, String key, Set<Integer> wanted) {
    while (true) {
      try {
        Http.Answer answer =
            key.isEmpty() ? Http.post(url, body) : Http.post(url, body, "Idempotency-Key", key);
        if (wanted.contains(answer.status())) {
          return answer;
        }
        if (answer.status() < 500) {
          refused.add(url + " " + key + ": " + answer.body());
          return answer;
        }
      } catch (UncheckedIOException down) {
        // it was killed
      }
      LockSupport.parkNanos(AGAIN.toNanos());
    }
  }

  /** Nobody comes any more; returns when all who came have their answer. */
  void end() throws InterruptedException, TimeoutException {
    open = false;
    coming.join();
    broker.flush(FLUSH);
    Eventually.eventually("every request is answered", PATIENCE, () -> waiting, Set::isEmpty);
  }

  /** Ids of the orders that somebody got a 202 for. */
  List<String> accepted() {
    return List.copyOf(accepted);
  }

  /** What was answered with something else than it asked for. */
  Set<String> refused() {
    return Set.copyOf(refused);
  }

  /** Messages sent that are none of ours. */
  int poisons() {
    return poisons.get();
  }

  @Override
  public void close() {
    open = false;
    threads.shutdownNow();
    try {
      broker.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
