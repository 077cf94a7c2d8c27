package io.holdfast.system.histories;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no history of orders, cancellations, repetitions, gateway faults and crashes breaks a
 * promise. Method: random histories against the real services, two replicas each, over a real
 * broker; a small reference model says which ends are right, the books check I1 to I9. Unlike the
 * simulation it has real concurrency, so a seed repeats the steps, not their interleaving.
 *
 * <p>{@code -Dholdfast.histories=100} runs more, {@code -Dholdfast.histories.seed=N} begins with
 * that one.
 */
class RandomHistoriesTest {

  private static final int HISTORIES = Integer.getInteger("holdfast.histories", 3);
  private static final int STEPS = Integer.getInteger("holdfast.histories.steps", 60);
  private static final int SHRINK_TRIES = 12;

  @TempDir Path folder;

  @Test
  void no_history_breaks_a_promise() {
    long first =
        Long.getLong("holdfast.histories.seed", ThreadLocalRandom.current().nextInt(1_000_000));
    for (int i = 0; i < HISTORIES; i++) {
      long seed = first + i;
      List<Step> history = Step.history(seed, STEPS);
      List<String> wrong = run(history, "history-" + seed);
      if (!wrong.isEmpty()) {
        List<Step> smallest = shrunk(history, seed);
        fail(
            "seed %d:%n  %s%nwith these steps (-Dholdfast.histories.seed=%d):%n  %s",
            seed,
            String.join(System.lineSeparator() + "  ", wrong),
            seed,
            String.join(
                System.lineSeparator() + "  ", smallest.stream().map(Step::toString).toList()));
      }
    }
  }

  private List<String> run(List<Step> history, String name) {
    try (World world = new World(Files.createDirectory(folder.resolve(name)))) {
      for (int at = 0; at < history.size(); at++) {
        world.take(history.get(at), at);
      }
      return world.settleAndCheck();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (AssertionError | RuntimeException notSettled) {
      return List.of(String.valueOf(notSettled));
    }
  }

  /**
   * Leaves out ever smaller parts as long as what is left still fails; some tries only. The first
   * stock stays, as the reference model counts on it.
   */
  private List<Step> shrunk(List<Step> history, long seed) {
    List<Step> smallest = history;
    int tries = 0;
    for (int part = history.size() / 2; part >= 1 && tries < SHRINK_TRIES; part /= 2) {
      for (int from = Step.STOCK; from < smallest.size() && tries < SHRINK_TRIES; tries++) {
        List<Step> less = new ArrayList<>(smallest);
        less.subList(from, Math.min(less.size(), from + part)).clear();
        if (run(less, "shrunk-" + seed + "-" + tries).isEmpty()) {
          from += part;
        } else {
          smallest = less;
        }
      }
    }
    return smallest;
  }
}
