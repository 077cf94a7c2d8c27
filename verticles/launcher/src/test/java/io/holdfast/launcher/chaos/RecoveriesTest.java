package io.holdfast.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.chaos.Plan.Fault;
import io.holdfast.launcher.chaos.Recoveries.Happened;
import io.holdfast.launcher.chaos.Recoveries.Line;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecoveriesTest {

  private final Recoveries recoveries =
      new Recoveries(
          Map.of("PAYMENTS", new long[] {100, 200, 1_700, 9_000}, "ORDERS", new long[] {50}));

  @Test
  void it_is_the_time_to_the_first_message_of_the_targets_own_after_it_could_work_again() {
    List<Line> lines =
        recoveries.lines(
            List.of(
                happened(FaultKind.KILL, "payments", 1_000),
                happened(FaultKind.KILL, "payments", 8_990)));

    assertThat(lines).hasSize(1);
    assertThat(lines.getFirst().times()).isEqualTo(2);
    assertThat(lines.getFirst().millis()).containsExactly(10L, 700L);
    assertThat(lines.getFirst().percentile(50)).hasValue(10);
    assertThat(lines.getFirst().percentile(100)).hasValue(700);
  }

  @Test
  void nothing_stored_afterwards_is_no_recovery() {
    Line line = recoveries.lines(List.of(happened(FaultKind.PAUSE, "orders", 60))).getFirst();

    assertThat(line.millis()).isEmpty();
    assertThat(line.percentile(50)).isEmpty();
  }

  private static Happened happened(FaultKind kind, String target, long backAt) {
    return new Happened(new Fault(Duration.ZERO, kind, target, Duration.ZERO), backAt);
  }
}
