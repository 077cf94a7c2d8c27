package io.holdfast.notifications;

import io.holdfast.events.CancelReason;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;

/**
 * What a customer is told about an order's end.
 *
 * @param template which text: {@code order_confirmed} or {@code order_cancelled}
 * @param text the text itself
 */
public record Notification(
    String orderId, String customerId, String traceId, String template, String text) {

  public static Notification of(OrderConfirmed order, String traceId) {
    return new Notification(
        order.orderId(),
        order.customerId(),
        traceId,
        "order_confirmed",
        "Your order %s is confirmed: %s %s"
            .formatted(order.orderId(), order.amount().toPlainString(), order.currency()));
  }

  public static Notification of(OrderCancelled order, String traceId) {
    return new Notification(
        order.orderId(),
        order.customerId(),
        traceId,
        "order_cancelled",
        "Your order %s was cancelled: %s".formatted(order.orderId(), inWords(order.reason())));
  }

  private static String inWords(CancelReason reason) {
    return switch (reason) {
      case OUT_OF_STOCK -> "something in it is out of stock";
      case PAYMENT_DECLINED -> "the payment was declined";
      case CUSTOMER_REQUEST -> "as you asked";
    };
  }
}
