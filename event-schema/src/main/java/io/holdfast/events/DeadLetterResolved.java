package io.holdfast.events;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.Objects;

/**
 * An operator has dealt with a dead letter; stream DEADLETTERS, subject {@code
 * deadletters.operator.resolved.<dead letter>}. A dead letter is resolved once at most, however
 * many operators try.
 *
 * @param deadLetter the dead letter's sequence in DEADLETTERS
 * @param resolution what was done
 * @param consumer the durable consumer that had given the message up
 * @param subject the message's subject, with its namespace
 * @param reason why, for a person; null if nothing was said
 * @param operator who did it, as far as that is known; else null
 */
public record DeadLetterResolved(
    long deadLetter,
    Resolution resolution,
    String consumer,
    String subject,
    String reason,
    String operator)
    implements Event {

  /** What can be done with a dead letter. */
  public enum Resolution {
    /** Sent back to the consumer that had given it up, and to no other. */
    REDRIVEN,
    /** Left as it is, for good. */
    DISCARDED;

    /** The name on the wire, for example {@code redriven}. */
    @JsonValue
    public String wireName() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** To the letter: left to itself, Jackson would let spaces around a name pass. */
    @JsonCreator
    static Resolution named(String wireName) {
      for (Resolution resolution : values()) {
        if (resolution.wireName().equals(wireName)) {
          return resolution;
        }
      }
      throw new IllegalArgumentException("resolution is none that is known");
    }
  }

  public DeadLetterResolved {
    if (deadLetter < 1) {
      throw new IllegalArgumentException("dead_letter must be positive, not " + deadLetter);
    }
    Objects.requireNonNull(resolution, "resolution");
    Objects.requireNonNull(consumer, "consumer");
    Objects.requireNonNull(subject, "subject");
  }

  /** The dead letter's sequence, as text. */
  @Override
  public String aggregateId() {
    return Long.toString(deadLetter);
  }
}
