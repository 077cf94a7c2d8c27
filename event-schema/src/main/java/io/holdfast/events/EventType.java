package io.holdfast.events;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Every type of fact, with its name in the envelope and its place among the subjects. */
public enum EventType {
  ORDER_CREATED(Domain.ORDERS, "created", OrderEvent.OrderCreated.class),
  ORDER_CONFIRMED(Domain.ORDERS, "confirmed", OrderEvent.OrderConfirmed.class),
  ORDER_CANCELLED(Domain.ORDERS, "cancelled", OrderEvent.OrderCancelled.class),

  STOCK_RECEIVED(Domain.RECEIPTS, "received", StockEvent.StockReceived.class),
  STOCK_LEVEL_CHANGED(Domain.STOCK, "level", StockEvent.StockLevelChanged.class),
  INVENTORY_RESERVED(Domain.INVENTORY, "reserved", InventoryEvent.InventoryReserved.class),
  INVENTORY_REJECTED(Domain.INVENTORY, "rejected", InventoryEvent.InventoryRejected.class),
  INVENTORY_RELEASED(Domain.INVENTORY, "released", InventoryEvent.InventoryReleased.class),

  PAYMENT_PROCESSED(Domain.PAYMENTS, "processed", PaymentEvent.PaymentProcessed.class),
  PAYMENT_FAILED(Domain.PAYMENTS, "failed", PaymentEvent.PaymentFailed.class),
  PAYMENT_VOIDED(Domain.PAYMENTS, "voided", PaymentEvent.PaymentVoided.class),
  PAYMENT_REFUNDED(Domain.PAYMENTS, "refunded", PaymentEvent.PaymentRefunded.class),

  NOTIFICATION_SENT(Domain.NOTIFICATIONS, "sent", NotificationEvent.NotificationSent.class),

  MESSAGE_DEAD_LETTERED(Domain.DEADLETTERS, "", MessageDeadLettered.class),
  DEAD_LETTER_RESOLVED(Domain.DEADLETTERS, "operator.resolved", DeadLetterResolved.class);

  private static final Map<String, EventType> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(EventType::typeName, t -> t));
  private static final Map<Class<?>, EventType> BY_CLASS =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(EventType::eventClass, t -> t));

  private final Domain domain;
  private final String fact;
  private final Class<? extends Event> eventClass;
  private final String typeName;
  private final String idPrefix;

  EventType(Domain domain, String fact, Class<? extends Event> eventClass) {
    this.domain = domain;
    this.fact = fact;
    this.eventClass = eventClass;
    this.typeName = eventClass.getSimpleName();
    this.idPrefix = name().toLowerCase(Locale.ROOT).replace('_', '-') + "-";
  }

  /** The type's name on the wire, the record's own: {@code OrderCreated}. */
  public String typeName() {
    return typeName;
  }

  public Domain domain() {
    return domain;
  }

  /**
   * The second token of the subject: {@code created}. Empty for dead letters, whose subject quotes
   * another; two tokens for what an operator did with one, where a dead letter names a service.
   */
  public String fact() {
    return fact;
  }

  public Class<? extends Event> eventClass() {
    return eventClass;
  }

  /** What the id of such an event starts with: {@code order-created-}. */
  String idPrefix() {
    return idPrefix;
  }

  public static EventType of(Event event) {
    return BY_CLASS.get(event.getClass());
  }

  public static EventType of(Class<? extends Event> eventClass) {
    EventType type = BY_CLASS.get(eventClass);
    if (type == null) {
      throw new IllegalArgumentException(
          eventClass + " is not a type of fact but a family of them");
    }
    return type;
  }

  public static Optional<EventType> named(String typeName) {
    return Optional.ofNullable(BY_NAME.get(typeName));
  }
}
