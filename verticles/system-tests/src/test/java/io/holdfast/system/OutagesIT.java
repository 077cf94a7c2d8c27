package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the gateway may be out for as long as it likes: orders are taken, none is given up, and
 * when it is back it is not knocked over by what has gathered. While the broker is gone, orders are
 * refused at once, and all goes on when it is back. Method: customers at a steady rate, packaged
 * JARs, the simulator's outage, kill -9 of the broker; at the end {@code reconcile}.
 *
 * <p>{@code -Dholdfast.outage.seconds=60 -Dholdfast.outage.rate=100} makes both last a minute, with
 * the breaker's own 30 s.
 */
class OutagesIT {

  private static final int SECONDS = Integer.getInteger("holdfast.outage.seconds", 6);
  private static final int RATE = Integer.getInteger("holdfast.outage.rate", 30);
  private static final String RESET_MILLIS = SECONDS < 60 ? "2000" : "30000";
  private static final Duration LIMIT = Duration.ofSeconds(60).plusSeconds(2L * SECONDS);

  @TempDir Path folder;
  private SystemUnderTest system;
  private final Queue<String> accepted = new ConcurrentLinkedQueue<>();
  private final Queue<String> refused = new ConcurrentLinkedQueue<>();
  private final AtomicInteger unready = new AtomicInteger();
  private final AtomicLong slowest = new AtomicLong();

  @BeforeEach
  void start() {
    system = new SystemUnderTest(folder).with("BREAKER_RESET_MS", RESET_MILLIS);
    system.start();
    system.receive("cup", 1_000_000);
  }

  @AfterEach
  void stop() {
    system.close();
  }

  @Test
  void an_outage_delays_orders_and_costs_none() throws Exception {
    Instant began;
    JsonObject open;
    long pendingAtTheEnd;
    try (Regularly customers = new Regularly()) {
      customers.come();
      eventually("orders are confirmed", () -> metric("orders", CONFIRMED) > 2L * RATE);

      began = Instant.now(); // before, as the breaker may be open when the answer comes
      faults(new JsonObject().put("outage", true));
      open =
          eventually(
              "the breaker opens",
              () -> Http.get(system.url("payments") + "/breaker").json(),
              breaker -> breaker.getString("state").equals("open"));
      eventually(
          "the outage lasts",
          LIMIT,
          () -> Duration.between(began, Instant.now()).toSeconds(),
          passed -> passed >= SECONDS);
      pendingAtTheEnd =
          eventually( // the figure is asked of the broker every few seconds
              "they wait there",
              LIMIT,
              () -> metric("payments", "consumer_lag{consumer=\"payments-charge\"}"),
              lag -> lag > (long) RATE * SECONDS / 3);
      faults(new JsonObject().put("outage", false).put("latency_ms", 20));
      eventually(
          "it is let back in",
          LIMIT,
          () -> Http.get(system.url("payments") + "/breaker").json(),
          breaker -> breaker.getString("state").equals("closed"));
      eventually(
          "customers go on for a little",
          LIMIT,
          () -> Duration.between(began, Instant.now()).toSeconds(),
          passed -> passed >= SECONDS + 3);
    }
    Instant back = Instant.now();
    eventually(
        "all orders are final",
        LIMIT,
        () -> metric("orders", CONFIRMED),
        confirmed -> confirmed >= accepted.size());
    long settled = Duration.between(back, Instant.now()).toMillis();

    // Those that were under way when the sixth failed are counted too.
    assertThat(open.getLong("failures")).isGreaterThanOrEqualTo(6);
    assertThat(Duration.between(began, open.getInstant("opened_at")))
        .isBetween(Duration.ZERO, Duration.ofSeconds(5));
    assertThat(refused).as("POST /orders is not affected").isEmpty();
    assertThat(unready).as("nor is any service's readiness").hasValue(0);
    assertThat(metric("payments", "dead_letters_total")).isZero();
    SystemUnderTest.Reconciled result =
        system.reconcile(Files.write(folder.resolve("accepted.log"), accepted));
    assertThat(result.status()).as(result.output()).isZero();
    System.out.printf(
        "outage of %d s at %d orders/s: %d accepted, %d refused, open after %d ms, %d waited at"
            + " the broker, all final %d ms after the last order, 0 dead letters%n",
        SECONDS,
        RATE,
        accepted.size(),
        refused.size(),
        Duration.between(began, open.getInstant("opened_at")).toMillis(),
        pendingAtTheEnd,
        settled);
  }

