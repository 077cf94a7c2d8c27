package io.holdfast.runtime.resilience;

import java.time.Duration;

/**
 * The way back after an outage: one call at a time at first, then twice as many each second, as
 * long as none fails; half as many after one that does. What has just come back would fall over
 * again under all that has gathered meanwhile. Thread-safe.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5681#section-3.1">slow start</a>, from which it
 *     differs in that the clock doubles it, and not the answers, which may be very fast
 */
final class Ramp {

  /** No consumer has more in process than that. */
  private static final int TOP = 4_096;

  private final long stepNanos;
  private int limit = TOP;
  private boolean held;
  private long since;

  Ramp(Duration step) {
    this.stepNanos = step.toNanos();
  }

  /** The outage begins, or goes on. */
  synchronized void hold() {
    limit = 1;
    held = true;
  }

  /** It is over. */
  synchronized void go(long nanoTime) {
    held = false;
    since = nanoTime;
  }

  /** A call failed. */
  synchronized void failed(long nanoTime) {
    if (limit(nanoTime) < TOP && !held) {
      limit = Math.max(1, limit / 2);
      since = nanoTime;
    }
  }

  /** How many calls there may be at a time. */
  synchronized int limit(long nanoTime) {
    if (!held && limit < TOP && nanoTime - since >= stepNanos) {
      limit *= 2; // once, however long nobody asked: a process that stood still proved nothing
      since = nanoTime;
    }
    return limit < TOP ? limit : Integer.MAX_VALUE;
  }
}
