package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: a reserved order is charged once, and what is cancelled is not kept. Method: the real group
 * against the real simulator and a real broker; the gateway's ledger has the last word.
 */
class PaymentFlowTest {

  @TempDir Path folder;
  private Payments payments;

  @BeforeEach
  void open() {
    payments = new Payments(folder);
  }

  @AfterEach
  void close() {
    assertThat(payments.streams().messages("DEADLETTERS")).isEmpty();
    payments.close();
  }

  @Test
  void a_reserved_order_is_charged_once_and_its_fact_carries_all_that_the_order_needs() {
    payments.start();

    payments.reserved("o1");

    PaymentProcessed fact = payments.fact(PaymentProcessed.class, "o1");
    assertThat(payments.charges("o1")).hasSize(1);
    JsonObject charge = payments.charges("o1").getFirst();
    assertThat(charge.getString("status")).isEqualTo("succeeded");
    assertThat(charge.getLong("amount")).isEqualTo(4_000);
    assertThat(charge.getString("currency")).isEqualToIgnoringCase("eur");
    assertThat(fact)
        .isEqualTo(
            new PaymentProcessed(
                "o1",
                "c1",
                Payments.AMOUNT,
                "EUR",
                charge.getString("id"),
                Payments.ITEMS,
                "pm_card_visa",
                Payments.ORIGIN));
    assertThat(payments.history("o1").events().getFirst().envelope().traceId())
        .isEqualTo(Payments.TRACE);
  }

  @Test
  void a_declined_card_is_a_fact_with_the_gateways_code() {
    payments.start();

    payments.reserved("o1", "pm_card_chargeDeclinedInsufficientFunds");
    payments.reserved("o2", "pm_card_chargeDeclined");

    PaymentFailed fact = payments.fact(PaymentFailed.class, "o1");
    assertThat(fact.code()).isEqualTo("insufficient_funds");
    assertThat(fact.message()).isNotBlank();
    assertThat(fact.customerId()).isEqualTo("c1");
    assertThat(fact.origin()).isEqualTo(Payments.ORIGIN);
    assertThat(payments.fact(PaymentFailed.class, "o2").code()).isNotBlank();
    assertThat(payments.ledger("o1")).doesNotContain("succeeded");
    assertThat(payments.ledger("o2")).doesNotContain("succeeded");
  }

  @Test
  void an_order_cancelled_before_its_charge_is_voided_and_nothing_is_taken() {
    payments.start();

    payments.cancelled("o1");
    payments.fact(PaymentVoided.class, "o1");
    payments.reserved("o1");
    payments.awaitSettled();

    assertThat(payments.facts("o1")).containsExactly(new PaymentVoided("o1"));
    assertThat(payments.ledger("o1")).isEmpty();
  }

