package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * Goal: whoever is killed comes back soon, whoever cannot live does not keep the machine busy.
 * Method: lives of several lengths, one after the other.
 */
class RestartPolicyTest {

  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration MIDDLING = Duration.ofSeconds(15);
  private static final Duration LONG = Duration.ofSeconds(30);

  private final RestartPolicy policy = new RestartPolicy();

  @Test
  void the_pause_doubles_from_a_tenth_of_a_second_to_five_and_begins_anew_after_a_long_life() {
    long[] expected = {100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000};
    for (long millis : expected) {
      assertThat(policy.afterEnd(MIDDLING, true)).contains(Duration.ofMillis(millis));
    }
    assertThat(policy.afterEnd(LONG, true)).contains(Duration.ofMillis(100));
  }

  @Test
  void who_ends_at_once_five_times_in_a_row_is_left() {
    for (int i = 1; i < RestartPolicy.MAX_AT_ONCE; i++) {
      assertThat(policy.afterEnd(SHORT, true)).isPresent();
    }
    assertThat(policy.afterEnd(SHORT, true)).isEmpty();
  }

  @Test
  void who_is_killed_however_often_comes_back() {
    for (int i = 0; i < 50; i++) {
      assertThat(policy.afterEnd(SHORT, false)).isPresent();
    }
  }

  @Test
  void who_lived_for_a_while_in_between_did_not_end_in_a_row() {
    for (int i = 0; i < 20; i++) {
      Optional<Duration> pause = policy.afterEnd(i % 3 == 2 ? MIDDLING : SHORT, true);
      assertThat(pause).isPresent();
    }
  }
}
