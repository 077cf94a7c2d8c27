package io.holdfast.launcher.reconcile;

import io.holdfast.events.EventType;
import io.holdfast.events.Money;
import java.util.EnumMap;
import java.util.Map;

/** What the streams say about one order: which facts it has, and where they stand. */
final class OrderStory {

  final String orderId;
  private final Map<EventType, Long> facts = new EnumMap<>(EventType.class);
  String traceId;
  Money total;
  boolean parked;
  boolean gaveStockBack;
  boolean accepted;

  OrderStory(String orderId) {
    this.orderId = orderId;
  }

  /** Notes a fact; false if the order has one of this type already. */
  boolean add(EventType type, long sequence) {
    return facts.putIfAbsent(type, sequence) == null;
  }

  boolean has(EventType type) {
    return facts.containsKey(type);
  }

  /** The fact's stream sequence; 0 if the order has none of this type. */
  long at(EventType type) {
    return facts.getOrDefault(type, 0L);
  }

  boolean confirmed() {
    return has(EventType.ORDER_CONFIRMED);
  }

  boolean cancelled() {
    return has(EventType.ORDER_CANCELLED);
  }

  /** Whether something is still to happen that nothing has failed to do yet. */
  boolean underWay() {
    return !parked && (missing() != null || (!has(EventType.ORDER_CREATED) && !facts.isEmpty()));
  }

  /** The fact that the order still wants, in words; null if it wants none. */
  String missing() {
    if (!has(EventType.ORDER_CREATED)) {
      return null;
    }
    if (!confirmed() && !cancelled()) {
      return "a final state";
    }
    if (!has(EventType.NOTIFICATION_SENT)) {
      return "its NotificationSent";
    }
    if (!cancelled()) {
      return null;
    }
    if (!has(EventType.INVENTORY_REJECTED) && !has(EventType.INVENTORY_RELEASED)) {
      return "its InventoryReleased";
    }
    boolean closed =
        has(EventType.PAYMENT_FAILED)
            || has(EventType.PAYMENT_VOIDED)
            || has(EventType.PAYMENT_REFUNDED);
    return closed ? null : "its PaymentVoided or PaymentRefunded";
  }
}
