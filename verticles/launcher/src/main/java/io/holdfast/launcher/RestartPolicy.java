package io.holdfast.launcher;

import java.time.Duration;
import java.util.Optional;

/**
 * How long to wait before a process that ended is started again, and when to leave it. Of one
 * process; not for several threads.
 */
final class RestartPolicy {

  /** Ends in a row, each soon after the start, after which starting it again makes no sense. */
  static final int MAX_AT_ONCE = 5;

  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofSeconds(5);

  /** Who lived so long is sound again: the next end is like a first one. */
  private static final Duration SOUND = Duration.ofSeconds(30);

  /** A JVM that finds a setting at fault ends long before this, on a busy machine too. */
  private static final Duration AT_ONCE = Duration.ofSeconds(10);

  private Duration pause = FIRST;
  private int atOnce;

  /**
   * @param lived from its last start to its end
   * @param byItself rather than by somebody who killed it, which says nothing against it
   * @return the pause before it is started again; empty if it should not be
   */
  Optional<Duration> afterEnd(Duration lived, boolean byItself) {
    if (lived.compareTo(SOUND) >= 0) {
      pause = FIRST;
    }
    atOnce = byItself && lived.compareTo(AT_ONCE) < 0 ? atOnce + 1 : 0;
    if (atOnce == MAX_AT_ONCE) {
      return Optional.empty();
    }
    Duration now = pause;
    pause = pause.multipliedBy(2);
    if (pause.compareTo(LONGEST) > 0) {
      pause = LONGEST;
    }
    return Optional.of(now);
  }
}
