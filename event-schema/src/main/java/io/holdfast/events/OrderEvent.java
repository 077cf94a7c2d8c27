package io.holdfast.events;

import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;

/**
 * Facts of stream ORDERS, subject {@code orders.<fact>.<order id>}; orders alone publishes them.
 */
public sealed interface OrderEvent extends Event {

  String orderId();

  @Override
  default String aggregateId() {
    return orderId();
  }

  /** What the customer asked for. */
  String customerId();

  /**
   * The order is accepted: it will reach one final state.
   *
   * @param items what is to be reserved; empty for an order that is an amount alone
   * @param paymentMethod the gateway's name of the means of payment, or null for its default
   */
  record OrderCreated(
      String orderId,
      String customerId,
      BigDecimal amount,
      String currency,
      List<Item> items,
      String paymentMethod)
      implements OrderEvent {

    public OrderCreated {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      amount = Money.of(amount, currency).amount();
      items = Item.copyOf(items);
    }

    public Money total() {
      return Money.of(amount, currency);
    }
  }

  /** The order is paid and its stock is held. Final. */
  record OrderConfirmed(
      String orderId,
      String customerId,
      BigDecimal amount,
      String currency,
      List<Item> items,
      String paymentMethod)
      implements OrderEvent {

    public OrderConfirmed {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      amount = Money.of(amount, currency).amount();
      items = Item.copyOf(items);
    }
  }

  /**
   * The order will not be fulfilled: what was reserved is to be released, what was charged to be
   * given back. Final.
   *
   * @param detail why, for a person; or null
   */
  record OrderCancelled(String orderId, String customerId, CancelReason reason, String detail)
      implements OrderEvent {

    public OrderCancelled {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      Objects.requireNonNull(reason, "reason");
    }
  }
}
