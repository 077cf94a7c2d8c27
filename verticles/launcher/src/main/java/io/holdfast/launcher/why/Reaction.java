package io.holdfast.launcher.why;

import static io.holdfast.events.EventType.INVENTORY_REJECTED;
import static io.holdfast.events.EventType.INVENTORY_RELEASED;
import static io.holdfast.events.EventType.INVENTORY_RESERVED;
import static io.holdfast.events.EventType.NOTIFICATION_SENT;
import static io.holdfast.events.EventType.ORDER_CANCELLED;
import static io.holdfast.events.EventType.ORDER_CONFIRMED;
import static io.holdfast.events.EventType.ORDER_CREATED;
import static io.holdfast.events.EventType.PAYMENT_FAILED;
import static io.holdfast.events.EventType.PAYMENT_PROCESSED;
import static io.holdfast.events.EventType.PAYMENT_REFUNDED;
import static io.holdfast.events.EventType.PAYMENT_VOIDED;

import io.holdfast.events.EventType;
import java.util.List;
import java.util.Set;

/**
 * Who does what about a fact of an order: the saga, as one table.
 *
 * @param cause the fact
 * @param consumer the durable consumer that is to react
 * @param effects the facts any one of which shows that it did, or that nothing is left to do
 */
public record Reaction(EventType cause, String consumer, Set<EventType> effects) {

  public static final List<Reaction> SAGA =
      List.of(
          new Reaction(
              ORDER_CREATED,
              "inventory-reserve",
              Set.of(INVENTORY_RESERVED, INVENTORY_REJECTED, INVENTORY_RELEASED)),
          new Reaction(
              INVENTORY_RESERVED,
              "payments-charge",
              Set.of(PAYMENT_PROCESSED, PAYMENT_FAILED, PAYMENT_VOIDED)),
          new Reaction(
              INVENTORY_REJECTED, "orders-reject", Set.of(ORDER_CANCELLED, ORDER_CONFIRMED)),
          new Reaction(
              PAYMENT_PROCESSED, "orders-settle", Set.of(ORDER_CONFIRMED, ORDER_CANCELLED)),
          new Reaction(PAYMENT_FAILED, "orders-settle", Set.of(ORDER_CANCELLED, ORDER_CONFIRMED)),
          new Reaction(
              ORDER_CANCELLED, "inventory-release", Set.of(INVENTORY_RELEASED, INVENTORY_REJECTED)),
          new Reaction(
              ORDER_CANCELLED,
              "payments-compensate",
              Set.of(PAYMENT_VOIDED, PAYMENT_REFUNDED, PAYMENT_FAILED)),
          new Reaction(ORDER_CONFIRMED, "notifications-send", Set.of(NOTIFICATION_SENT)),
          new Reaction(ORDER_CANCELLED, "notifications-send", Set.of(NOTIFICATION_SENT)));

  /** The reactions that an order with these facts still wants. */
  public static List<Reaction> open(Set<EventType> facts) {
    return SAGA.stream()
        .filter(reaction -> facts.contains(reaction.cause()))
        .filter(reaction -> reaction.effects().stream().noneMatch(facts::contains))
        .toList();
  }
}
