package io.holdfast.launcher.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the ramp ends at the highest rate that is borne. Method: made-up systems of a known limit.
 */
class KneeTest {

  private static final long FINE = 3_000;
  private static final Knee.Limits LIMITS = new Knee.Limits(500_000, 0.01, 1);

  @ParameterizedTest
  @ValueSource(doubles = {1.5, 7, 99, 100, 101, 740, 4_321, 60_000})
  void it_comes_near_the_limit_from_below_in_a_few_steps(double limit) {
    Knee knee =
        search(
            rate -> result(rate, 0, FINE, rate <= limit ? (long) (rate / 100) : 2 * (long) rate));

    assertThat(knee.held()).isBetween(limit / 1.11, limit);
    assertThat(knee.steps()).hasSizeLessThan(20);
  }

  @Test
  void a_limit_is_seen_by_errors_by_latency_or_by_a_backlog() {
    assertThat(search(rate -> result(rate, rate > 300 ? rate * 0.02 : 0, FINE, 0)).steps())
        .anySatisfy(step -> assertThat(step.problem()).contains("2.0 % errors"));
    assertThat(search(rate -> result(rate, 0, rate > 300 ? 700_000 : FINE, 0)).steps())
        .anySatisfy(step -> assertThat(step.problem()).contains("p99 700 ms"));
    assertThat(search(rate -> result(rate, 0, FINE, rate > 300 ? (long) (rate * 3) : 0)).steps())
        .anySatisfy(step -> assertThat(step.problem()).contains("3.0 s behind"));
  }

  @Test
  void a_cold_start_is_not_taken_for_the_limit() {
    AtomicInteger tries = new AtomicInteger();
    Knee knee =
        search(
            rate -> result(rate, 0, FINE, tries.incrementAndGet() <= 3 || rate > 740 ? 9_999 : 0));

    assertThat(knee.held()).isBetween(740 / 1.11, 740.0);
  }

  @Test
  void where_nothing_holds_it_goes_down_to_one_a_second_and_ends() {
    Knee knee = search(rate -> result(rate, rate, FINE, 0));

    assertThat(knee.held()).isZero();
    assertThat(knee.steps().getLast().rate()).isEqualTo(1);
  }

  @Test
  void what_bears_everything_is_asked_for_no_more_than_the_most() {
    Knee knee = search(rate -> result(rate, 0, FINE, 0));

    assertThat(knee.held()).isEqualTo(100_000);
    assertThat(knee.steps()).allSatisfy(step -> assertThat(step.rate()).isLessThanOrEqualTo(1e5));
  }

  private static Knee search(DoubleFunction<LoadResult> system) {
    Knee knee = new Knee(100, 100_000, LIMITS);
    for (int steps = 0; !knee.found() && steps < 50; steps++) {
      knee.tried(system.apply(knee.next()));
    }
    return knee;
  }

  /** Of one second. */
  private static LoadResult result(double rate, double errors, long p99Micros, long behind) {
    Latency latency = new Latency(1, p99Micros, p99Micros, p99Micros, p99Micros, p99Micros);
    return new LoadResult(
        1,
        (long) rate,
        0,
        0,
        0,
        (long) rate,
        (long) (rate - errors),
        errors == 0 ? Map.of() : Map.of("status 503", (long) Math.ceil(errors)),
        latency,
        latency,
        latency,
        latency,
        latency,
        (long) rate,
        (long) rate,
        0,
        (long) rate,
        1,
        (long) rate,
        1,
        behind,
        (long) rate,
        List.of());
  }
}