  @Test
  void while_the_broker_is_gone_orders_are_refused_at_once_and_afterwards_all_goes_on()
      throws Exception {
    long backAfter;
    try (Regularly customers = new Regularly()) {
      customers.come();
      eventually("orders are confirmed", () -> metric("orders", CONFIRMED) > 2L * RATE);
      system.broker().kill();
      Instant gone = Instant.now();
      eventually(
          "nobody is ready",
          LIMIT,
          () -> GROUPS.stream().allMatch(group -> !ready(group)),
          all -> all);
      eventually(
          "it stays gone",
          LIMIT,
          () -> Duration.between(gone, Instant.now()).toSeconds(),
          passed -> passed >= SECONDS);
      int before = accepted.size();
      system.broker().restart();
      Instant again = Instant.now();
      eventually("orders are accepted", LIMIT, accepted::size, now -> now > before);
      backAfter = Duration.between(again, Instant.now()).toMillis();
      eventually("all are ready", LIMIT, () -> GROUPS.stream().allMatch(this::ready), all -> all);
    }

    assertThat(refused).isNotEmpty().allSatisfy(answer -> assertThat(answer).startsWith("503 "));
    assertThat(slowest.get())
        .as("ms that a refusal took, the publishes that were under way included")
        .isLessThan(15_000);
    eventually(
        "all orders are final",
        LIMIT,
        () -> metric("orders", CONFIRMED),
        confirmed -> confirmed >= accepted.size());
    SystemUnderTest.Reconciled result =
        system.reconcile(Files.write(folder.resolve("accepted.log"), accepted));
    assertThat(result.status()).as(result.output()).isZero();
    System.out.printf(
        "broker gone for %d s at %d orders/s: %d accepted, %d refused, the slowest answer after"
            + " %d ms; the first order accepted %d ms after its start%n",
        SECONDS, RATE, accepted.size(), refused.size(), slowest.get(), backAfter);
  }

  /** Customers come at the rate, and somebody looks at readiness twice a second. */
  private final class Regularly implements AutoCloseable {
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService each = Executors.newVirtualThreadPerTaskExecutor();
    private List<Future<?>> tasks = List.of();

    void come() {
      tasks =
          List.of(
              clock.scheduleAtFixedRate(
                  () -> each.execute(OutagesIT.this::placeOne),
                  0,
                  1_000_000 / RATE,
                  TimeUnit.MICROSECONDS),
              clock.scheduleAtFixedRate(
                  () -> each.execute(OutagesIT.this::lookWhetherReady),
                  0,
                  500,
                  TimeUnit.MILLISECONDS));
    }

    @Override
    public void close() {
      tasks.forEach(task -> task.cancel(false));
      clock.close();
      each.close();
    }
  }

  private static final List<String> GROUPS =
      List.of("orders", "inventory", "payments", "notifications", "audit");

  private static final String CONFIRMED = "events_published_total{type=\"OrderConfirmed\"}";

  private void placeOne() {
    JsonObject order =
        new JsonObject()
            .put("customer_id", "customer-1")
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", "cup")
                            .put("quantity", 1)
                            .put("unit_price", 3)));
    long begun = System.nanoTime();
    try {
      Http.Answer answer = Http.post(system.url("orders") + "/orders", order);
      if (answer.status() == 202) {
        accepted.add(answer.json().getString("order_id"));
      } else {
        refused.add(answer.status() + " " + answer.body());
      }
    } catch (RuntimeException failed) {
      refused.add(failed.toString());
    }
    slowest.accumulateAndGet((System.nanoTime() - begun) / 1_000_000, Math::max);
  }

  private void lookWhetherReady() {
    for (String group : GROUPS) {
      if (!ready(group)) {
        unready.incrementAndGet();
      }
    }
  }

  private boolean ready(String group) {
    return Http.get(system.url(group) + "/ready").status() == 200;
  }

  private void faults(JsonObject faults) {
    assertThat(Http.put(system.url("gateway") + "/simulator/faults", faults).status())
        .isEqualTo(200);
  }

  /** The sum of a group's series whose line begins so; 0 if there is none. */
  private long metric(String group, String series) {
    return Http.get(system.url(group) + "/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }
}
