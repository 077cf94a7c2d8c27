package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import java.time.Instant;
import java.util.Optional;

/**
 * An event as it stands in its stream.
 *
 * @param sequence its stream sequence
 * @param storedAt the broker's time
 */
public record Stored(
    String stream, long sequence, String subject, Instant storedAt, Envelope<?> envelope) {

  /** The event in a message, if it is one of ours and stands where it belongs. */
  static Optional<Stored> in(RawMessage message, EventCodec codec, Subjects subjects) {
    try {
      Envelope<?> envelope = codec.decode(message.body());
      if (!belongs(envelope, message.subject(), subjects)) {
        return Optional.empty();
      }
      return Optional.of(
          new Stored(
              message.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              envelope));
    } catch (UndecodableEventException notOurs) {
      return Optional.empty();
    }
  }

  /**
   * Whether an event is the one that its subject promises, rather than another's, or another thing.
   */
  static boolean belongs(Envelope<?> envelope, String subject, Subjects subjects) {
    if (envelope.type() == EventType.MESSAGE_DEAD_LETTERED) { // its subject quotes another
      return subjects.typeOf(subject).equals(Optional.of(envelope.type()));
    }
    String due = subjects.subject(StreamCatalog.DUE); // and so does a timer's
    String fact =
        subject.startsWith(due) ? subjects.subject(subject.substring(due.length())) : subject;
    return fact.equals(subjects.fact(envelope.event()));
  }
}
