package io.holdfast.gateway.domain;

import java.util.Locale;

/**
 * Where a payment intent stands: those of Stripe's statuses that a card without authentication and
 * with automatic capture can reach.
 *
 * @see <a href="https://docs.stripe.com/payments/paymentintents/lifecycle">Stripe: how
 *     PaymentIntents work</a>
 */
public enum IntentStatus {
  REQUIRES_PAYMENT_METHOD,
  REQUIRES_CONFIRMATION,
  SUCCEEDED,
  CANCELED;

  private final String wire = name().toLowerCase(Locale.ROOT);

  /** As in the API. */
  public String wire() {
    return wire;
  }
}
