package io.holdfast.launcher.why;

import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;

/** Where a message is that a consumer is to react to. */
public enum Holder {
  /** The broker has not delivered it yet. */
  WAITS_FOR_DELIVERY,
  /** Delivered and not settled: in work, or put off until its next attempt. */
  IN_HAND,
  /** A dead letter, waiting for an operator. */
  PARKED,
  /** Settled, and no effect is stored. */
  SETTLED_WITHOUT_EFFECT;

  /**
   * @param sequence the message's, in the consumer's stream
   */
  public static Holder of(long sequence, ConsumerState consumer, boolean parked) {
    if (parked) {
      return PARKED;
    }
    if (sequence > consumer.delivered()) {
      return WAITS_FOR_DELIVERY;
    }
    // Above the floor some are settled and some are not; the broker does not say which.
    return sequence > consumer.ackFloor() ? IN_HAND : SETTLED_WITHOUT_EFFECT;
  }
}
