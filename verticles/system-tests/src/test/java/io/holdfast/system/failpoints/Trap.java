package io.holdfast.system.failpoints;

import io.holdfast.system.failpoints.FailPoint.When;
import java.util.concurrent.CompletableFuture;

/**
 * Kills one service's process at the instant that it is armed with. All wires of the service ask it
 * about every message; after the kill nothing more of that process passes.
 */
final class Trap {

  private Runnable kill;
  private FailPoint armed;
  private CompletableFuture<Void> fired = new CompletableFuture<>();
  private CompletableFuture<Long> recovered = new CompletableFuture<>();
  private long killedAt;
  private int life;

  /**
   * @param toKill kills the process that runs now, and returns when it is gone
   */
  synchronized void watch(Runnable toKill) {
    kill = toKill;
  }

  /** Completes when the process was killed there. */
  synchronized CompletableFuture<Void> arm(FailPoint point) {
    armed = point;
    fired = new CompletableFuture<>();
    recovered = new CompletableFuture<>();
    return fired;
  }

  /** Nobody waits for it any more; what has fired has fired. */
  synchronized void disarm() {
    armed = null;
  }

  /**
   * Completes with the milliseconds from the kill to the first message that the next process got
   * stored or acknowledged.
   */
  synchronized CompletableFuture<Long> recovered() {
    return recovered;
  }

  /** Tells the connections of one process from those of the next. */
  synchronized int life() {
    return life;
  }

  /** Whether the process of this life lives. */
  synchronized boolean lives(int ofLife) {
    return ofLife == life;
  }

  /** Whether this may go on to whom it is for. */
  synchronized boolean mayLeave(int ofLife, Sent sent) {
    return ofLife == life && !springs(armed != null && armed.isMet(When.LEAVES, sent));
  }

  /** Whether more may pass, now that this is there. */
  synchronized boolean hasLeft(int ofLife, Sent sent) {
    if (ofLife != life || springs(armed != null && armed.isMet(When.LEFT, sent))) {
      return false;
    }
    if (sent.name().startsWith("+ACK")) {
      worked();
    }
    return true;
  }

  /** Whether the sender may see this answer. */
  synchronized boolean mayAnswer(int ofLife, Sent sent, String answer) {
    if (ofLife != life || springs(armed != null && armed.isMetByAnswer(sent, answer))) {
      return false;
    }
    if (answer.equals(FailPoint.STORED)) {
      worked();
    }
    return true;
  }

  private void worked() {
    if (armed == null && fired.isDone()) {
      recovered.complete((System.nanoTime() - killedAt) / 1_000_000);
    }
  }

  private boolean springs(boolean met) {
    if (!met) {
      return false;
    }
    armed = null;
    life++;
    killedAt = System.nanoTime();
    kill.run();
    fired.complete(null);
    return true;
  }
}
