package io.holdfast.runtime.jetstream;

import java.time.Duration;

/** What came of a delivery, in the handler's judgement; the bridge settles it with the broker. */
public sealed interface Outcome {

  /** The effect is stored. */
  Outcome DONE = new Done();

  /** The effect is stored; acknowledged. */
  record Done() implements Outcome {}

  /** Nothing is to be done, rightly; acknowledged. */
  record Ignored(String reason) implements Outcome {}

  /**
   * The world failed, not the message: tried again after a backoff, parked after the last attempt.
   *
   * @param within the longest that the backoff may be, whatever the policy says; null if nothing
   *     waits for it
   */
  record Retry(Throwable cause, Duration within) implements Outcome {
    public Retry(Throwable cause) {
      this(cause, null);
    }
  }

  /** Nothing failed, but now is not the time: tried again later without spending an attempt. */
  record Postpone(Duration delay, String reason) implements Outcome {}

  /** The message is at fault, and no attempt can help: parked now. */
  record Reject(Throwable cause) implements Outcome {}
}
