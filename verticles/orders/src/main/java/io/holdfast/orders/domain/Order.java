package io.holdfast.orders.domain;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Event;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import java.util.List;
import java.util.Optional;

/** The state of an order, the fold of its facts. */
public sealed interface Order {

  /** Nothing is known of it. */
  record Unknown() implements Order {}

  /** Accepted, on its way. */
  record Pending(OrderCreated created) implements Order {}

  /** Paid, its stock held. Final. */
  record Confirmed(OrderCreated created) implements Order {}

  /** Not to be fulfilled. Final. */
  record Cancelled(OrderCreated created, CancelReason reason, String detail) implements Order {}

  /** The state after these facts, in stream order. */
  static Order of(List<? extends Event> facts) {
    Order state = new Unknown();
    for (Event fact : facts) {
      if (fact instanceof OrderEvent event) {
        state = state.after(event);
      }
    }
    return state;
  }

  /** The first final fact stays, whatever comes after it. */
  private Order after(OrderEvent fact) {
    return switch (fact) {
      case OrderCreated created -> this instanceof Unknown ? new Pending(created) : this;
      case OrderConfirmed confirmed ->
          this instanceof Pending pending ? new Confirmed(pending.created()) : this;
      case OrderCancelled cancelled ->
          this instanceof Pending pending
              ? new Cancelled(pending.created(), cancelled.reason(), cancelled.detail())
              : this;
    };
  }

  /** What was accepted, whatever became of it. */
  default Optional<OrderCreated> accepted() {
    return switch (this) {
      case Unknown unknown -> Optional.empty();
      case Pending pending -> Optional.of(pending.created());
      case Confirmed confirmed -> Optional.of(confirmed.created());
      case Cancelled cancelled -> Optional.of(cancelled.created());
    };
  }

  default boolean isFinal() {
    return this instanceof Confirmed || this instanceof Cancelled;
  }

  /** {@code pending}, {@code confirmed} or {@code cancelled}. */
  default String status() {
    return switch (this) {
      case Unknown unknown -> "unknown";
      case Pending pending -> "pending";
      case Confirmed confirmed -> "confirmed";
      case Cancelled cancelled -> "cancelled";
    };
  }
}
