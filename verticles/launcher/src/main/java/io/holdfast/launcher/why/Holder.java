package io.holdfast.launcher.why;

import io.holdfast.runtime.jetstream.DeadLetter;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;

/** Where a message is that a consumer is to react to. */
public enum Holder {
  /** The broker has not delivered it yet. */
  WAITS_FOR_DELIVERY,
  /** Delivered and not settled: in work, or put off until its next attempt. */
  IN_HAND,
  /** A dead letter, waiting for an operator. */
  PARKED,
  /** A dead letter that an operator has sent back: on its way, or in work. */
  REDRIVEN,
  /** Sent back by an operator, settled, and no effect is stored. */
  REDRIVEN_WITHOUT_EFFECT,
  /** A dead letter that an operator has left as it is, for good. */
  DISCARDED,
  /** Settled, and no effect is stored. */
  SETTLED_WITHOUT_EFFECT;

  /**
   * @param sequence the message's, in the consumer's stream
   */
  public static Holder of(long sequence, ConsumerState consumer) {
    if (sequence > consumer.delivered()) {
      return WAITS_FOR_DELIVERY;
    }
    // Above the floor some are settled and some are not; the broker does not say which.
    return sequence > consumer.ackFloor() ? IN_HAND : SETTLED_WITHOUT_EFFECT;
  }

  /**
   * Where a message is that was given up.
   *
   * @param redriven the consumer of what is sent back to the one that gave it up
   */
  public static Holder of(DeadLetter letter, ConsumerState redriven) {
    if (letter.open()) {
      return PARKED;
    }
    if (letter.discarded()) {
      return DISCARDED;
    }
    return redriven.pending() + redriven.unacknowledged() > 0 ? REDRIVEN : REDRIVEN_WITHOUT_EFFECT;
  }
}
