package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.payments.GatewayLine.Fate;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no refund is forgotten: it is made, or somebody is told. Method: a line to the gateway that
 * refuses refunds, for a while or for good.
 */
class RefundTest {

  @TempDir Path folder;
  private Payments payments;
  private GatewayLine line;
  private RunningGroup group;
  private String url;

  @BeforeEach
  void open() {
    payments = new Payments(folder).with("RETRY_BASE_MS", "20");
    line = payments.line();
    group = payments.start();
    url = TestGroups.url(group);
  }

  @AfterEach
  void close() {
    payments.close();
  }

  @Test
  void a_refund_that_is_refused_again_and_again_is_parked_counted_and_made_when_it_comes_back() {
    payments.reserved("o1");
    payments.fact(PaymentProcessed.class, "o1");
    line.refuseRefunds("o1", true);
    payments.cancelled("o1");

    eventually("it is parked", () -> payments.streams().messages("DEADLETTERS").size() == 1);
    assertThat(payments.streams().messages("DEADLETTERS").getFirst().subject())
        .endsWith("deadletters.payments.orders.cancelled.o1");
    eventually(
        "the alarm rings",
        () -> metrics().contains("dead_letters_total{consumer=\"payments-compensate\""));
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
    assertThat(Http.get(url + "/payments/o1").json().getString("status")).isEqualTo("processed");

    line.refuseRefunds("o1", false);
    assertThat(get(group.drain())).isTrue();
    payments.streams().forgetConsumer("ORDERS", "payments-compensate"); // delivers it once more
    payments.start();
    payments.fact(PaymentRefunded.class, "o1");
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void a_refund_that_the_gateway_only_fails_to_make_spends_no_attempt() {
    assertThat(get(group.drain())).isTrue();
    url =
        TestGroups.url(
            payments.with("RETRY_MAX_ATTEMPTS", "2").with("BREAKER_FAILURES", "2").start());
    payments.reserved("o1");
    payments.fact(PaymentProcessed.class, "o1");
    payments.faults("refund_error_rate", 1.0);
    payments.cancelled("o1");
    eventually("it was tried more often than that", () -> postponed() >= 3);
    payments.faults("refund_error_rate", 0);

    payments.fact(PaymentRefunded.class, "o1");

    assertThat(payments.ledger("o1")).containsExactly("refunded");
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
  }

  private double postponed() {
    return metrics()
        .lines()
        .filter(line -> line.startsWith("events_processed_total{consumer=\"payments-compensate\""))
        .filter(line -> line.contains("outcome=\"postponed\""))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void money_that_came_too_late_and_cannot_be_given_back_is_parked_and_counted_as_well() {
    line.charge("o1", Fate.PASSES, 500);
    line.refuseRefunds("o1", true);
    payments.reserved("o1");
    eventually("the charge is under way", () -> line.attempts("o1") > 0);
    payments.cancelled("o1");
    payments.fact(PaymentVoided.class, "o1");

    eventually("it is parked", () -> payments.streams().messages("DEADLETTERS").size() == 1);
    eventually(
        "the alarm rings",
        () -> metrics().contains("dead_letters_total{consumer=\"payments-charge\""));
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void a_refund_that_somebody_else_has_made_is_recorded_and_not_made_again() {
    payments.reserved("o1");
    PaymentProcessed processed = payments.fact(PaymentProcessed.class, "o1");
    String before = payments.refundAsAPersonDoes(processed.paymentId());

    payments.cancelled("o1");

    assertThat(payments.fact(PaymentRefunded.class, "o1").refundId()).isEqualTo(before);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
  }

  private String metrics() {
    return Http.get(url + "/metrics").body();
  }
}
