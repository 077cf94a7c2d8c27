package io.holdfast.system.simulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/** Runs schedules, many or one again, and makes a failing one as small as it can. */
final class Simulation {

  /** Runs that the search for a smaller schedule may take, and steps in all of them. */
  private static final int MAX_SHRINKING_RUNS = 4_000;

  private static final long MAX_SHRINKING_STEPS = 400_000;

  private final Function<Choices, Scenario> scenarios;
  private final Wiring wiring;

  /**
   * @param scenarios the world of a schedule; it may itself depend on choices
   */
  Simulation(Function<Choices, Scenario> scenarios, Wiring wiring) {
    this.scenarios = scenarios;
    this.wiring = wiring;
  }

  /** Any world, soundly wired unless told otherwise. */
  static Simulation any(Wiring wiring) {
    return new Simulation(choices -> Scenario.any(choices, ""), wiring);
  }

  /** What came of one schedule. */
  record Run(World world, Choices choices, List<String> violations) {}

  /** A schedule in which something is wrong: the seed that found it, and all its choices. */
  static final class Failure {
    private final long seed;
    private final int[] choices;
    private final List<String> violations;

    Failure(long seed, int[] choices, List<String> violations) {
      this.seed = seed;
      this.choices = choices;
      this.violations = violations;
    }

    long seed() {
      return seed;
    }

    List<String> violations() {
      return violations;
    }
  }

  Run run(Choices choices) {
    return run(choices, false);
  }

  /** The same, with everything that happens written down. */
  Run told(Choices choices) {
    return run(choices, true);
  }

  private Run run(Choices choices, boolean tell) {
    World world = new World(scenarios.apply(choices), choices, wiring);
    if (tell) {
      world.timeline().tell();
    }
    boolean atRest = world.run();
    return new Run(world, choices, Verdict.on(world, atRest));
  }

  /**
   * Runs one schedule per seed on as many threads as there are processors.
   *
   * @param enough when to stop, asked before each
   * @return the failure with the lowest seed among those that were run, or null
   */
  Failure search(long firstSeed, long schedules, BooleanSupplier enough, AtomicLong count) {
    AtomicLong next = new AtomicLong(firstSeed);
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<Failure> found = new AtomicReference<>();
    Runnable work =
        () -> {
          while (!stop.get() && !enough.getAsBoolean()) {
            long seed = next.getAndIncrement();
            if (seed >= firstSeed + schedules) {
              return;
            }
            Run run = run(Choices.seeded(seed));
            count.incrementAndGet();
            if (!run.violations().isEmpty()) {
              stop.set(true);
              Failure failure = new Failure(seed, run.choices().taken(), run.violations());
              found.accumulateAndGet(failure, (a, b) -> a == null || b.seed() < a.seed() ? b : a);
            }
          }
        };
    onAllProcessors(work);
    return found.get();
  }

  /** Runs the same on as many threads as there are processors, until all have done. */
  static void onAllProcessors(Runnable work) {
    AtomicReference<Throwable> broken = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
      threads.add(
          Thread.ofPlatform()
              .name("simulation-" + i)
              .uncaughtExceptionHandler((thread, failure) -> broken.set(failure))
              .start(work));
    }
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    if (broken.get() != null) {
      throw new AssertionError("the simulation itself failed", broken.get());
    }
  }

  /**
   * A smaller schedule that breaks the same invariant: decisions left out or made the plain way, as
   * long as it still fails.
   */
  Failure smaller(Failure failure) {
    String invariant = failure.violations().getFirst().substring(0, 2);
    Shrinking shrinking = new Shrinking(failure, invariant);
    while (shrinking.round()) {}
    return shrinking.best;
  }

  private final class Shrinking {
    private final String invariant;
    private Failure best;
    private int runs;
    private long steps;

    Shrinking(Failure failure, String invariant) {
      this.best = failure;
      this.invariant = invariant;
    }

    /** Whether anything became smaller. */
    boolean round() {
      int before = weight(best.choices);
      int length = best.choices.length;
      for (int size = Math.max(1, length / 2); size >= 1; size /= 2) {
        for (int from = best.choices.length - size; from >= 0; from -= size) {
          if (!plainFrom(from, size)) {
            without(from, size);
          }
        }
      }
      for (int at = best.choices.length - 1; at >= 0; at--) {
        lower(at);
        for (int more = 1; more <= 3; more++) {
          plainWithout(at, more);
        }
      }
      return mayGoOn() && weight(best.choices) < before;
    }

    private boolean plainFrom(int from, int size) {
      if (from + size > best.choices.length) {
        return false;
      }
      int[] fewer = best.choices.clone();
      Arrays.fill(fewer, from, from + size, 0);
      return tryOut(fewer);
    }

    private void without(int from, int size) {
      int[] all = best.choices;
      if (from + size > all.length) {
        return;
      }
      int[] fewer = new int[all.length - size];
      System.arraycopy(all, 0, fewer, 0, from);
      System.arraycopy(all, from + size, fewer, from, all.length - from - size);
      tryOut(fewer);
    }

    /** A fault that does not happen takes the decisions with it that say how it happens. */
    private void plainWithout(int at, int more) {
      int[] all = best.choices;
      if (at + more >= all.length || all[at] == 0) {
        return;
      }
      int[] fewer = new int[all.length - more];
      System.arraycopy(all, 0, fewer, 0, at);
      System.arraycopy(all, at + 1 + more, fewer, at + 1, all.length - at - 1 - more);
      tryOut(fewer);
    }

    private void lower(int at) {
      while (at < best.choices.length && best.choices[at] > 1) {
        int[] fewer = best.choices.clone();
        fewer[at]--;
        if (!tryOut(fewer)) {
          return;
        }
      }
    }

    private boolean mayGoOn() {
      return runs < MAX_SHRINKING_RUNS && steps < MAX_SHRINKING_STEPS;
    }

    private boolean tryOut(int[] candidate) {
      if (!mayGoOn() || weight(candidate) >= weight(best.choices)) {
        return false;
      }
      runs++;
      Run run = run(Choices.scripted(candidate));
      steps += run.world().timeline().steps();
      int[] taken = run.choices().taken();
      boolean same = run.violations().stream().anyMatch(v -> v.startsWith(invariant));
      if (!same || weight(taken) >= weight(best.choices)) {
        return false;
      }
      best = new Failure(best.seed(), taken, run.violations());
      return true;
    }
  }

  /** A schedule is smaller if less in it is out of the plain way, and then if it is shorter. */
  private static int weight(int[] choices) {
    int weight = choices.length;
    for (int choice : choices) {
      weight += choice == 0 ? 0 : 1_000 + choice;
    }
    return weight;
  }

  /** A failure for a person: how to repeat it, what is wrong, and what happened. */
  String story(Failure failure) {
    Run run = told(Choices.scripted(failure.choices));
    StringBuilder story = new StringBuilder();
    run.violations().forEach(violation -> story.append(violation).append('\n'));
    story.append("repeat with -Dholdfast.simulation.seed=").append(failure.seed()).append('\n');
    story.append("the world: ").append(run.world().scenario()).append('\n');
    story.append("what went wrong in it: ").append(run.world().faults().happened()).append('\n');
    run.world().timeline().story().forEach(line -> story.append(line).append('\n'));
    return story.toString();
  }
}
