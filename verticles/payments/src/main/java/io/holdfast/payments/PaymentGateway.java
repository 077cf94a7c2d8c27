package io.holdfast.payments;

import io.holdfast.events.Money;
import io.holdfast.runtime.resilience.Pace;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;

/**
 * Who takes the money. Every call may be repeated with the same key, and then has its effect once.
 *
 * <p>Futures fail with {@link Unavailable} if the gateway could not be asked, or gave no answer
 * that tells what happened: the effect may exist or not, and the same call is to be repeated until
 * the gateway says. They fail with anything else if it refused in a way that a repetition will not
 * change, and that says nothing about the money.
 */
public interface PaymentGateway {

  /** What the gateway said about a charge. */
  sealed interface ChargeResult {
    /** The money is taken. */
    record Charged(String paymentId) implements ChargeResult {}

    /** Nothing is taken, and trying again makes no difference. */
    record Declined(String code, String message) implements ChargeResult {}
  }

  /** A refund that was made. */
  record RefundResult(String paymentId, String refundId, Money amount) {}

  /**
   * Takes money.
   *
   * @param paymentMethod the gateway's name of it, or null for the default
   * @param key the same for every attempt
   */
  Future<ChargeResult> charge(String orderId, Money amount, String paymentMethod, String key);

  /**
   * Looks for a charge of an order that took money, however long ago. Does not see one that is
   * still on its way, nor surely one of the last minute.
   */
  Future<Optional<ChargeResult>> find(String orderId, Money amount);

  /**
   * Finds out what came of a charge of which nobody knows whether it was made, and keeps one that
   * is still on its way from taking anything.
   *
   * @param amount that of the charge, as are {@code paymentMethod} and {@code key}
   * @return empty if nothing was taken, and nothing will be
   */
  Future<Optional<ChargeResult>> settle(
      String orderId, Money amount, String paymentMethod, String key);

  /** Gives back the whole of a charge; if that was done before, says so as if it was done now. */
  Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key);

  /**
   * Undoes a charge of which nobody knows whether it was made: {@link #settle}, and what was taken
   * is given back.
   *
   * @return empty if nothing was taken, and nothing will be
   */
  default Future<Optional<RefundResult>> reverse(
      String orderId, Money amount, String paymentMethod, String chargeKey, String refundKey) {
    return settle(orderId, amount, paymentMethod, chargeKey)
        .compose(
            result ->
                result.orElse(null) instanceof ChargeResult.Charged charged
                    ? refund(orderId, charged.paymentId(), amount, refundKey).map(Optional::of)
                    : Future.succeededFuture(Optional.empty()));
  }

  /** How many of its calls it bears now; no order is to be taken up beyond that. */
  default Pace pace() {
    return Pace.UNBOUNDED;
  }

  /** The gateway is not to be had at the moment. */
  final class Unavailable extends RuntimeException {
    private final transient Optional<Duration> retryAfter;
    private final boolean outage;
    private final boolean inDoubt;

    /**
     * As one that leaves the call in doubt, unless it was not even made.
     *
     * @param retryAfter how long the gateway wants to be left alone, if it said so
     * @param outage true if it is known to be failing: no attempt is to be counted
     */
    public Unavailable(String message, Optional<Duration> retryAfter, boolean outage) {
      this(message, retryAfter, outage, !outage);
    }

    /**
     * @param retryAfter how long the gateway wants to be left alone, if it said so
     * @param outage true if it is known to be failing: no attempt is to be counted
     * @param inDoubt false if this call certainly had no effect, as it was not made or refused
     */
    public Unavailable(
        String message, Optional<Duration> retryAfter, boolean outage, boolean inDoubt) {
      super(message);
      this.retryAfter = retryAfter;
      this.outage = outage;
      this.inDoubt = inDoubt;
    }

    public Optional<Duration> retryAfter() {
      return retryAfter;
    }

    public boolean outage() {
      return outage;
    }

    /** Whether the call may have had its effect, or may have it yet. */
    public boolean inDoubt() {
      return inDoubt;
    }
  }
}
