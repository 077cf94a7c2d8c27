package io.holdfast.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.bench.Targets.Verdict;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Goal: no target is told as met that was missed, or not measured. Method: figures made up. */
class TargetsTest {

  private final Figures figures = new Figures();

  @Test
  void a_ratio_is_of_medians_and_the_simulator_does_not_count() {
    for (double rate : new double[] {100, 900, 150}) {
      figures.add(Contestant.ONE_JVM, Mode.RELAXED, saturated(rate, 2, 5));
    }
    figures.add(Contestant.PEER, Mode.RELAXED, saturated(100, 4, 0));

    assertThat(verdict("orders/min, one JVM : peer").found()).hasValue(1.5);
    assertThat(verdict("orders/min, one JVM : peer").word()).isEqualTo("met");
    assertThat(verdict("CPU per order, one JVM : peer").found()).hasValue(0.5);
    assertThat(verdict("CPU per order, one JVM : peer").word()).isEqualTo("met");
  }

  @Test
  void what_is_just_missed_is_not_met() {
    figures.add(Contestant.PROCESSES, Mode.RELAXED, saturated(44.9, 1, 0));
    figures.add(Contestant.CEILING, Mode.RELAXED, saturated(100, 1, 0));

    assertThat(verdict("orders/min, processes : bare chain").word()).isEqualTo("not met");
    assertThat(verdict("orders/min, processes : bare chain").toString())
        .contains(">=")
        .endsWith("0.45    not met");
  }

  @Test
  void what_was_not_measured_is_said_so_and_not_met() {
    List<Verdict> verdicts = Targets.judge(figures);

    assertThat(verdicts).isNotEmpty().noneMatch(Verdict::met);
    assertThat(verdicts).extracting(Verdict::word).containsOnly("not measured");
    assertThat(verdicts).extracting(Verdict::name).contains("T1", "T2", "T3", "T4", "T5", "T6");
  }

  @Test
  void growth_is_judged_by_a_million_orders_and_not_by_fewer() {
    String target = "CPU per order with 1,000,000 stored : with few";
    figures.add(Contestant.PROCESSES, Mode.RELAXED, grown(999_999));
    assertThat(verdict(target).word()).isEqualTo("not measured");

    Figures million = new Figures();
    million.add(Contestant.PROCESSES, Mode.RELAXED, grown(1_000_000));
    assertThat(Targets.judge(million))
        .filteredOn(verdict -> verdict.what().equals(target))
        .extracting(Verdict::word)
        .containsExactly("met");
  }

  private static JsonObject grown(long orders) {
    return new JsonObject()
        .put("many_stored.orders", orders)
        .put("many_stored.cpu_s_without_simulator_growth", 1.1);
  }

  @Test
  void the_largest_service_is_the_one_that_counts_and_the_broker_is_none() {
    figures.add(
        Contestant.PROCESSES,
        Mode.DURABLE,
        new JsonObject()
            .put("paced.rss_mib.orders", 120.0)
            .put("paced.rss_mib.audit", 161.0)
            .put("paced.rss_mib.load", 500.0)
            .put("paced.rss_mib.simulator", 400.0)
            .put("paced.rss_mib.nats-server", 900.0));

    assertThat(verdict("MiB resident at 10,000 orders/min, largest service").found()).hasValue(161);
  }

  private Verdict verdict(String what) {
    return Targets.judge(figures).stream()
        .filter(verdict -> verdict.what().equals(what))
        .findFirst()
        .orElseThrow();
  }

  private static JsonObject saturated(double rate, double cpu, double simulator) {
    return Figures.flat(
        Map.of(
            "saturated",
            new JsonObject()
                .put("orders_per_min", rate)
                .put("cpu_s.orders", cpu)
                .put("cpu_s.load", 7.0)
                .put("cpu_s.simulator", simulator)));
  }
}
