package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.launcher.OrderCommand.AcceptedOrders;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Many orders as fast as they go: a closed loop with a number of requests under way, then a wait
 * until every accepted order's customer was told. A first look at throughput; a closed loop hides
 * the waits of requests that were never sent, so its latencies are of a system under all the load
 * it takes.
 */
final class OrderBurst {

  private static final EventCodec CODEC = new EventCodec();
  private static final long NOTE_MILLIS = 100;
  private static final long LOOK_MILLIS = 20;

  private final HttpClient client;
  private final RequestOptions request;
  private final Buffer body;
  private final int count;
  private final Promise<Void> allAnswered = Promise.promise();

  /** From the event loop to the thread that notes them. */
  private final Queue<Accepted> arrived = new ConcurrentLinkedQueue<>();

  private final Map<Integer, Integer> refused = new ConcurrentHashMap<>();
  private volatile int answered;
  private volatile boolean over;

  // The command's own thread's alone.
  private final List<String> accepted = new ArrayList<>();
  private final List<Long> acceptNanos = new ArrayList<>();

  // The event loop's alone.
  private int started;

  private record Accepted(String orderId, long nanos) {}

  private OrderBurst(Vertx vertx, String orders, JsonObject order, int count, int concurrency) {
    URI uri = URI.create(orders);
    this.client =
        vertx.createHttpClient(
            new HttpClientOptions().setKeepAlive(true),
            new PoolOptions().setHttp1MaxSize(concurrency));
    this.request =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setHost(uri.getHost())
            .setPort(uri.getPort())
            .setURI("/orders")
            .putHeader("Content-Type", "application/json");
    this.body = order.toBuffer();
    this.count = count;
  }

  static int run(
      String orders,
      JsonObject order,
      int count,
      int concurrency,
      Duration limit,
      Optional<RunningSystem> system,
      AcceptedOrders journal)
      throws Exception {
    if (system.isEmpty()) {
      say(
          "--count follows the orders through the streams, so it needs a system that ./holdfast up started.");
      return 1;
    }
    Path logs = Files.createTempDirectory("holdfast-order");
    try (StreamAccess streams =
        StreamAccess.open(system.get().natsUrl(), system.get().namespace(), logs)) {
      return run(streams, orders, order, count, concurrency, limit, system.get(), journal);
    }
  }

  private static int run(
      StreamAccess streams,
      String orders,
      JsonObject order,
      int count,
      int concurrency,
      Duration limit,
      RunningSystem system,
      AcceptedOrders journal)
      throws Exception {
    long ordersFrom = next(streams, "ORDERS");
    long notificationsFrom = next(streams, "NOTIFICATIONS");
    Map<String, Double> cpuBefore = CpuTime.ofAll(system.pids());
    say("Placing %,d orders, %d at a time ...", count, concurrency);
    long begun = System.nanoTime();

    OrderBurst burst = new OrderBurst(streams.vertx(), orders, order, count, concurrency);
    streams.vertx().runOnContext(v -> burst.begin(concurrency));
    burst.awaitAnswers(limit, journal);
    double acceptSeconds = (System.nanoTime() - begun) / 1e9;

    long deadline = System.nanoTime() + limit.toNanos();
    int untold = burst.awaitTold(streams, notificationsFrom, deadline);
    double totalSeconds = (System.nanoTime() - begun) / 1e9;
    Map<String, Double> cpuAfter = CpuTime.ofAll(system.pids());

    Ends ends = new Ends(ordersFrom, new HashSet<>(burst.accepted));
    boolean known = ends.read(streams, deadline);
    burst.report(acceptSeconds, totalSeconds, ends, untold);
    if (!known) {
      say("%s", Terminal.bad("The broker does not answer; how the others ended is not known"));
    }
    CpuTime.report(cpuBefore, cpuAfter, burst.accepted.size());
    return untold == 0 && known && burst.refused.isEmpty() && burst.answered == count ? 0 : 1;
  }

