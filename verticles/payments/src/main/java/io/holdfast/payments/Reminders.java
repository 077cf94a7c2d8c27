package io.holdfast.payments;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Timers of the broker's, one for a reservation whose charge did not go through at once. Each wakes
 * {@code payments-expire} at the deadline, and bears what is known of the attempts so far, for
 * whichever replica is given the reservation next.
 */
final class Reminders {

  /** Up to which delivery of the reservation nothing was sent to the gateway; 0 if unknown. */
  private static final String UNSENT_THROUGH = "Holdfast-Unsent-Through";

  private static final Duration KEPT = Duration.ofHours(24);

  private final StreamReader reader;
  private final Subjects subjects;
  private final EventCodec codec = new EventCodec();

  Reminders(StreamReader reader, Subjects subjects) {
    this.reader = reader;
    this.subjects = subjects;
  }

  /** Sets an order's timer, in place of the one it may have. */
  Future<Void> set(Envelope<InventoryReserved> reserved, Instant at, long unsentThrough) {
    String orderId = reserved.event().orderId();
    return reader.schedule(
        subject(StreamCatalog.SCHEDULED, orderId),
        subject(StreamCatalog.DUE, orderId),
        at,
        KEPT,
        Map.of(UNSENT_THROUGH, Long.toString(unsentThrough)),
        codec.encode(reserved));
  }

  /** What an order's timer says, fired or not; empty if it has none. */
  Future<Optional<Long>> unsentThrough(String orderId) {
    String timers = subjects.stream(StreamCatalog.TIMERS);
    return reader
        .last(timers, subject(StreamCatalog.SCHEDULED, orderId))
        .compose(
            waiting ->
                waiting.isPresent()
                    ? Future.succeededFuture(waiting)
                    : reader.last(timers, subject(StreamCatalog.DUE, orderId)))
        .map(timer -> timer.map(Reminders::unsentThrough));
  }

  private static long unsentThrough(RawMessage timer) {
    try {
      return Long.parseLong(timer.header(UNSENT_THROUGH).orElse("0"));
    } catch (NumberFormatException notOurs) {
      return 0;
    }
  }

  private String subject(String before, String orderId) {
    return subjects.subject(before + new Subjects("").fact(EventType.INVENTORY_RESERVED, orderId));
  }
}
