package io.holdfast.payments.domain;

import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.OrderEvent.OrderCancelled;
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
import io.holdfast.payments.domain.Payment.Open;
import io.holdfast.payments.domain.Payment.Refunded;
import io.holdfast.payments.domain.Payment.Voided;

/**
 * What payments does about an event, given what its own facts already say ({@link Payment} is their
 * fold).
 */
public final class PaymentRules {

  private PaymentRules() {}

  /**
   * @param late whether the reservation's deadline has passed
   */
  public static Decision on(InventoryReserved event, Payment payment, boolean late) {
    return switch (payment) {
      case Open open ->
          late
              ? new Expire(event.orderId())
              : new Charge(event.orderId(), event.total(), event.paymentMethod());
      // An attempt that lost the race to whatever ended it may have charged before it noticed.
      case Voided voided -> new ReverseCharge(event.orderId());
      case Expired expired -> new ReverseCharge(event.orderId());
      case Charged charged -> new Nothing("charged before");
      case Declined declined -> new Nothing("declined before");
      case Refunded refunded -> new Nothing("given back before");
    };
  }

  /** For whoever minds deadlines alone: what else there is to do, the reservation's own wakes. */
  public static Decision pastDeadline(String orderId, Payment payment) {
    return payment instanceof Open ? new Expire(orderId) : new Nothing("not open any more");
  }

  public static Decision on(OrderCancelled event, Payment payment) {
    return switch (payment) {
      case Open open -> new Append(new PaymentVoided(event.orderId()));
      case Charged charged -> new Refund(event.orderId(), charged.paymentId(), charged.amount());
      case Declined declined -> new Nothing("nothing was taken");
      case Expired expired -> new Nothing("nothing was taken");
      case Voided voided -> new Nothing("voided before");
      case Refunded refunded -> new Nothing("given back before");
    };
  }
}
