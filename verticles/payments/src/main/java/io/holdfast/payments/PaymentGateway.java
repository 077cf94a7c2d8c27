package io.holdfast.payments;

import io.holdfast.events.Money;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;

/**
 * Who takes the money. Every call may be repeated with the same key, and then has its effect once.
 *
 * <p>Futures fail with {@link Unavailable} if the gateway could not be asked, or gave no answer
 * that tells what happened: the effect may exist or not, and the same call is to be repeated until
 * the gateway says.
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

  /** Gives back the whole of a charge. */
  Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key);

  /**
   * Undoes a charge of which nobody knows whether it was made: gives back what it took, and keeps
   * one that is still on its way from taking anything.
   *
   * @param amount that of the charge, as are {@code paymentMethod} and {@code chargeKey}
   * @return empty if nothing was taken, and nothing will be
   */
  Future<Optional<RefundResult>> reverse(
      String orderId, Money amount, String paymentMethod, String chargeKey, String refundKey);

  /** The gateway is not to be had at the moment. */
  final class Unavailable extends RuntimeException {
    private final transient Optional<Duration> retryAfter;
    private final boolean outage;

    /**
     * @param retryAfter how long the gateway wants to be left alone, if it said so
     * @param outage true if it was not even asked, as it has been failing: no attempt is to be
     *     counted
     */
    public Unavailable(String message, Optional<Duration> retryAfter, boolean outage) {
      super(message);
      this.retryAfter = retryAfter;
      this.outage = outage;
    }

    public Optional<Duration> retryAfter() {
      return retryAfter;
    }

    public boolean outage() {
      return outage;
    }
  }
}
