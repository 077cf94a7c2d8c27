package io.holdfast.events;

import java.time.Instant;
import java.util.Objects;

/**
 * A fact as it is stored.
 *
 * @param id unique among all events, also the {@code Nats-Msg-Id}; letters, digits, '-' and '_'
 * @param timestamp when it became true, for display; order is by stream sequence, never by time
 * @param traceId 32 lower-case hex digits, the same for all events of an order
 * @param version major version of the data's form, from 1
 */
public record Envelope<E extends Event>(
    String id, E event, Instant timestamp, String traceId, int version) {

  /** The version that this code writes, and the highest that it reads. */
  public static final int VERSION = 1;

  private static final int MAX_ID = 200;
  private static final int TRACE_ID_DIGITS = 32;

  public Envelope {
    Objects.requireNonNull(event, "data");
    Objects.requireNonNull(timestamp, "timestamp");
    if (!Ids.valid(id, MAX_ID)) {
      throw new IllegalArgumentException("id must be 1 to 200 letters, digits, '-' or '_'");
    }
    if (!isTraceId(traceId)) {
      throw new IllegalArgumentException("trace_id must be 32 lower-case hex digits");
    }
    if (version < 1) {
      throw new IllegalArgumentException("version must be at least 1, not " + version);
    }
  }

  /**
   * For a fact that can be true of its aggregate only once. Its id follows from type and aggregate,
   * so that whoever repeats the append after a crash repeats the id too, and finds its own fact.
   */
  public static <E extends Event> Envelope<E> once(E event, Instant timestamp, String traceId) {
    String id = EventType.of(event).idPrefix() + event.aggregateId();
    return new Envelope<>(id, event, timestamp, traceId, VERSION);
  }

  /**
   * For a fact that repeats for its aggregate, as a stock level does.
   *
   * @param distinction what makes it this one; a random token, or a number that nobody else can use
   *     for another fact
   */
  public static <E extends Event> Envelope<E> repeated(
      E event, String distinction, Instant timestamp, String traceId) {
    String id = EventType.of(event).idPrefix() + event.aggregateId() + "-" + distinction;
    return new Envelope<>(id, event, timestamp, traceId, VERSION);
  }

  private static boolean isTraceId(String traceId) {
    if (traceId == null || traceId.length() != TRACE_ID_DIGITS) {
      return false;
    }
    for (int i = 0; i < TRACE_ID_DIGITS; i++) {
      char c = traceId.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return true;
  }

  public EventType type() {
    return EventType.of(event);
  }
}
