package io.holdfast.system.simulation;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/** How much may go wrong in one schedule. When that is used up, nothing more does. */
final class Faults {

  private final Choices choices;
  private final Set<Fault> kinds;
  private final int in;
  private final Map<Fault, Integer> happened = new EnumMap<>(Fault.class);
  private int left;

  /**
   * @param budget faults in all
   * @param in one in so many places where something can go wrong does
   */
  Faults(Choices choices, Set<Fault> kinds, int budget, int in) {
    this.choices = choices;
    this.kinds = kinds;
    this.left = budget;
    this.in = in;
  }

  /** Whether this goes wrong here and now. */
  boolean happens(Fault fault) {
    return happens(fault, in);
  }

  /** The same for what could happen far more often than the others. */
  boolean happensRarely(Fault fault) {
    return happens(fault, 8 * in);
  }

  private boolean happens(Fault fault, int in) {
    if (left == 0 || !kinds.contains(fault) || !choices.once(in)) {
      return false;
    }
    left--;
    happened.merge(fault, 1, Integer::sum);
    return true;
  }

  Map<Fault, Integer> happened() {
    return happened;
  }
}
