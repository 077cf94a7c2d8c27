package io.holdfast.gateway.domain;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The payment methods that Stripe keeps for tests, by what comes of charging them. The names of
 * those that are declined are taken with and without {@code visa_}, as both are in use.
 *
 * @see <a href="https://docs.stripe.com/testing">Stripe: testing, tab PaymentMethods</a>
 */
public final class TestCards {

  /** Charged unless a request names another. */
  public static final String DEFAULT = "pm_card_visa";

  private static final Set<String> CHARGED =
      Set.of(
          DEFAULT,
          "pm_card_visa_debit",
          "pm_card_mastercard",
          "pm_card_mastercard_debit",
          "pm_card_mastercard_prepaid",
          "pm_card_amex",
          "pm_card_discover",
          "pm_card_diners",
          "pm_card_jcb",
          "pm_card_unionpay",
          "pm_card_us",
          "pm_card_gb",
          "pm_card_de",
          "pm_card_fr");

  private static final Map<String, Answer> DECLINED =
      Map.of(
          "pm_card_chargeDeclined",
          declined("generic_decline", "Your card was declined."),
          "pm_card_chargeDeclinedInsufficientFunds",
          declined("insufficient_funds", "Your card has insufficient funds."),
          "pm_card_chargeDeclinedLostCard",
          declined("lost_card", "Your card was declined."),
          "pm_card_chargeDeclinedStolenCard",
          declined("stolen_card", "Your card was declined."),
          "pm_card_chargeDeclinedVelocityLimitExceeded",
          declined(
              "card_velocity_exceeded",
              "Your card was declined for making repeated attempts too frequently or exceeding its"
                  + " amount limit."),
          "pm_card_chargeDeclinedExpiredCard",
          new Answer("expired_card", null, "Your card has expired."),
          "pm_card_chargeDeclinedIncorrectCvc",
          new Answer("incorrect_cvc", null, "Your card's security code is incorrect."),
          "pm_card_chargeDeclinedProcessingError",
          new Answer(
              "processing_error",
              null,
              "An error occurred while processing your card. Try again in a little bit."));

  private record Answer(String code, String declineCode, String message) {}

  private TestCards() {}

  public static boolean known(String paymentMethod) {
    return CHARGED.contains(paymentMethod) || DECLINED.containsKey(plain(paymentMethod));
  }

  /** Why this card is declined; empty if it is charged. */
  public static Optional<Decline> decline(String paymentMethod) {
    return Optional.ofNullable(DECLINED.get(plain(paymentMethod)))
        .map(a -> new Decline(a.code(), a.declineCode(), a.message(), paymentMethod));
  }

  /** What the issuer says who gives no reason. */
  public static Decline genericDecline(String paymentMethod) {
    return decline("pm_card_chargeDeclined")
        .map(d -> new Decline(d.code(), d.declineCode(), d.message(), paymentMethod))
        .orElseThrow();
  }

  private static Answer declined(String declineCode, String message) {
    return new Answer("card_declined", declineCode, message);
  }

  private static String plain(String paymentMethod) {
    return paymentMethod.replace("pm_card_visa_charge", "pm_card_charge");
  }
}
