package io.holdfast.payments.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Money;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.payments.domain.Decision.Append;
import io.holdfast.payments.domain.Decision.Charge;
import io.holdfast.payments.domain.Decision.Expire;
import io.holdfast.payments.domain.Decision.Nothing;
import io.holdfast.payments.domain.Decision.Refund;
import io.holdfast.payments.domain.Decision.ReverseCharge;
import io.holdfast.payments.domain.Payment.Charged;
import io.holdfast.payments.domain.Payment.Declined;
import io.holdfast.payments.domain.Payment.Expired;
import io.holdfast.payments.domain.Payment.Refunded;
import io.holdfast.payments.domain.Payment.Voided;
import java.math.BigDecimal;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: no state is forgotten. Method: each state, and each history that leads to one, beside what
 * a reservation and a cancellation must lead to in it.
 */
class PaymentRulesTest {

  private static final BigDecimal FORTY = new BigDecimal("40.00");
  private static final Money EUR_40 = Money.of(FORTY, "EUR");
  private static final InventoryReserved RESERVED =
      new InventoryReserved("o1", "c1", FORTY, "EUR", List.of(), "pm_card_visa", null);
  private static final OrderCancelled CANCELLED =
      new OrderCancelled("o1", "c1", CancelReason.CUSTOMER_REQUEST, null);

  private static final Payment CHARGED = new Charged("pi_1", EUR_40);

  static Stream<Arguments> every_state() {
    return Stream.of( // on InventoryReserved, on OrderCancelled
        arguments(
            Payment.OPEN,
            new Charge("o1", EUR_40, "pm_card_visa"),
            new Append(new PaymentVoided("o1"))),
        arguments(CHARGED, new Nothing("charged before"), new Refund("o1", "pi_1", EUR_40)),
        arguments(new Declined(), new Nothing("declined before"), new Nothing("nothing was taken")),
        arguments(new Voided(), new ReverseCharge("o1"), new Nothing("voided before")),
        arguments(new Expired(), new ReverseCharge("o1"), new Nothing("nothing was taken")),
        arguments(
            new Refunded(), new Nothing("given back before"), new Nothing("given back before")));
  }

  @ParameterizedTest
  @MethodSource("every_state")
  void never_charges_twice_and_gives_back_what_was_taken(
      Payment state, Decision reserved, Decision cancelled) {
    assertThat(PaymentRules.on(RESERVED, state, false)).isEqualTo(reserved);
    assertThat(PaymentRules.on(CANCELLED, state)).isEqualTo(cancelled);
  }

  @ParameterizedTest
  @MethodSource("every_state")
  void a_deadline_ends_what_is_open_and_nothing_else(Payment state, Decision reserved) {
    boolean open = state.equals(Payment.OPEN);

    assertThat(PaymentRules.on(RESERVED, state, true))
        .isEqualTo(open ? new Expire("o1") : reserved);
    assertThat(PaymentRules.pastDeadline("o1", state))
        .isEqualTo(open ? new Expire("o1") : new Nothing("not open any more"));
  }

  static Stream<Arguments> every_history() {
    var processed = new PaymentProcessed("o1", "c1", FORTY, "EUR", "pi_1", List.of(), null, null);
    var refunded = new PaymentRefunded("o1", "pi_1", "re_1", FORTY, "EUR");
    var voided = new PaymentVoided("o1");
    return Stream.of(
        arguments(List.of(), Payment.OPEN),
        arguments(List.of(processed), CHARGED),
        arguments(List.of(processed, refunded), new Refunded()),
        arguments(
            List.of(new PaymentFailed("o1", "c1", "card_declined", "No", null)), new Declined()),
        arguments(
            List.of(new PaymentFailed("o1", "c1", Payment.RESERVATION_EXPIRED, "Late", null)),
            new Expired()),
        arguments(List.of(voided), new Voided()),
        arguments(List.of(voided, refunded), new Refunded()),
        arguments(List.of(RESERVED, CANCELLED), Payment.OPEN)); // others' facts say nothing of it
  }

  @ParameterizedTest
  @MethodSource("every_history")
  void the_state_follows_from_the_payments_own_facts(List<? extends Event> facts, Payment state) {
    assertThat(Payment.of(facts)).isEqualTo(state);
  }
}
