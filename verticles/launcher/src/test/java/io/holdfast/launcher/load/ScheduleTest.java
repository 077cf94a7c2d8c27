package io.holdfast.launcher.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: customers come by the clock alone. Method: the times of many, at odd rates. */
class ScheduleTest {

  private static final long BEGIN = 7_000_000_007L;

  @Test
  void customers_come_at_even_distances_from_the_beginning_on() {
    Schedule schedule = new Schedule(BEGIN, 4);

    assertThat(schedule.due(0)).isEqualTo(BEGIN);
    assertThat(schedule.due(1)).isEqualTo(BEGIN + 250_000_000);
    assertThat(schedule.due(4)).isEqualTo(BEGIN + 1_000_000_000);
    assertThat(schedule.dueBy(BEGIN - 1)).isZero();
    assertThat(schedule.dueBy(BEGIN)).isEqualTo(1);
    assertThat(schedule.dueBy(BEGIN + 999_999_999)).isEqualTo(4);
    assertThat(schedule.dueBy(BEGIN + 1_000_000_000)).isEqualTo(5);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 1, 3, 166.66666666666666, 999.9, 12_345.678, 100_000})
  void nobody_is_forgotten_and_nobody_comes_too_soon(double perSecond) {
    Schedule schedule = new Schedule(BEGIN, perSecond);
    for (long number = 0; number < 3_000_000; number += 997) {
      long due = schedule.due(number);
      assertThat(schedule.dueBy(due)).isEqualTo(number + 1);
      assertThat(schedule.dueBy(due - 1)).isEqualTo(number);
    }
  }
}
