package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import java.time.Instant;

/**
 * One delivery of one event to a handler. One that an operator sent back looks as the event did
 * where it was first stored, and as a redelivery.
 *
 * @param sequence the event's stream sequence
 * @param storedAt when the broker stored it; of a redriven one whose place is gone, the time it
 *     bears
 * @param deliveries how often the broker has delivered it, this one included
 */
public record Delivery<E extends Event>(
    Envelope<E> envelope, long sequence, Instant storedAt, long deliveries) {

  public E event() {
    return envelope.event();
  }

  public String traceId() {
    return envelope.traceId();
  }

  /** Whether an earlier attempt may have had its effect already, here or elsewhere. */
  public boolean redelivered() {
    return deliveries > 1;
  }
}
