package io.holdfast.launcher.bench;

import static io.holdfast.launcher.bench.Contestant.CEILING;
import static io.holdfast.launcher.bench.Contestant.ONE_JVM;
import static io.holdfast.launcher.bench.Contestant.PEER;
import static io.holdfast.launcher.bench.Contestant.PROCESSES;
import static io.holdfast.launcher.bench.Mode.DURABLE;
import static io.holdfast.launcher.bench.Mode.RELAXED;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What we mean to reach, held against what was measured. Ratios are of medians of one run. */
public final class Targets {

  private static final String RATE = "saturated.orders_per_min";

  private static final long MANY = 1_000_000;

  /** Without the simulator: the peer has its gateway inside, as a call that returns at once. */
  private static final String CPU = "saturated.cpu_s_without_simulator";

  /**
   * A target beside what was measured.
   *
   * @param name such as T1
   * @param what is compared
   * @param found empty if it was not measured
   * @param atLeast whether the limit is the least that will do, rather than the most
   */
  public record Verdict(
      String name, String what, OptionalDouble found, boolean atLeast, double limit) {

    public boolean met() {
      return found.isPresent()
          && (atLeast ? found.getAsDouble() >= limit : found.getAsDouble() <= limit);
    }

    /** {@code met}, {@code not met} or {@code not measured}. */
    public String word() {
      return found.isEmpty() ? "not measured" : met() ? "met" : "not met";
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%-3s %-58s %s %-6s %-7s %s",
          name,
          what,
          atLeast ? ">=" : "<=",
          number(limit),
          found.isPresent() ? number(found.getAsDouble()) : "-",
          word());
    }

    private static String number(double value) {
      return String.format(Locale.ROOT, value >= 100 ? "%.0f" : "%.2f", value);
    }
  }

  private final Figures figures;
  private final List<Verdict> verdicts = new ArrayList<>();

  private Targets(Figures figures) {
    this.figures = figures;
  }

  /** Every target, those that were not measured too. */
  public static List<Verdict> judge(Figures figures) {
    Targets targets = new Targets(figures);
    targets.againstThePeer();
    targets.againstTheCeiling();
    targets.latency();
    targets.service();
    return List.copyOf(targets.verdicts);
  }

  private void againstThePeer() {
    least(
        "T1", "orders/min, processes : peer", 1.3, ratio(PROCESSES, RELAXED, PEER, RELAXED, RATE));
    least("T1", "orders/min, one JVM : peer", 1.5, ratio(ONE_JVM, RELAXED, PEER, RELAXED, RATE));
    most(
        "T1",
        "CPU per order, processes : peer",
        0.9,
        ratio(PROCESSES, RELAXED, PEER, RELAXED, CPU));
    most("T1", "CPU per order, one JVM : peer", 0.75, ratio(ONE_JVM, RELAXED, PEER, RELAXED, CPU));
    for (Contestant ours : List.of(PROCESSES, ONE_JVM)) {
      least(
          "T2",
          "durable orders/min, " + ours.title() + " : durable peer",
          8,
          ratio(ours, DURABLE, PEER, DURABLE, RATE));
      least(
          "T2",
          "orders/min, " + ours.title() + ", durable : relaxed",
          0.6,
          ratio(ours, DURABLE, ours, RELAXED, RATE));
    }
  }

  private void againstTheCeiling() {
    for (Contestant ours : List.of(PROCESSES, ONE_JVM)) {
      least(
          "T3",
          "orders/min, " + ours.title() + " : bare chain",
          0.45,
          ratio(ours, RELAXED, CEILING, RELAXED, RATE));
    }
  }

  private void latency() {
    for (Contestant ours : List.of(PROCESSES, ONE_JVM)) {
      for (Mode mode : Mode.values()) {
        String where = ", " + ours.title() + ", " + mode.word();
        most("T4", "ms to confirmed, p50" + where, 3, median(ours, mode, "paced.confirmed_p50_ms"));
        most(
            "T4", "ms to confirmed, p99" + where, 12, median(ours, mode, "paced.confirmed_p99_ms"));
        most("T4", "ms of a lone order" + where, 5, median(ours, mode, "lone.confirmed_p50_ms"));
      }
    }
  }

  /** Of all services the worst. */
  private void service() {
    most("T5", "CPU per order with 1,000,000 stored : with few", 1.15, growth());
    most("T6", "ms from start to ready, slowest service", 1_200, worst("start.ready_ms"));
    most("T6", "MiB resident at 10,000 orders/min, largest service", 160, worst("paced.rss_mib"));
    most("T6", "MiB of the largest fat JAR", 20, worst("start.jar_mib"));
  }

  /** Of as many orders as the target is about, not of fewer. */
  private OptionalDouble growth() {
    return median(PROCESSES, RELAXED, "many_stored.orders").orElse(0) >= MANY
        ? median(PROCESSES, RELAXED, "many_stored.cpu_s_without_simulator_growth")
        : OptionalDouble.empty();
  }

  private OptionalDouble worst(String figure) {
    return List.of(RELAXED, DURABLE).stream()
        .flatMap(
            mode ->
                figures.processes(PROCESSES, mode, figure).stream()
                    .filter(name -> !name.equals("nats-server") && !name.equals("simulator"))
                    .map(name -> figures.median(PROCESSES, mode, figure + "." + name)))
        .flatMapToDouble(OptionalDouble::stream)
        .max();
  }

  private OptionalDouble median(Contestant contestant, Mode mode, String figure) {
    return figures.median(contestant, mode, figure);
  }

  private OptionalDouble ratio(
      Contestant ours, Mode mode, Contestant theirs, Mode theirMode, String figure) {
    OptionalDouble a = median(ours, mode, figure);
    OptionalDouble b = median(theirs, theirMode, figure);
    return a.isPresent() && b.isPresent() && b.getAsDouble() > 0
        ? OptionalDouble.of(a.getAsDouble() / b.getAsDouble())
        : OptionalDouble.empty();
  }

  private void least(String name, String what, double limit, OptionalDouble found) {
    verdicts.add(new Verdict(name, what, found, true, limit));
  }

  private void most(String name, String what, double limit, OptionalDouble found) {
    verdicts.add(new Verdict(name, what, found, false, limit));
  }
}
