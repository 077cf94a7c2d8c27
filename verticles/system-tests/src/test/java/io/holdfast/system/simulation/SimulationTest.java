package io.holdfast.system.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.holdfast.system.simulation.Simulation.Failure;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/**
 * Goal: no schedule breaks a promise, whatever is lost, late, repeated or dies in it. Method: the
 * real flows over models of the broker and the gateway, as many seeds as there is time for.
 *
 * <p>{@code -Dholdfast.simulation.schedules=N} runs so many instead, {@code
 * -Dholdfast.simulation.seed=N} one again, or begins there if both are given.
 */
class SimulationTest {

  private static final long BUDGET_NANOS = 20_000_000_000L;
  private static final long SEED = Long.getLong("holdfast.simulation.seed", 0);
  private static final long SCHEDULES =
      Long.getLong("holdfast.simulation.schedules", SEED == 0 ? Long.MAX_VALUE / 2 : 1);

  private final Simulation simulation = Simulation.any(Wiring.SOUND);

  @Test
  void no_schedule_breaks_a_promise() {
    AtomicLong run = new AtomicLong();
    long begun = System.nanoTime();
    boolean counted = SCHEDULES < Long.MAX_VALUE / 2;
    Failure failure =
        simulation.search(
            Math.max(1, SEED),
            SCHEDULES,
            () -> !counted && System.nanoTime() - begun > BUDGET_NANOS,
            run);
    double seconds = (System.nanoTime() - begun) / 1e9;
    System.out.printf(
        "%,d schedules in %.1f s, %,.0f a minute%n", run.get(), seconds, 60 * run.get() / seconds);
    if (failure != null) {
      fail("%s", simulation.story(simulation.smaller(failure)));
    }
    assertThat(run.get()).as("schedules that were run").isPositive();
  }

  @Test
  void the_same_seed_gives_the_same_run() {
    for (long seed = 1; seed <= 50; seed++) {
      assertThat(told(Choices.seeded(seed))).as("seed %d", seed).isEqualTo(repeated(seed));
    }
  }

  /** By its written choices instead of its seed. */
  private List<String> repeated(long seed) {
    int[] choices = simulation.run(Choices.seeded(seed)).choices().taken();
    return told(Choices.scripted(Arrays.copyOf(choices, choices.length)));
  }

  private List<String> told(Choices choices) {
    return simulation.told(choices).world().timeline().story();
  }
}
