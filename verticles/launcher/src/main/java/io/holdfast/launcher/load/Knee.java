package io.holdfast.launcher.load;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Searches the highest rate that a system bears: twice as much at each step until it is too much,
 * then between what held and what did not. What was too much is tried once more at the end, as a
 * system that has only just started bears little. Knows no clock and no system.
 */
public final class Knee {

  /** Near enough. */
  private static final double EXACT = 1.1;

  private static final double LEAST = 1;

  private final Limits limits;
  private final List<Step> steps = new ArrayList<>();
  private final double most;
  private double next;
  private double held;
  private double tooMuch = Double.POSITIVE_INFINITY;
  private boolean certain; // that it was, as it was tried twice

  /**
   * What must hold for a rate to be borne.
   *
   * @param p99Micros of the time from when a request is due to its 202
   * @param errorShare of the requests
   * @param secondsBehind orders that may be under way when the last customer has come, in seconds'
   *     worth of the rate: more of them is a backlog that grows
   */
  public record Limits(long p99Micros, double errorShare, double secondsBehind) {}

  /**
   * @param problem why the rate was too much; empty if it held
   */
  public record Step(double rate, LoadResult result, Optional<String> problem) {}

  /**
   * @param first a second, to begin with
   * @param most that is tried
   */
  public Knee(double first, double most, Limits limits) {
    this.next = Math.min(first, most);
    this.most = most;
    this.limits = limits;
  }

  /** Whether there is nothing more to try. */
  public boolean found() {
    return (near() && certain) || held >= most || tooMuch <= LEAST;
  }

  private boolean near() {
    return held > 0 && tooMuch / held < EXACT;
  }

  /** The rate to try next, a second. */
  public double next() {
    return next;
  }

  /** What came of it. */
  public Step tried(LoadResult result) {
    Step step = new Step(next, result, problem(result, next));
    steps.add(step);
    if (step.problem().isEmpty()) {
      held = next;
      tooMuch = held < tooMuch ? tooMuch : Double.POSITIVE_INFINITY;
    } else {
      certain = next == tooMuch;
      tooMuch = next;
    }
    if (tooMuch == Double.POSITIVE_INFINITY) {
      next = Math.min(most, held * 2);
    } else if (near()) {
      next = tooMuch;
    } else {
      next = held == 0 ? Math.max(LEAST, tooMuch / 2) : Math.sqrt(held * tooMuch);
    }
    return step;
  }

  /** The highest rate that held, a second; 0 if none did. */
  public double held() {
    return held;
  }

  public List<Step> steps() {
    return List.copyOf(steps);
  }

  private Optional<String> problem(LoadResult result, double rate) {
    if (result.errorShare() > limits.errorShare()) {
      return Optional.of("%.1f %% errors".formatted(result.errorShare() * 100));
    }
    if (result.accept().p99() > limits.p99Micros()) {
      return Optional.of("p99 %s ms".formatted(Latency.millis(result.accept().p99())));
    }
    double behind = result.behind() / rate;
    if (behind > limits.secondsBehind()) {
      return Optional.of("%.1f s behind".formatted(behind));
    }
    return Optional.empty();
  }
}