  /** Until every request was answered or time is up; notes every order that was accepted. */
  private void awaitAnswers(Duration limit, AcceptedOrders journal) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    boolean all = false;
    while (!all && System.nanoTime() - deadline < 0) {
      try {
        allAnswered.future().await(NOTE_MILLIS, TimeUnit.MILLISECONDS);
        all = true;
      } catch (TimeoutException notYet) {
        Terminal.progress(progress());
      }
      note(journal);
    }
    over = true;
    Terminal.progressDone();
  }

  /**
   * What was promised is noted at once, as neither the system nor this command may live to the end.
   */
  private void note(AcceptedOrders journal) throws IOException {
    List<String> news = new ArrayList<>();
    for (Accepted order = arrived.poll(); order != null; order = arrived.poll()) {
      news.add(order.orderId());
      acceptNanos.add(order.nanos());
    }
    if (!news.isEmpty()) {
      journal.addAll(news);
      accepted.addAll(news);
    }
  }

  /** How many customers of accepted orders were not told in time. */
  private int awaitTold(StreamAccess streams, long from, long deadline)
      throws InterruptedException {
    Set<String> open = new HashSet<>(accepted);
    long at = from;
    while (!open.isEmpty() && System.nanoTime() - deadline < 0) {
      List<RawMessage> page = pageOrNothing(streams, "NOTIFICATIONS", at).orElse(List.of());
      for (RawMessage message : page) {
        decode(message)
            .filter(fact -> fact.event() instanceof NotificationSent)
            .ifPresent(fact -> open.remove(fact.event().aggregateId()));
        at = message.sequence() + 1;
      }
      int told = accepted.size() - open.size();
      Terminal.progress("told   " + Terminal.bar(told, accepted.size()) + " " + told);
      if (page.isEmpty()) {
        Thread.sleep(LOOK_MILLIS);
      }
    }
    Terminal.progressDone();
    return open.size();
  }

  private void begin(int concurrency) {
    for (int i = 0; i < Math.min(concurrency, count); i++) {
      one();
    }
  }

  private void one() {
    if (started == count || over) {
      return;
    }
    started++;
    long begun = System.nanoTime();
    client
        .request(request)
        .compose(
            open ->
                open.send(body)
                    .compose(
                        response ->
                            response
                                .body()
                                .map(
                                    text -> {
                                      if (response.statusCode() == 202) {
                                        arrived.add(
                                            new Accepted(
                                                text.toJsonObject().getString("order_id"),
                                                System.nanoTime() - begun));
                                      } else {
                                        refused.merge(response.statusCode(), 1, Integer::sum);
                                      }
                                      return null;
                                    })))
        .onFailure(failure -> refused.merge(0, 1, Integer::sum))
        .onComplete(
            done -> {
              int now = answered + 1; // nobody else writes it
              answered = now;
              if (now == count) {
                allAnswered.complete();
              } else {
                one();
              }
            });
  }

  private String progress() {
    return "placed " + Terminal.bar(answered, count) + " " + answered;
  }

  private void report(double acceptSeconds, double totalSeconds, Ends ends, int untold) {
    say("");
    say(
        "accepted    %,d of %,d in %.2f s, %,.0f a second",
        accepted.size(), count, acceptSeconds, accepted.size() / acceptSeconds);
    refused.forEach(
        (status, times) -> say("%s  %,d", status == 0 ? "no answer " : "status " + status, times));
    say(
        "ended       %,d confirmed, %,d cancelled in %.2f s, %,.0f orders a minute end to end",
        ends.confirmed,
        ends.cancelled,
        totalSeconds,
        (ends.confirmed + ends.cancelled) * 60 / totalSeconds);
    if (answered < count) {
      say("%s", Terminal.bad("%,d were not answered in time".formatted(count - answered)));
    }
    if (untold > 0) {
      say("%s", Terminal.bad(untold + " customers were not told in time"));
    }
    Collections.sort(acceptNanos);
    Collections.sort(ends.nanos);
    say("accept      p50 %s  p99 %s ms", percentile(acceptNanos, 50), percentile(acceptNanos, 99));
    say("to the end  p50 %s  p99 %s ms", percentile(ends.nanos, 50), percentile(ends.nanos, 99));
  }

  private static String percentile(List<Long> sortedNanos, int percent) {
    if (sortedNanos.isEmpty()) {
      return "-";
    }
    int index = Math.min(sortedNanos.size() - 1, sortedNanos.size() * percent / 100);
    return String.format("%.1f", sortedNanos.get(index) / 1e6);
  }

  /** How and when the orders ended, by their own timestamps. */
  private static final class Ends {
    int confirmed;
    int cancelled;
    final List<Long> nanos = new ArrayList<>();

    private final Map<String, Instant> created = new HashMap<>();
    private final Set<String> orderIds;
    private long at;

    Ends(long from, Set<String> orderIds) {
      this.at = from;
      this.orderIds = orderIds;
    }

    /** Whether all could be read, which is tried once in any case. */
    boolean read(StreamAccess streams, long deadline) throws InterruptedException {
      while (true) {
        Optional<List<RawMessage>> page = pageOrNothing(streams, "ORDERS", at);
        if (page.isEmpty()) {
          if (System.nanoTime() - deadline > 0) {
            return false;
          }
          Thread.sleep(LOOK_MILLIS);
          continue;
        }
        if (page.get().isEmpty()) {
          return true;
        }
        for (RawMessage message : page.get()) {
          at = message.sequence() + 1;
          decode(message)
              .filter(fact -> orderIds.contains(fact.event().aggregateId()))
              .ifPresent(this::add);
        }
      }
    }

    private void add(Envelope<?> fact) {
      switch (fact.event()) {
        case OrderCreated order -> created.put(order.orderId(), fact.timestamp());
        case OrderConfirmed order -> {
          confirmed++;
          nanos.add(Duration.between(created.get(order.orderId()), fact.timestamp()).toNanos());
        }
        case OrderCancelled order -> {
          cancelled++;
          nanos.add(Duration.between(created.get(order.orderId()), fact.timestamp()).toNanos());
        }
        default -> {}
      }
    }
  }

  private static long next(StreamAccess streams, String stream) {
    StreamReader.StreamState state =
        StreamAccess.get(streams.reader().state(streams.subjects().stream(stream)));
    return state.lastSequence() + 1;
  }

  /** Nothing while the broker is away. */
  private static Optional<List<RawMessage>> pageOrNothing(
      StreamAccess streams, String stream, long from) {
    try {
      return Optional.of(
          StreamAccess.get(
              streams.reader().read(streams.subjects().stream(stream), from, 1_000, 4 << 20)));
    } catch (BrokerException away) {
      return Optional.empty();
    }
  }

  private static Optional<Envelope<?>> decode(RawMessage message) {
    try {
      return Optional.of(CODEC.decode(message.body()));
    } catch (UndecodableEventException foreign) {
      return Optional.empty();
    }
  }
}
