package io.holdfast.runtime.jetstream;

import java.time.Instant;

/**
 * What went wrong with one message so far. Attempts are failures that a handler reported, not
 * deliveries: a redelivery after a crash, or a wait for the gateway, spends none.
 */
record Failures(int count, Instant firstAt, Instant lastAt, Throwable last) {

  static Failures first(Throwable cause, Instant now) {
    return new Failures(1, now, now, cause);
  }

  Failures another(Throwable cause, Instant now) {
    return new Failures(count + 1, firstAt, now, cause);
  }

  /** The failure in a few lines, for a person. */
  String summary(int maxLength) {
    StringBuilder summary = new StringBuilder();
    Throwable at = last;
    for (int depth = 0; at != null && depth < 4; depth++, at = at.getCause()) {
      summary.append(depth == 0 ? "" : "\ncaused by ").append(at);
      StackTraceElement[] stack = at.getStackTrace();
      for (int i = 0; i < Math.min(3, stack.length); i++) {
        summary.append("\n  at ").append(stack[i]);
      }
    }
    if (summary.length() <= maxLength) {
      return summary.toString();
    }
    boolean splitsPair = Character.isHighSurrogate(summary.charAt(maxLength - 1));
    return summary.substring(0, splitsPair ? maxLength - 1 : maxLength);
  }
}
