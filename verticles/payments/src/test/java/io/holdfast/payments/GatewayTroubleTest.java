package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whatever the gateway does, an order is charged once and none is given up for an outage.
 * Method: the simulator's faults, switched on and off again; then its ledger is counted.
 */
class GatewayTroubleTest {

  @TempDir Path folder;
  private Payments payments;
  private RunningGroup group;
  private String url;

  @BeforeEach
  void open() {
    payments = new Payments(folder);
    group = payments.start();
    url = TestGroups.url(group);
  }

  @AfterEach
  void close() {
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
    payments.close();
  }

  @Test
  void a_charge_whose_answer_was_lost_is_found_again_and_not_made_twice() {
    payments.faults("drop_after_charge_rate", 1.0);
    payments.reserved("o1");
    payments.reserved("o2");
    eventually("the money is taken", () -> !payments.ledger("o1").isEmpty());
    eventually("the money is taken", () -> !payments.ledger("o2").isEmpty());
    payments.faults("drop_after_charge_rate", 0);

    payments.fact(PaymentProcessed.class, "o1");
    payments.fact(PaymentProcessed.class, "o2");

    assertThat(payments.ledger("o1")).containsExactly("succeeded");
    assertThat(payments.ledger("o2")).containsExactly("succeeded");
  }

  @Test
  void a_gateway_that_hangs_is_not_waited_for_and_the_charge_is_made_once() {
    assertThat(get(group.drain())).isTrue();
    url = TestGroups.url(payments.with("PAYMENT_GATEWAY_TIMEOUT_MS", "300").start());
    payments.faults("hang_rate", 1.0);
    for (int i = 0; i < 4; i++) { // made or not begun, as the coin falls
      payments.reserved("o" + i);
    }
    eventually(
        "nobody waits any more", () -> Http.get(url + "/breaker").json().getLong("failures") >= 4);
    payments.faults("hang_rate", 0);

    for (int i = 0; i < 4; i++) {
      payments.fact(PaymentProcessed.class, "o" + i);
      assertThat(payments.ledger("o" + i)).containsExactly("succeeded");
    }
  }

