package io.holdfast.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.chaos.Plan.Fault;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {

  private static final Set<FaultKind> ALL = EnumSet.allOf(FaultKind.class);
  private static final Set<FaultKind> ONE_BROKER =
      EnumSet.complementOf(EnumSet.of(FaultKind.CLUSTER));

  @Test
  void the_same_seed_gives_the_same_plan_and_another_one_another() {
    Plan plan = Plan.of(7, Duration.ofMinutes(3), ALL);

    assertThat(Plan.of(7, Duration.ofMinutes(3), ALL)).isEqualTo(plan);
    assertThat(Plan.of(8, Duration.ofMinutes(3), ALL)).isNotEqualTo(plan);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void three_minutes_hold_at_least_forty_kills_over_all_services_and_the_broker(long seed) {
    List<Fault> kills =
        Plan.of(seed, Duration.ofMinutes(3), ONE_BROKER).faults().stream()
            .filter(fault -> fault.kind() == FaultKind.KILL)
            .toList();

    assertThat(kills).hasSizeGreaterThanOrEqualTo(40);
    Set<String> targets = new HashSet<>(Plan.SERVICES);
    targets.add(Plan.BROKER);
    targets.add(Plan.GATEWAY);
    assertThat(kills).extracting(Fault::target).containsAll(targets);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void every_fault_is_over_when_the_time_is(long seed) {
    Duration length = Duration.ofSeconds(90);

    assertThat(Plan.of(seed, length, ALL).faults())
        .allSatisfy(fault -> assertThat(fault.end()).isLessThanOrEqualTo(length));
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void a_kind_that_is_asked_for_alone_is_the_only_one(FaultKind kind) {
    assertThat(Plan.of(1, Duration.ofMinutes(2), EnumSet.of(kind)).faults())
        .isNotEmpty()
        .extracting(Fault::kind)
        .containsOnly(kind);
  }

  @Test
  void a_cluster_has_no_single_broker_to_break() {
    assertThat(Plan.of(1, Duration.ofMinutes(10), ALL).faults())
        .extracting(Fault::target)
        .doesNotContain(Plan.BROKER)
        .containsAll(Plan.NODES);
  }
}
