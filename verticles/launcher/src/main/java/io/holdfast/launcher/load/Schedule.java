package io.holdfast.launcher.load;

/**
 * When each customer of a steady rate is due. It knows nothing of answers, so that no slow answer
 * can keep a customer away: that would leave just the worst waits out of the figures.
 *
 * @param begin in nanoseconds, as all times here
 */
record Schedule(long begin, double perSecond) {

  /** When a customer comes; the first is number 0. */
  long due(long number) {
    return begin + (long) (number * (1e9 / perSecond));
  }

  /** How many have come by then. */
  long dueBy(long time) {
    if (time < begin) {
      return 0;
    }
    long about = (long) ((time - begin) * (perSecond / 1e9));
    while (due(about) <= time) {
      about++;
    }
    while (about > 0 && due(about - 1) > time) {
      about--;
    }
    return about;
  }
}
