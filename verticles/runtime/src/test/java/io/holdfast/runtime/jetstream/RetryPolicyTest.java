package io.holdfast.runtime.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Goal: waits grow, are spread, and have an end, however long a message has been failing. */
class RetryPolicyTest {

  private static final RetryPolicy POLICY =
      new RetryPolicy(6, Duration.ofMillis(200), Duration.ofSeconds(10));

  @ParameterizedTest
  @CsvSource({
    "1, 200",
    "2, 400",
    "3, 800",
    "6, 6400",
    "7, 10000",
    "62, 10000",
    "64, 10000",
    "2147483647, 10000"
  })
  void a_wait_is_anywhere_up_to_its_bound_which_doubles_up_to_the_cap(int failures, long bound) {
    Random random = new Random(failures);
    List<Long> waits =
        LongStream.generate(() -> POLICY.backoff(failures, random).toMillis())
            .limit(2_000)
            .boxed()
            .toList();

    assertThat(waits).allMatch(wait -> wait >= 1 && wait <= bound);
    // Full jitter: as many in the lowest fifth as in the highest one.
    assertThat(waits).filteredOn(wait -> wait <= bound / 5).hasSizeBetween(300, 500);
    assertThat(waits).filteredOn(wait -> wait > bound * 4 / 5).hasSizeBetween(300, 500);
  }

  @Test
  void no_number_of_failures_and_no_settings_make_it_throw_or_wait_for_nothing() {
    RetryPolicy extreme = new RetryPolicy(1_000, Duration.ofMinutes(1), Duration.ofHours(1));
    RetryPolicy least = new RetryPolicy(1, Duration.ofMillis(1), Duration.ofMillis(1));
    Random random = new Random(1);
    for (int failures :
        new int[] {Integer.MIN_VALUE, -1, 0, 1, 31, 32, 63, 64, Integer.MAX_VALUE}) {
      assertThat(extreme.backoff(failures, random))
          .isBetween(Duration.ofMillis(1), Duration.ofHours(1));
      assertThat(least.backoff(failures, random)).isEqualTo(Duration.ofMillis(1));
    }
  }

  @Test
  void attempts_are_exhausted_at_their_number_not_before() {
    assertThat(POLICY.exhausted(5)).isFalse();
    assertThat(POLICY.exhausted(6)).isTrue();
  }

  @Test
  void a_cap_below_the_base_is_refused_by_the_variables_names() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RetryPolicy(1, Duration.ofMillis(2), Duration.ofMillis(1)))
        .withMessageContaining("RETRY_CAP_MS")
        .withMessageContaining("RETRY_BASE_MS");
  }
}