  @Test
  void five_failures_in_a_row_leave_the_breaker_closed_and_a_sixth_opens_it() {
    payments.faults("error_rate", 1.0);
    payments.reserved("o1");

    JsonObject breaker =
        eventually(
            "there are failures",
            () -> Http.get(url + "/breaker").json(),
            told -> {
              boolean open = !told.getString("state").equals("closed");
              // The two are not read in one instant: the sixth may be counted in between.
              assertThat(told.getLong("failures")).matches(n -> open ? n >= 6 : n <= 6);
              return open;
            });
    assertThat(breaker.getString("name")).isEqualTo("payment-gateway");
    assertThat(Http.get(url + "/metrics").body())
        .containsPattern("circuit_breaker_state\\{name=\"payment-gateway\".*\\} [12]");
    payments.faults("error_rate", 0);
    payments.fact(PaymentProcessed.class, "o1");
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  /** More orders than it has connections: what waits for one is not the gateway's delay. */
  @Test
  void a_gateway_that_is_slow_but_in_time_opens_no_breaker_however_many_wait_for_it() {
    assertThat(get(group.drain())).isTrue();
    url = TestGroups.url(payments.with("PAYMENT_GATEWAY_TIMEOUT_MS", "6000").start());
    payments.faults("latency_ms", 3_000);
    for (int i = 0; i < 250; i++) {
      payments.reserved("o" + i);
    }
    eventually(
        "all are charged",
        Duration.ofSeconds(30),
        () -> payments.streams().messages("PAYMENTS").size(),
        charged -> charged == 250);

    assertThat(Http.get(url + "/metrics").body())
        .doesNotContainPattern("event_retries_total\\{consumer=\"payments-charge\".*\\} [1-9]")
        .doesNotContainPattern("events_processed_total\\{.*postponed.*\\} [1-9]");
  }

  @Test
  void a_gateway_that_asks_to_be_left_alone_is_and_that_spends_no_attempt() {
    payments.faults("rate_limit_rate", 1.0);
    payments.reserved("o1");
    eventually("it was asked", () -> Http.get(url + "/breaker").json().getLong("failures") > 0);
    payments.faults("rate_limit_rate", 0);

    payments.fact(PaymentProcessed.class, "o1");

    assertThat(payments.ledger("o1")).containsExactly("succeeded");
    assertThat(Http.get(url + "/metrics").body())
        .doesNotContainPattern("event_retries_total\\{consumer=\"payments-charge\".*\\} [1-9]");
  }

  @Test
  void a_lone_order_outlives_an_outage_that_lasts_for_many_probes() {
    payments.faults("outage", true);
    payments.reserved("o1");

    JsonObject open =
        eventually(
            "the breaker opens",
            () -> Http.get(url + "/breaker").json(),
            breaker -> breaker.getString("state").equals("open"));
    assertThat(open.getString("name")).isNotBlank();
    assertThat(open.getLong("failures")).isGreaterThan(5);
    assertThat(open.getInstant("next_probe_at")).isAfter(open.getInstant("opened_at"));
    String firstOpened = open.getString("opened_at");
    eventually(
        "a probe fails and the breaker opens anew, twice",
        () -> Http.get(url + "/breaker").json().getString("opened_at", firstOpened),
        later ->
            java.time.Instant.parse(later).isAfter(open.getInstant("opened_at").plusMillis(400)));
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
    payments.faults("outage", false);

    payments.fact(PaymentProcessed.class, "o1");
    JsonObject closed = Http.get(url + "/breaker").json();
    assertThat(closed.getString("state")).isEqualTo("closed");
    assertThat(closed.getLong("failures")).isZero();
    assertThat(closed.containsKey("opened_at")).isFalse();
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void orders_queue_up_behind_an_outage_and_all_are_charged_after_it() {
    payments.faults("outage", true);
    for (int i = 0; i < 60; i++) {
      payments.reserved("o" + i);
    }
    eventually(
        "the breaker opens",
        () -> Http.get(url + "/breaker").json().getString("state").equals("open"));
    payments.faults("outage", false);

    for (int i = 0; i < 60; i++) {
      payments.fact(PaymentProcessed.class, "o" + i);
      assertThat(payments.ledger("o" + i)).containsExactly("succeeded");
    }
  }

  /** What has just come back would fall over again under all that has gathered meanwhile. */
  @Test
  void after_an_outage_the_orders_that_have_gathered_come_ever_faster_and_not_all_at_once() {
    payments.faults("outage", true);
    for (int i = 0; i < 300; i++) {
      payments.reserved("o" + i);
    }
    eventually(
        "the breaker opens",
        () -> Http.get(url + "/breaker").json().getString("state").equals("open"));
    payments.faults("outage", false, "latency_ms", 50);
    eventually(
        "all are charged",
        Duration.ofSeconds(60),
        () -> payments.streams().messages("PAYMENTS").size(),
        charged -> charged == 300);

    List<Instant> charged =
        payments.streams().messages("PAYMENTS").stream().map(RawMessage::storedAt).toList();
    Instant probe = charged.getFirst();
    // One at a time, then two, then four: 20, 40 and 80 at most. The ramp begins at the gateway's
    // answer, though, and the first fact may be stored almost a step after that: so each bound is
    // that of one step more. Without a ramp all 300 are charged within half a second.
    assertThat(within(charged, probe, 1_000)).isLessThanOrEqualTo(80);
    assertThat(within(charged, probe, 2_000)).isLessThanOrEqualTo(180);
    assertThat(Http.get(url + "/metrics").body())
        .doesNotContainPattern("dead_letters_total\\{.*\\} [1-9]");
  }

  @Test
  void while_the_gateway_is_out_its_orders_stay_at_the_broker() {
    assertThat(get(group.drain())).isTrue();
    url = TestGroups.url(payments.with("BREAKER_RESET_MS", "60000").with("WORKERS", "4").start());
    payments.faults("outage", true);
    for (int i = 0; i < 10; i++) {
      payments.reserved("o" + i);
    }
    eventually(
        "the breaker opens",
        () -> Http.get(url + "/breaker").json().getString("state").equals("open"));
    for (int i = 10; i < 40; i++) {
      payments.reserved("o" + i);
    }
    eventually(
        "they wait there",
        () ->
            get(payments
                        .streams()
                        .reader()
                        .consumer(
                            payments.streams().subjects().stream("INVENTORY"), "payments-charge"))
                    .pending()
                >= 26);

    assertThat(Http.get(url + "/ready").status()).isEqualTo(200);
    assertThat(payments.streams().messages("PAYMENTS")).isEmpty();
  }

  private static long within(List<Instant> charged, Instant probe, long millis) {
    return charged.stream().filter(at -> at.isBefore(probe.plusMillis(millis))).count();
  }

  @Test
  void errors_and_limits_of_the_gateway_are_tried_again() {
    payments.faults("error_rate", 0.2, "rate_limit_rate", 0.05);
    for (int i = 0; i < 20; i++) {
      payments.reserved("o" + i);
    }

    for (int i = 0; i < 20; i++) {
      payments.fact(PaymentProcessed.class, "o" + i);
      assertThat(payments.ledger("o" + i)).containsExactly("succeeded");
    }
    assertThat(payments.streams().facts("PAYMENTS")).hasSize(20);
  }

  @Test
  void a_refund_that_fails_at_first_is_made_in_the_end_and_once() {
    payments.reserved("o1");
    payments.fact(PaymentProcessed.class, "o1");
    payments.faults("refund_error_rate", 1.0);
    payments.cancelled("o1");
    eventually("refunds fail", () -> Http.get(url + "/breaker").json().getLong("failures") > 1);
    payments.faults("refund_error_rate", 0);

    payments.fact(PaymentRefunded.class, "o1");

    assertThat(payments.ledger("o1")).containsExactly("refunded");
    payments.awaitSettled();
  }
}
