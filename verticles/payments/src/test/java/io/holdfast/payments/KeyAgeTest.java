package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.payments.GatewayLine.Fate;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a key that the gateway has forgotten leads to no second charge, and a charge in doubt can
 * be seen. Method: a simulator that keeps keys for a second, and reservations that come back later.
 */
class KeyAgeTest {

  private static final Pattern DOUBT =
      Pattern.compile("payments_doubt_oldest_seconds(?:\\{[^}]*})? ([0-9.E-]+)");

  @TempDir Path folder;
  private Payments payments;

  @BeforeEach
  void open() {
    payments =
        new Payments(folder, TestBroker.shared().url(), Map.of("GATEWAY_KEY_TTL_SECONDS", "1"));
    payments.with("PAYMENT_KEY_LIFE", "1s");
  }

  @AfterEach
  void close() {
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
    payments.close();
  }

  @Test
  void a_redelivery_older_than_the_key_finds_the_charge_that_was_made_and_makes_no_other() {
    assertThat(get(payments.start().drain())).isTrue();
    payments.reserved("o1");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 1);
    String paymentId = payments.chargeAsAReplicaThatDies("o1");
    awaitForgotten("o1");

    payments.start();

    assertThat(payments.fact(PaymentProcessed.class, "o1").paymentId()).isEqualTo(paymentId);
    payments.awaitSettled();
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void an_old_reservation_that_nobody_charged_is_charged_once() {
    assertThat(get(payments.start().drain())).isTrue();
    payments.reserved("o1");
    payments.reserved("o2", "pm_card_chargeDeclined");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 2);
    awaitForgotten("o2");

    payments.start();
    payments.fact(PaymentProcessed.class, "o1");
    payments.awaitSettled();

    assertThat(payments.ledger("o1")).containsExactly("succeeded");
    assertThat(payments.facts("o2")).hasSize(1);
    assertThat(payments.ledger("o2")).isEmpty();
  }

  @Test
  void an_old_charge_of_a_voided_order_is_found_and_given_back() {
    assertThat(get(payments.start().drain())).isTrue();
    payments.reserved("o1");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 1);
    String paymentId = payments.chargeAsAReplicaThatDies("o1");
    payments.store(new PaymentVoided("o1"));
    awaitForgotten("o1");

    payments.start();

    assertThat(payments.fact(PaymentRefunded.class, "o1").paymentId()).isEqualTo(paymentId);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void the_age_of_the_oldest_charge_without_an_answer_is_a_metric() {
    GatewayLine line = payments.line();
    RunningGroup group = payments.with("RETRY_MAX_ATTEMPTS", "1000").start();
    String url = TestGroups.url(group);
    assertThat(doubt(url)).isZero();
    line.charge("o1", Fate.REQUEST_LOST);
    payments.reserved("o1");

    eventually("the doubt grows", () -> doubt(url) > 0.3);
    payments.reserved("o2");
    payments.fact(PaymentProcessed.class, "o2"); // says nothing about the other one
    assertThat(doubt(url)).isGreaterThan(0.3);
    line.charge("o1", Fate.PASSES);

    payments.fact(PaymentProcessed.class, "o1");
    eventually("there is no doubt any more", () -> doubt(url) == 0);
  }

  private static double doubt(String url) {
    Matcher metric = DOUBT.matcher(Http.get(url + "/metrics").body());
    assertThat(metric.find()).isTrue();
    return Double.parseDouble(metric.group(1));
  }

  private void awaitForgotten(String orderId) {
    Instant forgotten = payments.storedAt(Domain.INVENTORY, orderId).plusMillis(2_100);
    eventually("the key is forgotten", () -> Instant.now().isAfter(forgotten));
  }
}