  @Test
  void an_order_cancelled_after_its_charge_gets_its_money_back() {
    payments.start();
    payments.reserved("o1");
    PaymentProcessed processed = payments.fact(PaymentProcessed.class, "o1");

    payments.cancelled("o1");

    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");
    assertThat(refunded.paymentId()).isEqualTo(processed.paymentId());
    assertThat(refunded.refundId()).isNotBlank();
    assertThat(refunded.amount()).isEqualByComparingTo(Payments.AMOUNT);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void an_order_cancelled_after_a_decline_has_nothing_to_get_back() {
    payments.start();
    payments.reserved("o1", "pm_card_chargeDeclined");
    payments.fact(PaymentFailed.class, "o1");

    payments.cancelled("o1");
    payments.awaitSettled();

    assertThat(payments.facts("o1")).hasSize(1).first().isInstanceOf(PaymentFailed.class);
  }

  @Test
  void a_charge_that_loses_the_race_to_a_cancellation_gives_the_money_back() {
    payments.start();
    payments.faults("latency_ms", 300);
    payments.reserved("o1");
    payments.cancelled("o1"); // lands while the gateway still thinks about it
    payments.fact(PaymentVoided.class, "o1");

    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");

    assertThat(payments.facts("o1")).containsExactly(new PaymentVoided("o1"), refunded);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
    assertThat(payments.charges("o1").getFirst().getString("id")).isEqualTo(refunded.paymentId());
  }

  @Test
  void a_charge_that_nobody_waited_for_and_lands_after_the_cancellation_is_given_back_too() {
    String url = TestGroups.url(payments.with("PAYMENT_GATEWAY_TIMEOUT_MS", "200").start());
    payments.faults("latency_ms", 3_000); // longer than it takes to come back to the reservation
    payments.reserved("o1");
    eventually(
        "nobody waits for the charge any more",
        () -> Http.get(url + "/breaker").json().getLong("failures") > 0);
    payments.cancelled("o1");
    payments.fact(PaymentVoided.class, "o1");
    assertThat(payments.ledger("o1")).isEmpty();
    payments.faults("latency_ms", 0); // for all requests after the one that is under way

    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");
    payments.awaitSettled();

    assertThat(payments.facts("o1")).containsExactly(new PaymentVoided("o1"), refunded);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void a_replica_that_died_after_the_charge_leaves_it_to_the_next_one_to_record_it()
      throws Exception {
    assertThat(payments.start().drain().await(15, TimeUnit.SECONDS)).isTrue();
    payments.reserved("o1");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 1);
    String paymentId = payments.chargeAsAReplicaThatDies("o1");

    payments.start();
    PaymentProcessed processed = payments.fact(PaymentProcessed.class, "o1");
    payments.awaitSettled();

    assertThat(processed.paymentId()).isEqualTo(paymentId);
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void a_replica_that_died_after_the_charge_of_a_cancelled_order_leaves_it_to_be_given_back()
      throws Exception {
    assertThat(payments.start().drain().await(15, TimeUnit.SECONDS)).isTrue();
    payments.reserved("o1");
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 1);
    String paymentId = payments.chargeAsAReplicaThatDies("o1");
    payments.cancelled("o1");
    payments.store(new PaymentVoided("o1"));

    payments.start();
    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");
    payments.awaitSettled();

    assertThat(refunded.paymentId()).isEqualTo(paymentId);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void two_replicas_that_are_given_the_same_reservation_charge_it_once() throws Exception {
    RunningGroup first = payments.start();
    payments.faults("latency_ms", 400);
    payments.reserved("o1");
    eventually("the charge is under way", () -> inProcess(payments) > 0);
    Future<Boolean> drained = first.drain(); // goes on with what it has begun
    payments.streams().forgetConsumer("INVENTORY", "payments-charge");
    payments.start(); // and is given it as well
    assertThat(drained.await(15, TimeUnit.SECONDS)).isTrue();

    payments.fact(PaymentProcessed.class, "o1");
    payments.awaitSettled();

    assertThat(payments.facts("o1")).hasSize(1);
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @ParameterizedTest
  @CsvSource({"JPY,500,500", "EUR,19.99,1999", "KWD,1.234,1234"})
  void the_gateway_is_asked_for_the_smallest_unit_of_the_currency(
      String currency, BigDecimal amount, long minorUnits) {
    payments.start();
    payments.store(
        new InventoryReserved("o1", "c1", amount, currency, List.of(), null, Payments.ORIGIN));

    assertThat(payments.fact(PaymentProcessed.class, "o1").amount()).isEqualTo(amount);
    assertThat(payments.charges("o1").getFirst().getLong("amount")).isEqualTo(minorUnits);
    payments.cancelled("o1");
    assertThat(payments.fact(PaymentRefunded.class, "o1").amount()).isEqualTo(amount);
    assertThat(payments.ledger("o1")).containsExactly("refunded");
  }

  @Test
  void a_replica_that_died_before_its_charge_is_made_good_by_the_next_one() throws Exception {
    RunningGroup first = payments.start();
    assertThat(first.drain().await(15, TimeUnit.SECONDS)).isTrue();
    payments.reserved("o1");
    payments.reserved("o2");
    payments.cancelled("o2");
    payments.store(new PaymentVoided("o2"));
    payments.streams().takeAndLose("INVENTORY", "payments-charge", 2);

    payments.start();
    payments.fact(PaymentProcessed.class, "o1");
    payments.awaitSettled();

    assertThat(payments.ledger("o1")).containsExactly("succeeded");
    assertThat(payments.facts("o2")).containsExactly(new PaymentVoided("o2"));
    assertThat(payments.ledger("o2")).isEmpty();
  }

  @Test
  void forty_orders_delivered_again_and_again_are_charged_once_each() throws Exception {
    RunningGroup group = payments.start();
    for (int i = 0; i < 40; i++) {
      payments.reserved("o" + i);
    }
    for (int round = 0; round < 3; round++) {
      payments.awaitSettled();
      assertThat(group.drain().await(15, TimeUnit.SECONDS)).isTrue();
      payments.streams().forgetConsumer("INVENTORY", "payments-charge");
      group = payments.start();
    }
    payments.awaitSettled();

    assertThat(payments.streams().facts("PAYMENTS")).hasSize(40);
    for (int i = 0; i < 40; i++) {
      assertThat(payments.ledger("o" + i)).containsExactly("succeeded");
    }
  }

  @Test
  void a_payment_is_told_with_its_state_and_history() {
    String url = TestGroups.url(payments.start());
    payments.reserved("o1");
    PaymentProcessed processed = payments.fact(PaymentProcessed.class, "o1");
    JsonObject charged = Http.get(url + "/payments/o1").json();
    payments.cancelled("o1");
    PaymentRefunded refunded = payments.fact(PaymentRefunded.class, "o1");
    JsonObject given = Http.get(url + "/payments/o1").json();
    payments.cancelled("o2");
    payments.fact(PaymentVoided.class, "o2");
    payments.reserved("o3", "pm_card_chargeDeclinedInsufficientFunds");
    payments.fact(PaymentFailed.class, "o3");

    assertThat(charged.getString("order_id")).isEqualTo("o1");
    assertThat(charged.getString("status")).isEqualTo("processed");
    assertThat(charged.getString("payment_id")).isEqualTo(processed.paymentId());
    assertThat(charged.getString("currency")).isEqualTo("EUR");
    assertThat(charged.getJsonArray("history").getJsonObject(0).getString("type"))
        .isEqualTo("PaymentProcessed");
    assertThat(given.getString("status")).isEqualTo("refunded");
    assertThat(given.getString("refund_id")).isEqualTo(refunded.refundId());
    assertThat(given.getJsonArray("history")).hasSize(2);
    assertThat(Http.get(url + "/payments/o2").json().getString("status")).isEqualTo("voided");
    JsonObject declined = Http.get(url + "/payments/o3").json();
    assertThat(declined.getString("status")).isEqualTo("failed");
    assertThat(declined.getString("code")).isEqualTo("insufficient_funds");
  }

  @Test
  void a_payment_that_nobody_heard_of_is_not_found() {
    String url = TestGroups.url(payments.start());

    for (String id : new String[] {"unheard-of", "a.b", "%3E", "x".repeat(65)}) {
      Answer answer = Http.get(url + "/payments/" + id);
      assertThat(answer.status()).as(id).isEqualTo(404);
      assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }
  }

  private static long inProcess(Payments payments) {
    return io.holdfast.testkit.Streams.get(
            payments
                .streams()
                .reader()
                .consumer(payments.streams().subjects().stream("INVENTORY"), "payments-charge"))
        .unacknowledged();
  }
}
