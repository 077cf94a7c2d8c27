package io.holdfast.orders.domain;

import io.holdfast.events.CancelReason;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import java.util.stream.Collectors;

/**
 * How an order ends. Whether it may still end so is for the append's guard to say: the first final
 * fact stays.
 */
public final class OrderRules {

  private OrderRules() {}

  public static OrderEvent on(PaymentProcessed event) {
    return new OrderConfirmed(
        event.orderId(),
        event.customerId(),
        event.amount(),
        event.currency(),
        event.items(),
        event.paymentMethod());
  }

  public static OrderEvent on(PaymentFailed event, String customerId) {
    return new OrderCancelled(
        event.orderId(),
        customerId,
        CancelReason.PAYMENT_DECLINED,
        event.message() == null || event.message().isEmpty() ? event.code() : event.message());
  }

  public static OrderEvent on(InventoryRejected event, String customerId) {
    return new OrderCancelled(
        event.orderId(),
        customerId,
        CancelReason.OUT_OF_STOCK,
        event.shortages().stream().map(OrderRules::inWords).collect(Collectors.joining(", ")));
  }

  public static OrderEvent onCustomersRequest(OrderCreated order) {
    return new OrderCancelled(
        order.orderId(), order.customerId(), CancelReason.CUSTOMER_REQUEST, null);
  }

  private static String inWords(Shortage shortage) {
    return shortage.sku()
        + ": "
        + shortage.wanted()
        + " wanted, "
        + shortage.available()
        + " available";
  }
}
