package io.holdfast.runtime.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Goal: what comes back gets a little at first, and never more because of what fails. */
class RampTest {

  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  /** As System.nanoTime does, it may begin anywhere. */
  private static final long START = Long.MAX_VALUE - SECOND;

  private final Ramp ramp = new Ramp(Duration.ofSeconds(1));

  @Test
  void without_an_outage_there_is_no_limit() {
    assertThat(ramp.limit(START)).isEqualTo(Integer.MAX_VALUE);
    ramp.failed(START);
    assertThat(ramp.limit(START)).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void it_doubles_each_second_until_it_is_no_limit_any_more() {
    ramp.hold();
    ramp.go(START);

    List<Integer> limits = new ArrayList<>();
    for (int second = 0; second <= 12; second++) {
      limits.add(ramp.limit(START + second * SECOND));
    }

    assertThat(limits)
        .containsExactly(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, Integer.MAX_VALUE);
  }

  @Test
  void however_long_the_outage_is_it_begins_with_one() {
    ramp.hold();
    assertThat(ramp.limit(START + 3_600 * SECOND)).isEqualTo(1);
    ramp.go(START + 3_600 * SECOND);
    assertThat(ramp.limit(START + 3_600 * SECOND)).isEqualTo(1);
    assertThat(ramp.limit(START + 3_601 * SECOND)).isEqualTo(2);
  }

  @Test
  void a_failure_halves_it_and_it_grows_from_there() {
    ramp.hold();
    ramp.go(START);
    for (int second = 1; second <= 3; second++) {
      ramp.limit(START + second * SECOND);
    }
    assertThat(ramp.limit(START + 4 * SECOND)).isEqualTo(16);

    ramp.failed(START + 4 * SECOND + SECOND / 2);

    assertThat(ramp.limit(START + 4 * SECOND + SECOND / 2)).isEqualTo(8);
    assertThat(ramp.limit(START + 5 * SECOND)).isEqualTo(8);
    assertThat(ramp.limit(START + 5 * SECOND + SECOND / 2)).isEqualTo(16);
  }

  @Test
  void it_never_falls_below_one() {
    ramp.hold();
    ramp.go(START);
    ramp.failed(START);
    ramp.failed(START);
    assertThat(ramp.limit(START)).isEqualTo(1);
  }

  @Test
  void another_outage_begins_it_anew() {
    ramp.hold();
    ramp.go(START);
    assertThat(ramp.limit(START + 9 * SECOND)).as("after a long silence").isEqualTo(2);
    ramp.hold();
    ramp.failed(START + 9 * SECOND);
    ramp.go(START + 10 * SECOND);
    assertThat(ramp.limit(START + 11 * SECOND)).isEqualTo(2);
  }
}
