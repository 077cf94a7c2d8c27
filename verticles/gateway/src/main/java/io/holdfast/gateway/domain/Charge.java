package io.holdfast.gateway.domain;

/**
 * A line of the ledger as tests see it: money that was taken, or an intent that was given up before
 * any was.
 *
 * @param position its place among all of them, from 0; never changes
 */
public record Charge(int position, PaymentIntent intent) {

  /** {@code succeeded}, also when a part was given back; {@code refunded}; {@code canceled}. */
  public String status() {
    if (intent.status() == IntentStatus.CANCELED) {
      return "canceled";
    }
    return intent.refundable() == 0 ? "refunded" : "succeeded";
  }
}
