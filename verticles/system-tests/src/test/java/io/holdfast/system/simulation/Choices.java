package io.holdfast.system.simulation;

import java.util.Arrays;

/**
 * Where everything that could go one way or another is decided: which step is next, what gets lost,
 * what the customer does. Every decision is a number below a bound, and is written down; the list
 * of them is the schedule, and repeats it. 0 is always the plain way: the oldest step first,
 * nothing lost, so that a schedule with more zeros is a simpler one.
 */
final class Choices {

  private final int[] script;
  private final boolean random;
  private long state;
  private int[] taken = new int[256];
  private int[] bounds = new int[256];
  private int size;

  private Choices(int[] script, boolean random, long seed) {
    this.script = script;
    this.random = random;
    this.state = seed;
  }

  /** Decided by a seed. */
  static Choices seeded(long seed) {
    return new Choices(new int[0], true, seed);
  }

  /** Decided before; what the script does not say goes the plain way. */
  static Choices scripted(int... script) {
    return new Choices(script, false, 0);
  }

  /** A number from 0 to below the bound, each as likely as the others. */
  int next(int bound) {
    return bound == 1 ? 0 : note(bound, random ? bounded(bound) : scripted(bound));
  }

  /** Yes, once in so many times. */
  boolean once(int in) {
    return note(2, random ? (bounded(in) == 0 ? 1 : 0) : scripted(2)) == 1;
  }

  /** How many decisions there were. */
  int size() {
    return size;
  }

  /** How many ways the decision at this place could have gone. */
  int bound(int at) {
    return bounds[at];
  }

  int[] taken() {
    return Arrays.copyOf(taken, size);
  }

  private int scripted(int bound) {
    int value = size < script.length ? script[size] : 0;
    return value < bound ? value : 0;
  }

  private int note(int bound, int value) {
    if (size == taken.length) {
      taken = Arrays.copyOf(taken, 2 * size);
      bounds = Arrays.copyOf(bounds, 2 * size);
    }
    taken[size] = value;
    bounds[size] = bound;
    size++;
    return value;
  }

  /** SplitMix64, from its published constants; the high bits scaled to the bound. */
  private int bounded(int bound) {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (int) (((z >>> 33) * bound) >>> 31);
  }
}
