package io.holdfast.system.cluster;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * One fault, at some time of an episode.
 *
 * @param led the stream whose leader it hits; empty: any node, but none that this episode hit
 *     before
 */
record Strike(Fault fault, String led, int node, long beginsMillis, long endsMillis) {

  private static final int SHORTEST_MILLIS = 3_000;
  private static final int LONGEST_MILLIS = 8_000;
  private static final int SHORTEST_WITH_ALL_GONE = 500;

  /** Streams whose leaders are worth losing: each decides about orders. */
  private static final List<String> LED = List.of("ORDERS", "ORDERS", "INVENTORY", "PAYMENTS");

  /**
   * So many episodes, every kind of fault before any comes again, and most of them on a leader.
   *
   * @param pairs whether every second episode is of two faults, one beginning during the other
   */
  static List<List<Strike>> plan(long seed, int episodes, boolean pairs) {
    Random dice = new Random(seed);
    List<List<Strike>> plan = new ArrayList<>();
    List<Fault> bag = new ArrayList<>();
    for (int i = 0; i < episodes; i++) {
      Strike first = drawn(dice, bag, 0);
      if (!pairs || i % 2 == 0 || first.fault() == Fault.ROLLED) {
        plan.add(List.of(first));
        continue;
      }
      Strike second = drawn(dice, bag, 500 + dice.nextInt(2_000));
      while (second.fault() == Fault.ROLLED || second.fault() == first.fault()) {
        second = drawn(dice, bag, 500 + dice.nextInt(2_000));
      }
      plan.add(first.fault() == Fault.ALL_KILLED ? pair(second, first) : pair(first, second));
    }
    return plan;
  }

  /** What kills all comes last and ends last: a node that nobody reaches cannot be started. */
  private static List<Strike> pair(Strike one, Strike other) {
    if (other.fault() != Fault.ALL_KILLED) {
      return List.of(one, other);
    }
    return List.of(
        new Strike(one.fault(), one.led(), one.node(), 0, one.endsMillis() - one.beginsMillis()),
        new Strike(
            other.fault(), "", other.node(), 1_000, one.endsMillis() - one.beginsMillis() + 500));
  }

  private static Strike drawn(Random dice, List<Fault> bag, int begins) {
    if (bag.isEmpty()) {
      bag.addAll(List.of(Fault.values()));
      Collections.shuffle(bag, dice);
    }
    Fault fault = bag.removeLast();
    int lasts = SHORTEST_MILLIS + dice.nextInt(LONGEST_MILLIS - SHORTEST_MILLIS);
    if (fault == Fault.ALL_KILLED) {
      lasts = SHORTEST_WITH_ALL_GONE + dice.nextInt(SHORTEST_MILLIS);
    }
    String led = dice.nextInt(5) == 0 ? "" : LED.get(dice.nextInt(LED.size()));
    return new Strike(fault, led, dice.nextInt(Cluster.NODES), begins, begins + lasts);
  }
}
