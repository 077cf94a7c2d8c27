package io.holdfast.events;

/**
 * A fact: something that became true about one aggregate, named in the past tense. Immutable.
 *
 * <p>Every fact is self-contained, so that whoever reads it needs no call to another service.
 * Components are only ever added, as optional ones; anything else needs a higher {@link
 * Envelope#version() version}.
 */
public sealed interface Event
    permits OrderEvent,
        InventoryEvent,
        StockEvent,
        PaymentEvent,
        NotificationEvent,
        MessageDeadLettered,
        DeadLetterResolved {

  /**
   * The id of what this fact is about, the last token of its subject. Holds only letters, digits,
   * '-' and '_'.
   */
  String aggregateId();
}
