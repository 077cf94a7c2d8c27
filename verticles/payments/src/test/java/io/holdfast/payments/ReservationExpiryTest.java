package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.Domain;
import io.holdfast.events.Event;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.payments.GatewayLine.Fate;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: an order that stays unpaid ends at its deadline, and never while it may have been charged.
 * Method: the real group with a deadline of two seconds, over a line to the gateway that loses what
 * a test wants lost.
 */
class ReservationExpiryTest {

  private static final Duration TTL = Duration.ofSeconds(2);
  private static final String NEVER = "3600000";

  @TempDir Path folder;
  private Payments payments;
  private GatewayLine line;

  @BeforeEach
  void open() {
    open(TestBroker.shared().url());
  }

  private void open(String natsUrl) {
    payments = new Payments(folder, natsUrl, Map.of());
    line = payments.line();
    payments.with("RESERVATION_TTL", "2s").with("RESERVATION_SWEEP_MS", NEVER);
    payments.with("PAYMENT_GATEWAY_TIMEOUT_MS", "1500");
  }

  @AfterEach
  void close() {
    payments.close();
  }

  @Test
  void an_order_that_nobody_tried_to_charge_ends_on_time_while_the_gateway_is_out() {
    payments.with("BREAKER_RESET_MS", "600000");
    String url = openBreaker();
    payments.reserved("o1");

    assertExpired("o1");
    assertOnTime("o1");
    assertThat(line.attempts("o1")).isZero();
    assertThat(payments.facts("o0")).isEmpty(); // it was tried, so it has to wait
    assertThat(Http.get(url + "/payments/o1").json().getString("code"))
        .isEqualTo("reservation_expired");
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void what_was_charged_before_the_deadline_and_is_in_doubt_after_it_is_paid() {
    payments.start();
    line.charge("o1", Fate.ANSWER_LOST);
    payments.reserved("o1");
    eventually("the money is taken", () -> !payments.ledger("o1").isEmpty());
    line.cut(true);
    awaitPast("o1", Duration.ofMillis(700));
    assertThat(payments.facts("o1")).isEmpty();
    line.charge("o1", Fate.PASSES);
    line.cut(false);

    payments.fact(PaymentProcessed.class, "o1");
    payments.awaitSettled();
    assertThat(payments.facts("o1")).hasSize(1);
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void what_was_not_charged_before_the_deadline_ends_as_soon_as_the_gateway_says_so() {
    payments.start();
    line.charge("o1", Fate.REQUEST_LOST);
    payments.reserved("o1");
    eventually("it was tried", () -> line.attempts("o1") > 0);
    line.cut(true);
    awaitPast("o1", Duration.ofMillis(700));
    assertThat(payments.facts("o1")).isEmpty();
    int attempts = line.attempts("o1");
    line.cut(false);

    assertExpired("o1");
    assertThat(line.attempts("o1")).isEqualTo(attempts);
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void what_was_charged_in_doubt_and_is_voided_by_then_is_given_back() {
    payments.start();
    line.charge("o1", Fate.ANSWER_LOST);
    payments.reserved("o1");
    eventually("the money is taken", () -> !payments.ledger("o1").isEmpty());
    line.cut(true);
    awaitPast("o1", Duration.ofMillis(200));
    payments.cancelled("o1");
    payments.fact(PaymentVoided.class, "o1");
    line.charge("o1", Fate.PASSES);
    line.cut(false);

    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");
    payments.awaitSettled();
    assertThat(payments.facts("o1")).containsExactly(new PaymentVoided("o1"), refunded);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  /**
   * Two replicas with sweepers that hurry; answers that come around the deadline, or are lost. The
   * seed is told with a failure.
   */
  @Test
  void a_payment_that_lands_at_the_deadline_either_wins_or_takes_nothing() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    payments.with("RESERVATION_SWEEP_MS", "100");
    payments.start();
    payments.start();
    int orders = 60;
    for (int i = 0; i < orders; i++) {
      Fate fate = random.nextInt(4) == 0 ? Fate.ANSWER_LOST : Fate.PASSES;
      line.charge("o" + i, random.nextInt(4) == 0 ? Fate.REQUEST_LOST : fate, random(random));
      payments.reserved("o" + i);
    }
    for (int i = 0; i < orders; i++) {
      String orderId = "o" + i;
      eventually(orderId + " was tried", () -> line.attempts(orderId) > 0);
      line.charge(orderId, Fate.PASSES, random(random));
    }

    int paid = 0;
    for (int i = 0; i < orders; i++) {
      String orderId = "o" + i;
      eventually(orderId + " has ended", () -> !payments.facts(orderId).isEmpty());
    }
    payments.awaitSettled();
    for (int i = 0; i < orders; i++) {
      List<Event> facts = payments.facts("o" + i);
      boolean processed = facts.getFirst() instanceof PaymentProcessed;
      paid += processed ? 1 : 0;
      assertThat(payments.ledger("o" + i))
          .as("order o%d, %s, seed %d", i, facts, seed)
          .isEqualTo(
              processed
                  ? List.of("succeeded")
                  : facts.size() > 1 ? List.of("refunded") : List.of());
    }
    assertThat(paid).as("seed %d", seed).isPositive().isLessThan(orders);
  }

  /** Most are about as long as there is time. */
  private static long random(Random random) {
    return random.nextInt(8) == 0 ? 1 + random.nextInt(1_400) : 1_200 + random.nextInt(250);
  }

  @Test
  void a_restart_before_the_deadline_forgets_no_deadline() {
    payments.with("BREAKER_RESET_MS", "600000");
    RunningGroup first = startWithBreakerOpen();
    payments.reserved("o1");
    eventually("it was put off", () -> unsentThrough("o1") == 1);
    assertThat(get(first.drain())).isTrue();
    payments.with("BREAKER_RESET_MS", "200").start();
    awaitPast("o1", Duration.ofMillis(300));
    assertThat(payments.facts("o1")).isEmpty();
    line.cut(false);

    assertExpired("o1");
  }

  @Test
  void an_attempt_takes_away_the_note_that_nothing_was_sent() {
    startWithBreakerOpen();
    payments.reserved("o1");
    eventually("it was put off", () -> unsentThrough("o1") > 0);
    line.charge("o0", Fate.PASSES); // so that the breaker closes
    line.charge("o1", Fate.ANSWER_LOST);
    line.cut(false);
    eventually("the money is taken", () -> !payments.ledger("o1").isEmpty());
    line.cut(true);

    assertThat(unsentThrough("o1")).isZero();
    awaitPast("o1", Duration.ofMillis(300));
    assertThat(payments.facts("o1")).isEmpty();
    line.charge("o1", Fate.PASSES);
    line.cut(false);

    payments.fact(PaymentProcessed.class, "o1");
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void a_note_counts_for_nothing_once_deliveries_are_counted_anew() {
    payments.with("BREAKER_RESET_MS", "600000");
    RunningGroup first = startWithBreakerOpen();
    payments.reserved("o1");
    eventually("it was put off", () -> unsentThrough("o1") == 1);
    assertThat(get(first.drain())).isTrue();
    payments.streams().forgetConsumer("INVENTORY", "payments-charge");
    payments.chargeAsAReplicaThatDies("o1");
    line.charge("o1", Fate.REQUEST_LOST, 1_400); // until after the deadline
    payments.with("BREAKER_RESET_MS", "200").start();
    awaitPast("o1", Duration.ofMillis(1_900)); // and that attempt has ended
    assertThat(payments.facts("o1")).isEmpty();
    line.charge("o1", Fate.PASSES);
    line.cut(false);

    payments.fact(PaymentProcessed.class, "o1");
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void a_reservation_that_a_dead_replica_had_waits_for_the_gateway() {
    assertThat(get(payments.start().drain())).isTrue();
    payments.reserved("o1");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 1);
    String paymentId = payments.chargeAsAReplicaThatDies("o1");
    payments.reserved("o2");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 2);
    line.cut(true);
    awaitPast("o2", Duration.ZERO);
    payments.start();
    awaitPast("o2", Duration.ofMillis(500));
    assertThat(payments.facts("o1")).isEmpty();
    assertThat(payments.facts("o2")).isEmpty();
    line.cut(false);

    assertThat(payments.fact(PaymentProcessed.class, "o1").paymentId()).isEqualTo(paymentId);
    assertExpired("o2");
    assertThat(line.attempts("o2")).isZero();
  }

  @Test
  void what_a_broker_says_of_deliveries_is_not_believed_once_it_was_killed() {
    payments.close();
    try (NatsServer broker = TestBroker.own(folder.resolve("broker"))) {
      open(broker.url());
      payments.with("BREAKER_RESET_MS", "600000");
      RunningGroup group = startWithBreakerOpen();
      payments.reserved("o1");
      eventually("it was put off", () -> unsentThrough("o1") == 1);
      broker.kill();
      broker.restart();
      eventually("ready again", () -> group.notReady().isEmpty());
      eventually("the test is too", () -> payments.streams().events().problems().isEmpty());
      awaitPast("o1", Duration.ofSeconds(1));
      assertThat(payments.facts("o1")).isEmpty();
      assertThat(get(group.drain())).isTrue();
      line.cut(false);
      payments.with("BREAKER_RESET_MS", "200").with("RESERVATION_SWEEP_MS", "100").start();

      assertExpired("o1");
      payments.close();
    }
    open();
  }

  @Test
  void the_brokers_timer_alone_ends_an_order_that_was_parked() {
    startWhereOneFailureParks();
    park("o1");

    assertExpired("o1");
    assertOnTime("o1");
  }

  @Test
  void the_sweep_alone_ends_an_order_that_was_parked_and_counts_what_it_cannot_end() {
    payments.with("RESERVATION_SWEEP_MS", "100");
    String url = TestGroups.url(startWhereOneFailureParks());
    park("o1");
    payments.streams().purge("TIMERS", "timers.at.inventory.reserved.o1");
    line.cut(true);
    eventually("it is counted", () -> pastDeadline(url) == 1);
    assertThat(payments.facts("o1")).isEmpty();
    line.cut(false);

    assertExpired("o1");
    eventually("and not any more", () -> pastDeadline(url) == 0);
  }

  @Test
  void the_sweep_alone_finds_what_is_behind_the_consumers_position() {
    payments.with("RESERVATION_SWEEP_MS", "100").with("WORKERS", "1");
    payments.start();
    line.charge("o1", Fate.PASSES, 700); // holds the only place
    payments.reserved("o1");
    eventually("it is under way", () -> line.attempts("o1") > 0);
    for (int i = 2; i < 5; i++) {
      line.charge("o" + i, Fate.PASSES, 1_400);
      payments.reserved("o" + i);
    }

    payments.fact(PaymentProcessed.class, "o1");
    assertExpired("o4");
    assertOnTime("o4");
    assertThat(line.attempts("o4")).isZero();
  }

  @Test
  void a_reservation_delivered_after_its_end_charges_nothing() {
    payments.with("BREAKER_RESET_MS", "200");
    startWhereOneFailureParks();
    park("o1");
    assertExpired("o1");
    RunningGroup second = payments.start();
    assertThat(get(second.drain())).isTrue();
    payments.streams().forgetConsumer("INVENTORY", "payments-charge");
    int attempts = line.attempts("o1");

    payments.start();
    payments.awaitSettled();

    assertExpired("o1");
    assertThat(line.attempts("o1")).isEqualTo(attempts);
  }

  @Test
  void nothing_expires_unless_it_is_asked_for() {
    payments.with("RESERVATION_TTL", "off").with("RESERVATION_SWEEP_MS", "100");
    payments.start();
    line.cut(true);
    payments.reserved("o1");
    awaitPast("o1", Duration.ofMillis(300));
    assertThat(payments.facts("o1")).isEmpty();
    String timers = payments.streams().subjects().stream("TIMERS");
    assertThat(
            payments
                .streams()
                .reader()
                .state(timers)
                .transform(io.vertx.core.Future::succeededFuture))
        .satisfies(state -> assertThat(get(state).failed()).isTrue());
    line.cut(false);

    payments.fact(PaymentProcessed.class, "o1");
  }

  /** Opens the breaker with order o0, which stays in doubt for good. */
  private RunningGroup startWithBreakerOpen() {
    RunningGroup group = payments.with("BREAKER_FAILURES", "1").start();
    line.charge("o0", Fate.REQUEST_LOST);
    payments.reserved("o0");
    String url = TestGroups.url(group);
    eventually(
        "the breaker opens",
        () -> Http.get(url + "/breaker").json().getString("state").equals("open"));
    line.cut(true);
    return group;
  }

  private String openBreaker() {
    return TestGroups.url(startWithBreakerOpen());
  }

  /** So that it is parked long before its deadline. */
  private RunningGroup startWhereOneFailureParks() {
    return payments.with("BREAKER_FAILURES", "1").with("RETRY_MAX_ATTEMPTS", "1").start();
  }

  /** Has an order refused in a way that is nobody's business, so that it is parked. */
  private void park(String orderId) {
    line.charge(orderId, Fate.REFUSED);
    payments.reserved(orderId);
    eventually("it is parked", () -> !payments.streams().messages("DEADLETTERS").isEmpty());
    line.charge(orderId, Fate.PASSES);
    assertThat(payments.facts(orderId)).isEmpty();
  }

  private void assertExpired(String orderId) {
    PaymentFailed failed = payments.fact(PaymentFailed.class, orderId);
    assertThat(failed.code()).isEqualTo("reservation_expired");
    assertThat(failed.message()).contains("2s");
    assertThat(failed.customerId()).isEqualTo("c1");
    assertThat(failed.origin()).isEqualTo(Payments.ORIGIN);
    assertThat(payments.facts(orderId)).hasSize(1);
    assertThat(payments.ledger(orderId)).isEmpty();
  }

  private void assertOnTime(String orderId) {
    Instant deadline = payments.storedAt(Domain.INVENTORY, orderId).plus(TTL);
    assertThat(payments.storedAt(Domain.PAYMENTS, orderId))
        .isAfterOrEqualTo(deadline)
        .isBefore(deadline.plusSeconds(3));
  }

  private void awaitPast(String orderId, Duration more) {
    Instant then = payments.storedAt(Domain.INVENTORY, orderId).plus(TTL).plus(more);
    eventually("the deadline has passed", () -> Instant.now().isAfter(then));
  }

  /** What the order's timer says of the attempts so far; -1 if it has none. */
  private long unsentThrough(String orderId) {
    return payments.streams().messages("TIMERS").stream()
        .filter(timer -> timer.subject().endsWith(".reserved." + orderId))
        .reduce((before, last) -> last)
        .flatMap(timer -> timer.header("Holdfast-Unsent-Through"))
        .map(Long::parseLong)
        .orElse(-1L);
  }

  private static int pastDeadline(String url) {
    return Http.get(url + "/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith("orders_past_deadline{state=\"reserved\""))
        .mapToInt(line -> (int) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElseThrow();
  }
}
