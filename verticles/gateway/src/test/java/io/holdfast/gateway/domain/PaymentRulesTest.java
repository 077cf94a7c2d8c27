package io.holdfast.gateway.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.gateway.domain.Command.Cancel;
import io.holdfast.gateway.domain.Command.Confirm;
import io.holdfast.gateway.domain.Command.Create;
import io.holdfast.gateway.domain.Command.GiveBack;
import io.holdfast.gateway.domain.Decision.Execute;
import io.holdfast.gateway.domain.Decision.Reject;
import io.holdfast.gateway.domain.Outcome.Refused;
import io.holdfast.gateway.domain.Outcome.Returned;
import io.holdfast.gateway.domain.Outcome.Shown;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: no state is forgotten. Method: each state, beside what each command must come to in it. */
class PaymentRulesTest {

  private static final String STATE = "payment_intent_unexpected_state";

  private final Ledger ledger = new Ledger();
  private final AtomicInteger ids = new AtomicInteger();

  static Stream<Arguments> every_state() {
    return Stream.of( //        confirm      cancel      refund
        arguments("unconfirmed", "succeeded", "canceled", STATE),
        arguments("declined", STATE, "canceled", STATE),
        arguments("charged", STATE, STATE, "refunded"),
        arguments("half_refunded", STATE, STATE, "refunded"),
        arguments("refunded", STATE, STATE, "charge_already_refunded"),
        arguments("canceled", STATE, STATE, STATE));
  }

  @ParameterizedTest
  @MethodSource("every_state")
  void takes_money_once_and_gives_back_no_more_than_it_took(
      String state, String confirmed, String canceled, String refunded) {
    PaymentIntent intent = given(state);

    assertThat(briefly(decide(new Confirm(intent.id(), null)))).isEqualTo(confirmed);
    assertThat(briefly(decide(new Cancel(intent.id(), null)))).isEqualTo(canceled);
    assertThat(briefly(decide(refund(intent, null)))).isEqualTo(refunded);
  }

  @Test
  void gives_back_what_is_left_when_no_amount_is_named() {
    PaymentIntent intent = given("half_refunded");

    assertThat(decide(refund(intent, null)).outcome())
        .isInstanceOfSatisfying(
            Returned.class,
            back -> {
              assertThat(back.refund().amount()).isEqualTo(2_500);
              assertThat(back.intent().refundable()).isZero();
            });
  }

  @Test
  void refuses_to_give_back_more_than_is_left() {
    PaymentIntent intent = given("half_refunded");

    assertThat(decide(refund(intent, 2_501L)).outcome())
        .isInstanceOfSatisfying(
            Refused.class,
            no -> {
              assertThat(no.error().param()).isEqualTo("amount");
              assertThat(no.error().message()).contains("25.01 EUR").contains("25.00 EUR");
            });
  }

  @Test
  void another_card_may_be_tried_after_a_decline() {
    PaymentIntent intent = given("declined");

    PaymentIntent charged =
        decide(new Confirm(intent.id(), "pm_card_mastercard")).outcome().intent();

    assertThat(charged.status()).isEqualTo(IntentStatus.SUCCEEDED);
    assertThat(charged.decline()).isNull();
    assertThat(charged.latestCharge()).isNotEqualTo(intent.latestCharge());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pm_card_chargeDeclined=generic_decline",
        "pm_card_visa_chargeDeclined=generic_decline",
        "pm_card_chargeDeclinedInsufficientFunds=insufficient_funds",
        "pm_card_visa_chargeDeclinedInsufficientFunds=insufficient_funds",
        "pm_card_visa_chargeDeclinedLostCard=lost_card",
        "pm_card_visa_chargeDeclinedStolenCard=stolen_card",
      })
  void a_test_card_is_declined_for_its_reason(String cardAndReason) {
    String card = cardAndReason.substring(0, cardAndReason.indexOf('='));
    String reason = cardAndReason.substring(cardAndReason.indexOf('=') + 1);

    assertThat(decide(create(card, true)).outcome())
        .isInstanceOfSatisfying(
            Refused.class,
            no -> {
              assertThat(no.error().status()).isEqualTo(402);
              assertThat(no.error().code()).isEqualTo("card_declined");
              assertThat(no.error().declineCode()).isEqualTo(reason);
              assertThat(no.intent().status()).isEqualTo(IntentStatus.REQUIRES_PAYMENT_METHOD);
              assertThat(no.intent().paymentMethod()).isNull();
            });
  }

  @Test
  void what_the_ledger_does_not_know_is_not_begun() {
    assertThat(decide(create("pm_1NoTestCard", true))).isInstanceOf(Reject.class);
    assertThat(decide(new Confirm("pi_none", null))).isInstanceOf(Reject.class);
    assertThat(decide(new Cancel("pi_none", null))).isInstanceOf(Reject.class);
    assertThat(decide(new GiveBack("pi_none", null, null, null, Map.of())))
        .isInstanceOf(Reject.class);
    assertThat(decide(new GiveBack(null, "ch_none", null, null, Map.of())))
        .isInstanceOf(Reject.class);
  }

  @Test
  void a_charge_can_be_refunded_by_its_own_id() {
    PaymentIntent intent = given("charged");

    Decision decision = decide(new GiveBack(null, intent.latestCharge(), null, null, Map.of()));

    assertThat(briefly(decision)).isEqualTo("refunded");
  }

  private PaymentIntent given(String state) {
    PaymentIntent fresh = done(create("pm_card_visa", false));
    return switch (state) {
      case "unconfirmed" -> fresh;
      case "declined" -> done(new Confirm(fresh.id(), "pm_card_chargeDeclined"));
      case "canceled" -> done(new Cancel(fresh.id(), "abandoned"));
      case "charged" -> done(new Confirm(fresh.id(), null));
      case "half_refunded" -> done(refund(done(new Confirm(fresh.id(), null)), 1_500L));
      case "refunded" -> done(refund(done(new Confirm(fresh.id(), null)), null));
      default -> throw new AssertionError(state);
    };
  }

  private PaymentIntent done(Command command) {
    Outcome outcome = decide(command).outcome();
    ledger.apply(Entry.of(0, null, null, outcome));
    return outcome.intent();
  }

  private Decision decide(Command command) {
    return PaymentRules.decide(
        command,
        ledger,
        new Circumstances(1_000, "key", false, () -> Integer.toString(ids.incrementAndGet())));
  }

  private static String briefly(Decision decision) {
    assertThat(decision).isInstanceOf(Execute.class);
    return switch (decision.outcome()) {
      case Shown shown -> shown.intent().status().wire();
      case Returned back -> "refunded";
      case Refused no -> no.error().code();
    };
  }

  private static Command create(String card, boolean confirm) {
    return new Create(4_000, "eur", card, confirm, null, Map.of("order_id", "o1"));
  }

  private static Command refund(PaymentIntent intent, Long amount) {
    return new GiveBack(intent.id(), null, amount, null, Map.of());
  }
}
