package io.holdfast.events;

import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;

/**
 * Facts of stream PAYMENTS, subject {@code payments.<fact>.<order id>}; payments alone publishes
 * them.
 */
public sealed interface PaymentEvent extends Event {

  String orderId();

  @Override
  default String aggregateId() {
    return orderId();
  }

  /**
   * The gateway holds the money.
   *
   * @param paymentId the gateway's own id of the charge, needed to refund it
   * @param items the order's items, so that its confirmation needs no read
   * @param origin where the order's OrderCreated stands, or null if unknown
   */
  record PaymentProcessed(
      String orderId,
      String customerId,
      BigDecimal amount,
      String currency,
      String paymentId,
      List<Item> items,
      String paymentMethod,
      Origin origin)
      implements PaymentEvent {

    public PaymentProcessed {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      amount = Money.of(amount, currency).amount();
      Objects.requireNonNull(paymentId, "payment_id");
      items = Item.copyOf(items);
    }

    public Money total() {
      return Money.of(amount, currency);
    }
  }

  /**
   * The gateway declined for good.
   *
   * @param customerId the order's, or null if whoever wrote this did not know
   * @param code the gateway's, for example {@code insufficient_funds}
   * @param message the gateway's words for a person, or null
   * @param origin where the order's OrderCreated stands, or null if unknown
   */
  record PaymentFailed(
      String orderId, String customerId, String code, String message, Origin origin)
      implements PaymentEvent {

    public PaymentFailed {
      Ids.check("order_id", orderId);
      if (customerId != null) {
        Ids.check("customer_id", customerId);
      }
      Objects.requireNonNull(code, "code");
    }
  }

  /**
   * Cancelled before a charge was recorded. Closes the payment: the broker refuses a later charge.
   */
  record PaymentVoided(String orderId) implements PaymentEvent {

    public PaymentVoided {
      Ids.check("order_id", orderId);
    }
  }

  /** The gateway gave the money back. */
  record PaymentRefunded(
      String orderId, String paymentId, String refundId, BigDecimal amount, String currency)
      implements PaymentEvent {

    public PaymentRefunded {
      Ids.check("order_id", orderId);
      Objects.requireNonNull(paymentId, "payment_id");
      Objects.requireNonNull(refundId, "refund_id");
      amount = Money.of(amount, currency).amount();
    }
  }
}
