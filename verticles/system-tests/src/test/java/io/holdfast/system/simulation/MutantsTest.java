package io.holdfast.system.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.system.simulation.Simulation.Failure;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: the simulation can fail. Method: every guard that the system rests on is taken away, one at
 * a time; some schedule must show what it was for, and name it in the words of the invariants.
 */
class MutantsTest {

  /** Many times what the one needs that hides best. */
  private static final long SCHEDULES = 2_000;

  @ParameterizedTest
  @EnumSource
  void a_missing_guard_is_noticed(Mutant mutant) {
    Simulation simulation = Simulation.any(mutant);
    Failure found = simulation.search(1, SCHEDULES, () -> false, new AtomicLong());
    assertThat(found).as("what %s breaks within %d schedules", mutant, SCHEDULES).isNotNull();

    Failure smallest = simulation.smaller(found);
    String story = simulation.story(smallest);
    System.out.printf("%s: found by seed %d%n%s%n", mutant, found.seed(), story);
    assertThat(smallest.violations())
        .as(story)
        .anyMatch(violation -> violation.startsWith(guarded(mutant) + " "));
  }

  @Test
  void with_all_guards_in_place_the_same_schedules_are_sound() {
    Failure found =
        Simulation.any(Wiring.SOUND).search(1, SCHEDULES, () -> false, new AtomicLong());
    assertThat(found).isNull();
  }

  /** The invariant that the guard is for. */
  private static String guarded(Mutant mutant) {
    return switch (mutant) {
      case APPEND_WITHOUT_ITS_GUARD, RELEASE_NOT_SEEN -> "I8";
      case STOCK_LEVELS_WITHOUT_THEIR_GUARD,
          LEVEL_OF_A_LONE_ORDER_WITHOUT_ITS_GUARD,
          RESERVATION_APART_FROM_ITS_LEVELS,
          HOLDS_NOT_WRITTEN_DOWN,
          HOLDS_NOT_GIVEN_BACK ->
          "I4";
      case PAYMENT_NOT_VOIDED,
          IDEMPOTENCY_KEY_PER_ATTEMPT,
          NO_REFUND_AFTER_A_LOST_RACE,
          CHARGE_NOT_REVERSED_BY_A_REDELIVERY,
          REVERSAL_THAT_LEAVES_THE_KEY_FREE ->
          "I3";
      case NO_TOMBSTONE_BEFORE_A_RESERVATION,
          ACKNOWLEDGED_BEFORE_THE_EFFECT,
          GIVEN_UP_AT_THE_FIRST_FAILURE,
          CONFLICT_TAKEN_FOR_SUCCESS ->
          "I7";
      case FAILED_BATCH_TAKEN_FOR_STORED -> "I2";
    };
  }
}
