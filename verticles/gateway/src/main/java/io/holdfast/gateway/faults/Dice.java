package io.holdfast.gateway.faults;

import io.holdfast.gateway.faults.Fate.Kind;
import java.util.SplittableRandom;

/**
 * Draws what becomes of each request. With the same seed, the same faults and the same order of
 * requests it draws the same. Thread-safe.
 */
public final class Dice {

  private final SplittableRandom random;
  private Faults faults;

  public Dice(long seed, Faults faults) {
    this.random = new SplittableRandom(seed);
    this.faults = faults;
  }

  public synchronized Faults faults() {
    return faults;
  }

  /** From the next request on. */
  public synchronized void set(Faults now) {
    faults = now;
  }

  /**
   * @param change whether the request is to change something
   * @param refund whether it asks for a refund
   */
  public synchronized Fate draw(boolean change, boolean refund) {
    if (faults.outage()) {
      return Fate.of(Kind.CLOSED);
    }
    long delay =
        faults.latencyMs() + (faults.jitterMs() == 0 ? 0 : random.nextLong(faults.jitterMs() + 1L));
    return new Fate(kind(change, refund), delay, hit(Rate.DECLINE_RATE));
  }

  private Kind kind(boolean change, boolean refund) {
    if (hit(Rate.RATE_LIMIT_RATE)) {
      return Kind.RATE_LIMITED;
    }
    if (hit(Rate.ERROR_RATE) || (refund && hit(Rate.REFUND_ERROR_RATE))) {
      return Kind.FAILED;
    }
    if (change && hit(Rate.HANG_RATE)) {
      return random.nextBoolean() ? Kind.SILENCED : Kind.IGNORED;
    }
    if (change && hit(Rate.DROP_AFTER_CHARGE_RATE)) {
      return Kind.DROPPED_AFTER_CHARGE;
    }
    return Kind.ANSWERED;
  }

  private boolean hit(Rate rate) {
    double share = faults.rate(rate);
    return share > 0 && random.nextDouble() < share;
  }
}
