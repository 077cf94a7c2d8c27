package io.holdfast.gateway.domain;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Money given back. It succeeds at once or is not made.
 *
 * @param amount in the currency's smallest unit
 * @param reason null if none was named
 * @param created seconds since 1970
 * @see <a href="https://docs.stripe.com/api/refunds/object">Stripe: the Refund object</a>
 */
public record Refund(
    String id,
    String paymentIntent,
    String charge,
    long amount,
    String currency,
    String reason,
    Map<String, String> metadata,
    long created) {

  public Refund {
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata == null ? Map.of() : metadata));
  }
}
