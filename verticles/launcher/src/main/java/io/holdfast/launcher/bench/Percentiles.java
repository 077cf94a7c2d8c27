package io.holdfast.launcher.bench;

import java.util.Arrays;

/** Times in nanoseconds, from which a few are told. */
final class Percentiles {

  private final long[] sorted;

  Percentiles(long[] nanos) {
    this.sorted = nanos.clone();
    Arrays.sort(sorted);
  }

  boolean isEmpty() {
    return sorted.length == 0;
  }

  /** Milliseconds that this share of all took at most. */
  double millis(double share) {
    int index = Math.min(sorted.length - 1, (int) (share * sorted.length));
    return sorted[index] / 1e6;
  }
}
