package io.holdfast.runtime.jetstream;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How often and how far apart a failing message is tried: exponential backoff with full jitter, and
 * an end.
 *
 * @param maxAttempts failures that a handler may report before the message is parked
 * @param base the first wait's upper bound
 * @param cap the upper bound of any wait
 * @see <a
 *     href="https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/">Exponential
 *     backoff and jitter</a>
 */
public record RetryPolicy(int maxAttempts, Duration base, Duration cap) {

  public RetryPolicy {
    if (cap.compareTo(base) < 0) {
      throw new IllegalArgumentException("RETRY_CAP_MS must not be below RETRY_BASE_MS");
    }
  }

  /** Whether a message is parked that has failed so often. */
  public boolean exhausted(int failures) {
    return failures >= maxAttempts;
  }

  /**
   * The wait after a number of failures, anywhere between 1 ms and its bound.
   *
   * @param failures 1 after the first one
   */
  public Duration backoff(int failures, RandomGenerator random) {
    int doublings = Math.min(Math.max(0, failures - 1), 30);
    long bound = Math.min(cap.toMillis(), base.toMillis() << doublings);
    return Duration.ofMillis(1 + random.nextLong(Math.max(1, bound)));
  }
}
