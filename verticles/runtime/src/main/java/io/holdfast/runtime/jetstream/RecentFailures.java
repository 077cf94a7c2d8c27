package io.holdfast.runtime.jetstream;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What went wrong so far with a consumer's messages, by their stream sequence. This process's
 * memory: a restart forgets it, and so does whoever fails so much that there is no room for the
 * oldest. Who is forgotten has its attempts again. The event loop's alone.
 */
final class RecentFailures {

  private static final int MAX_MESSAGES = 10_000;

  private final Map<Long, Failures> bySequence =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Failures> eldest) {
          return size() > MAX_MESSAGES;
        }
      };

  /** Adds one to a message's. */
  Failures add(long sequence, Throwable cause) {
    return bySequence.merge(
        sequence,
        Failures.first(cause, Instant.now()),
        (before, now) -> before.another(cause, now.lastAt()));
  }

  /** Null if there are none. */
  Failures of(long sequence) {
    return bySequence.get(sequence);
  }

  void forget(long sequence) {
    bySequence.remove(sequence);
  }
}
