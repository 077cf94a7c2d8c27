package io.holdfast.payments.domain;

import io.holdfast.events.Money;
import io.holdfast.events.PaymentEvent;

/** What payments is to do about an event. */
public sealed interface Decision {

  /**
   * Take the money, under a key that follows from the order, so that a repetition takes it only
   * once.
   */
  record Charge(String orderId, Money amount, String paymentMethod) implements Decision {}

  /**
   * Record that it was not paid in time, once it is sure that no attempt has charged it, and none
   * will.
   */
  record Expire(String orderId) implements Decision {}

  /** Give back a recorded charge. */
  record Refund(String orderId, String paymentId, Money amount) implements Decision {}

  /**
   * Give back what an attempt that lost the race to the cancellation, or to the reservation's
   * deadline, may have taken, if it took anything.
   */
  record ReverseCharge(String orderId) implements Decision {}

  /** Store a fact; the gateway is not needed. */
  record Append(PaymentEvent fact) implements Decision {}

  /** Rightly nothing. */
  record Nothing(String reason) implements Decision {}
}
