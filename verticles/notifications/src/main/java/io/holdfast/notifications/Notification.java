package io.holdfast.notifications;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import java.time.Instant;
import java.util.Optional;

/**
 * What a customer is told about an order's end.
 *
 * @param cause the fact that the order ended with
 * @param template which text: {@code order_confirmed} or {@code order_cancelled}
 * @param text it in one sentence
 */
public record Notification(Envelope<? extends OrderEvent> cause, String template, String text) {

  public static Notification of(Envelope<? extends OrderEvent> cause) {
    return switch (cause.event()) {
      case OrderConfirmed order ->
          new Notification(
              cause,
              "order_confirmed",
              "Your order %s is confirmed: %s %s"
                  .formatted(order.orderId(), order.amount().toPlainString(), order.currency()));
      case OrderCancelled order ->
          new Notification(
              cause,
              "order_cancelled",
              "Your order %s was cancelled: %s"
                  .formatted(order.orderId(), inWords(order.reason())));
      case OrderCreated order -> throw new IllegalArgumentException("the order has not ended");
    };
  }

  /** The same whenever it is told, so that a receiver can recognise a repetition. */
  public String id() {
    return "notification-sent-" + orderId();
  }

  public String orderId() {
    return cause.event().orderId();
  }

  public String customerId() {
    return cause.event().customerId();
  }

  public String traceId() {
    return cause.traceId();
  }

  /** How the order ended: {@code confirmed} or {@code cancelled}. */
  public String status() {
    return cause.event() instanceof OrderConfirmed ? "confirmed" : "cancelled";
  }

  /** Why it was cancelled, if it was. */
  public Optional<CancelReason> reason() {
    return cause.event() instanceof OrderCancelled order
        ? Optional.of(order.reason())
        : Optional.empty();
  }

  /** When the order ended. */
  public Instant occurredAt() {
    return cause.timestamp();
  }

  private static String inWords(CancelReason reason) {
    return switch (reason) {
      case OUT_OF_STOCK -> "something in it is out of stock";
      case PAYMENT_DECLINED -> "the payment was declined";
      case CUSTOMER_REQUEST -> "as you asked";
    };
  }
}
