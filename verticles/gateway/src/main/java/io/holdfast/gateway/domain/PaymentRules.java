package io.holdfast.gateway.domain;

import io.holdfast.events.Money;
import io.holdfast.gateway.domain.Command.Cancel;
import io.holdfast.gateway.domain.Command.Confirm;
import io.holdfast.gateway.domain.Command.Create;
import io.holdfast.gateway.domain.Command.GiveBack;
import io.holdfast.gateway.domain.Decision.Execute;
import io.holdfast.gateway.domain.Decision.Reject;
import io.holdfast.gateway.domain.Outcome.Refused;
import io.holdfast.gateway.domain.Outcome.Returned;
import io.holdfast.gateway.domain.Outcome.Shown;
import java.util.Locale;
import java.util.Optional;

/**
 * What comes of a command, given the ledger.
 *
 * @see <a href="https://docs.stripe.com/api/payment_intents">Stripe: PaymentIntents</a>
 * @see <a href="https://docs.stripe.com/api/refunds/create">Stripe: create a refund</a>
 */
public final class PaymentRules {

  private static final String UNEXPECTED_STATE = "payment_intent_unexpected_state";

  private PaymentRules() {}

  public static Decision decide(Command command, Ledger ledger, Circumstances at) {
    return switch (command) {
      case Create create -> create(create, at);
      case Confirm confirm ->
          ledger
              .intent(confirm.intentId())
              .map(intent -> confirm(confirm, intent, at))
              .orElseGet(() -> noSuchIntent(confirm.intentId()));
      case Cancel cancel ->
          ledger
              .intent(cancel.intentId())
              .map(intent -> cancel(cancel, intent, at))
              .orElseGet(() -> noSuchIntent(cancel.intentId()));
      case GiveBack refund -> refund(refund, ledger, at);
    };
  }

  private static Decision create(Create create, Circumstances at) {
    if (!TestCards.known(create.paymentMethod())) {
      return noSuchCard(create.paymentMethod());
    }
    PaymentIntent intent =
        new PaymentIntent(
            "pi_" + at.ids().get(),
            IntentStatus.REQUIRES_CONFIRMATION,
            create.amount(),
            0,
            create.currency(),
            create.paymentMethod(),
            create.description(),
            create.metadata(),
            at.now(),
            null,
            null,
            null,
            null,
            at.key());
    return create.confirm()
        ? charge(intent, create.paymentMethod(), at)
        : new Execute(new Shown(intent));
  }

  private static Decision confirm(Confirm confirm, PaymentIntent intent, Circumstances at) {
    String method =
        confirm.paymentMethod() == null ? intent.paymentMethod() : confirm.paymentMethod();
    return switch (intent.status()) {
      case SUCCEEDED ->
          unexpected(
              intent,
              "You cannot confirm this PaymentIntent because it has already succeeded after being"
                  + " previously confirmed.");
      case CANCELED ->
          unexpected(
              intent, "You cannot confirm this PaymentIntent because it has a status of canceled.");
      case REQUIRES_PAYMENT_METHOD, REQUIRES_CONFIRMATION -> {
        if (method == null) {
          yield unexpected(
              intent,
              "You cannot confirm this PaymentIntent because it's missing a payment method.");
        }
        yield TestCards.known(method) ? charge(intent, method, at) : noSuchCard(method);
      }
    };
  }

  private static Decision charge(PaymentIntent intent, String method, Circumstances at) {
    String charge = "ch_" + at.ids().get();
    Optional<Decline> decline =
        at.issuerDeclines()
            ? Optional.of(TestCards.genericDecline(method))
            : TestCards.decline(method);
    return new Execute(
        decline
            .<Outcome>map(
                reason ->
                    new Refused(
                        StripeError.card(reason, charge),
                        intent.declined(reason, charge, at.key())))
            .orElseGet(() -> new Shown(intent.charged(method, charge, at.key()))));
  }

  private static Decision cancel(Cancel cancel, PaymentIntent intent, Circumstances at) {
    return switch (intent.status()) {
      case REQUIRES_PAYMENT_METHOD, REQUIRES_CONFIRMATION ->
          new Execute(new Shown(intent.canceled(at.now(), cancel.reason())));
      case SUCCEEDED, CANCELED ->
          unexpected(
              intent,
              "You cannot cancel this PaymentIntent because it has a status of "
                  + intent.status().wire()
                  + ". Only a PaymentIntent with one of the following statuses may be canceled:"
                  + " requires_payment_method, requires_capture, requires_confirmation,"
                  + " requires_action, processing.");
    };
  }

  private static Decision refund(GiveBack refund, Ledger ledger, Circumstances at) {
    Optional<PaymentIntent> found =
        refund.intentId() == null
            ? ledger.intentOfCharge(refund.chargeId())
            : ledger.intent(refund.intentId());
    if (found.isEmpty()) {
      return refund.intentId() == null
          ? new Reject(StripeError.missing("charge", refund.chargeId(), "charge"))
          : noSuchIntent(refund.intentId(), "payment_intent");
    }
    PaymentIntent intent = found.get();
    if (intent.status() != IntentStatus.SUCCEEDED) {
      return refuse(
          StripeError.refused(
              UNEXPECTED_STATE,
              "This PaymentIntent (" + intent.id() + ") has no successful charge to refund."));
    }
    if (refund.chargeId() != null && !refund.chargeId().equals(intent.latestCharge())) {
      return refuse(
          StripeError.invalid(
              null, "The charge does not belong to the PaymentIntent named.", "charge"));
    }
    if (intent.refundable() == 0) {
      return refuse(
          StripeError.refused(
              "charge_already_refunded",
              "Charge " + intent.latestCharge() + " has already been refunded."));
    }
    long amount = refund.amount() == null ? intent.refundable() : refund.amount();
    if (amount > intent.refundable()) {
      return refuse(
          StripeError.invalid(
              null,
              "Refund amount ("
                  + inWords(amount, intent.currency())
                  + ") is greater than unrefunded amount on charge ("
                  + inWords(intent.refundable(), intent.currency())
                  + ")",
              "amount"));
    }
    return new Execute(
        new Returned(
            new Refund(
                "re_" + at.ids().get(),
                intent.id(),
                intent.latestCharge(),
                amount,
                intent.currency(),
                refund.reason(),
                refund.metadata(),
                at.now()),
            intent.refunded(amount)));
  }

  private static Decision unexpected(PaymentIntent intent, String message) {
    return new Execute(new Refused(StripeError.refused(UNEXPECTED_STATE, message), intent));
  }

  private static Decision refuse(StripeError error) {
    return new Execute(new Refused(error, null));
  }

  private static Decision noSuchCard(String method) {
    return new Reject(
        StripeError.invalid(
            "resource_missing", "No such PaymentMethod: '" + method + "'", "payment_method"));
  }

  private static Decision noSuchIntent(String id) {
    return noSuchIntent(id, "intent");
  }

  private static Decision noSuchIntent(String id, String param) {
    return new Reject(StripeError.missing("payment_intent", id, param));
  }

  private static String inWords(long amount, String currency) {
    return Money.ofMinorUnits(amount, currency.toUpperCase(Locale.ROOT)).toString();
  }
}
