package io.holdfast.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Waits for a condition, with an end. */
public final class Eventually {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Duration STEP = Duration.ofMillis(10);

  private Eventually() {}

  /** The first value that satisfies, asked for again and again for at most 20 s. */
  public static <T> T eventually(String what, Callable<T> value, Predicate<T> satisfies) {
    return eventually(what, LIMIT, value, satisfies);
  }

  /**
   * @throws AssertionError when time is up, telling the last value or failure
   */
  public static <T> T eventually(
      String what, Duration limit, Callable<T> value, Predicate<T> satisfies) {
    long deadline = System.nanoTime() + limit.toNanos();
    Object last = null;
    while (true) {
      try {
        T current = value.call();
        if (satisfies.test(current)) {
          return current;
        }
        last = current;
      } catch (Exception notYet) {
        last = notYet;
      }
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError(
            "not within " + limit.toSeconds() + " s: " + what + "; last seen: " + last);
      }
      LockSupport.parkNanos(STEP.toNanos());
    }
  }

  /** Waits until it holds. */
  public static void eventually(String what, Callable<Boolean> holds) {
    eventually(what, holds, held -> held);
  }
}
