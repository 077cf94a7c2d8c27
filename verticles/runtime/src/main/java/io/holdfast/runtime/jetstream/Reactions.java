package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventType;
import io.holdfast.runtime.resilience.Pace;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A consumer's handlers, by type of fact. A handler runs on its verticle's event loop, must not
 * block, and answers with an outcome; a failed future, or an exception, counts as {@link
 * Outcome.Retry}.
 */
public final class Reactions {

  private final Map<EventType, Function<Delivery<?>, Future<Outcome>>> handlers =
      new EnumMap<>(EventType.class);
  private Pace pace = Pace.UNBOUNDED;

  private Reactions() {}

  public static <E extends Event> Reactions on(
      Class<E> type, Function<Delivery<E>, Future<Outcome>> handler) {
    return new Reactions().and(type, handler);
  }

  public <E extends Event> Reactions and(
      Class<E> type, Function<Delivery<E>, Future<Outcome>> handler) {
    handlers.put(
        EventType.of(type),
        delivery -> {
          @SuppressWarnings("unchecked") // the type of fact was looked up by the event's class
          Delivery<E> typed = (Delivery<E>) delivery;
          return handler.apply(typed);
        });
    return this;
  }

  /** Asks for no more messages than somebody outside bears, whom the handlers need. */
  public Reactions atPace(Pace ofSomebodyOutside) {
    this.pace = ofSomebodyOutside;
    return this;
  }

  Pace pace() {
    return pace;
  }

  Set<EventType> types() {
    return handlers.keySet();
  }

  /** Hands over one delivery. Empty if no handler is for such a fact. */
  public Optional<Future<Outcome>> handle(
      Envelope<?> envelope, long sequence, Instant storedAt, long deliveries) {
    Function<Delivery<?>, Future<Outcome>> handler = handlers.get(envelope.type());
    if (handler == null) {
      return Optional.empty();
    }
    return Optional.of(handler.apply(new Delivery<>(envelope, sequence, storedAt, deliveries)));
  }
}
