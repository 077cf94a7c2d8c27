package io.holdfast.runtime.jetstream;

import io.holdfast.events.Event;
import java.util.List;
import java.util.Optional;

/**
 * All that one stream says about one aggregate.
 *
 * @param events in stream order; what is no event of ours is left out
 * @param lastSequence of the aggregate's last message, events or not: what an append must expect; 0
 *     if it has none
 */
public record History(List<Stored> events, long lastSequence) {

  public static final History EMPTY = new History(List.of(), 0);

  public History {
    events = List.copyOf(events);
  }

  /** The fact of this type, if the aggregate has it. */
  public <E extends Event> Optional<E> find(Class<E> type) {
    return events.stream()
        .map(stored -> stored.envelope().event())
        .filter(type::isInstance)
        .map(type::cast)
        .findFirst();
  }

  /** The event of this id, if it is here. */
  public Optional<Stored> byId(String eventId) {
    return events.stream().filter(stored -> stored.envelope().id().equals(eventId)).findFirst();
  }
}
