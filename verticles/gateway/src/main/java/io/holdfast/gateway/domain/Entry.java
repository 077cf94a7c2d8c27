package io.holdfast.gateway.domain;

import io.holdfast.gateway.domain.Outcome.Refused;
import io.holdfast.gateway.domain.Outcome.Returned;
import io.holdfast.gateway.domain.Outcome.Shown;

/**
 * One line of the ledger: all that one request did, so that it is recorded whole or not at all.
 * What it does not have is null.
 *
 * @param at milliseconds since 1970; the key is kept from then on
 * @param intent as it stands after the request
 * @param error what the request was answered with instead
 * @param fingerprint of the request's parameters, see {@link IdempotencyStore}
 */
public record Entry(
    long at,
    String key,
    String fingerprint,
    PaymentIntent intent,
    Refund refund,
    StripeError error) {

  public static Entry of(long at, String key, String fingerprint, Outcome outcome) {
    return switch (outcome) {
      case Shown shown -> new Entry(at, key, fingerprint, shown.intent(), null, null);
      case Returned back -> new Entry(at, key, fingerprint, back.intent(), back.refund(), null);
      case Refused no -> new Entry(at, key, fingerprint, no.intent(), null, no.error());
    };
  }

  /** What the request was answered with. */
  public Outcome outcome() {
    if (error != null) {
      return new Refused(error, intent);
    }
    return refund == null ? new Shown(intent) : new Returned(refund, intent);
  }
}
