package io.holdfast.runtime.support;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Waits for a condition, with an end. */
public final class Eventually {

  private static final Duration LIMIT = Duration.ofSeconds(15);
  private static final Duration STEP = Duration.ofMillis(5);

  private Eventually() {}

  /** The first value that satisfies, asked for again and again for at most 15 s. */
  public static <T> T eventually(String what, Callable<T> value, Predicate<T> satisfies) {
    return eventually(what, LIMIT, value, satisfies);
  }

  /**
   * @throws AssertionError when time is up, telling the last value or failure
   */
  public static <T> T eventually(
      String what, Duration limit, Callable<T> value, Predicate<T> satisfies) {
    long deadline = System.nanoTime() + limit.toNanos();
    Object last;
    do {
      try {
        T current = value.call();
        if (satisfies.test(current)) {
          return current;
        }
        last = current;
      } catch (Exception notYet) {
        last = notYet;
      }
      LockSupport.parkNanos(STEP.toNanos());
    } while (System.nanoTime() < deadline);
    throw new AssertionError(
        "not within " + limit.toMillis() + " ms: " + what + "; last seen: " + last);
  }

  /** Waits until it holds. */
  public static void eventually(String what, Callable<Boolean> holds) {
    eventually(what, LIMIT, holds, held -> held);
  }

  /** Watches for so long that it never ceases to hold; for what must not happen. */
  public static void throughout(String what, Duration time, Callable<Boolean> holds)
      throws Exception {
    long deadline = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < deadline) {
      if (!holds.call()) {
        throw new AssertionError("did not hold throughout " + time.toMillis() + " ms: " + what);
      }
      LockSupport.parkNanos(STEP.toNanos());
    }
  }
}
