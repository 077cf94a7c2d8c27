package io.holdfast.gateway.domain;

/**
 * Why a card was not charged.
 *
 * @param code as in an error's {@code code}
 * @param declineCode the issuer's reason; null where {@code code} already says it
 * @param paymentMethod the card that was tried
 * @see <a href="https://docs.stripe.com/declines/codes">Stripe: decline codes</a>
 */
public record Decline(String code, String declineCode, String message, String paymentMethod) {}
