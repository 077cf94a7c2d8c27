package io.holdfast.gateway.domain;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * One attempt to be paid, in the state it has now. Times are seconds since 1970, amounts are in the
 * currency's smallest unit; what is not there is null.
 *
 * @param amountRefunded what was given back of {@code amount} so far
 * @param currency ISO 4217, lower case
 * @param paymentMethod null once it was declined, as another one is needed then
 * @param latestCharge of the last attempt, whether it came through or not
 * @param decline why the last attempt did not come through
 * @param idempotencyKey of the request that made it or, if that was another one, charged it
 * @see <a href="https://docs.stripe.com/api/payment_intents/object">Stripe: the PaymentIntent
 *     object</a>
 */
public record PaymentIntent(
    String id,
    IntentStatus status,
    long amount,
    long amountRefunded,
    String currency,
    String paymentMethod,
    String description,
    Map<String, String> metadata,
    long created,
    String latestCharge,
    Decline decline,
    Long canceledAt,
    String cancellationReason,
    String idempotencyKey) {

  /** The metadata that names the order. */
  private static final String ORDER_ID = "order_id";

  public PaymentIntent {
    // Sorted, so that an answer given again after a restart has the same bytes.
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata == null ? Map.of() : metadata));
  }

  /** Null if its maker named no order. */
  public String orderId() {
    return metadata.get(ORDER_ID);
  }

  /** What can still be given back. */
  public long refundable() {
    return status == IntentStatus.SUCCEEDED ? amount - amountRefunded : 0;
  }

  PaymentIntent charged(String method, String charge, String key) {
    return new PaymentIntent(
        id,
        IntentStatus.SUCCEEDED,
        amount,
        0,
        currency,
        method,
        description,
        metadata,
        created,
        charge,
        null,
        null,
        null,
        key);
  }

  PaymentIntent declined(Decline reason, String charge, String key) {
    return new PaymentIntent(
        id,
        IntentStatus.REQUIRES_PAYMENT_METHOD,
        amount,
        0,
        currency,
        null,
        description,
        metadata,
        created,
        charge,
        reason,
        null,
        null,
        key);
  }

  PaymentIntent canceled(long at, String reason) {
    return new PaymentIntent(
        id,
        IntentStatus.CANCELED,
        amount,
        0,
        currency,
        paymentMethod,
        description,
        metadata,
        created,
        latestCharge,
        decline,
        at,
        reason,
        idempotencyKey);
  }

  PaymentIntent refunded(long more) {
    return new PaymentIntent(
        id,
        status,
        amount,
        amountRefunded + more,
        currency,
        paymentMethod,
        description,
        metadata,
        created,
        latestCharge,
        decline,
        canceledAt,
        cancellationReason,
        idempotencyKey);
  }
}
