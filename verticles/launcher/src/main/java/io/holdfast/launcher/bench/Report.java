package io.holdfast.launcher.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;

/** The figures as a table for each mode: a column for each who took part. */
public final class Report {

  private static final int FIRST = 40;
  private static final int COLUMN = 26;

  private final Figures figures;
  private final Mode mode;
  private final List<Contestant> columns;
  private final List<String> lines = new ArrayList<>();

  private Report(Figures figures, Mode mode) {
    this.figures = figures;
    this.mode = mode;
    this.columns =
        Arrays.stream(Contestant.values()).filter(one -> figures.has(one, mode)).toList();
  }

  /** Lines for a terminal; none if nothing was measured in this mode. */
  public static List<String> of(Figures figures, Mode mode) {
    Report report = new Report(figures, mode);
    if (!report.columns.isEmpty()) {
      report.write();
    }
    return report.lines.stream().filter(line -> !report.headsNothing(line)).toList();
  }

  private void write() {
    StringBuilder head = new StringBuilder(padded("", FIRST));
    columns.forEach(column -> head.append(padded(column.title(), COLUMN)));
    lines.add(head.toString().stripTrailing());
    row("orders/min until the ledger holds all", "saturated.orders_per_min", "%,.0f");
    row("orders/min until all were told", "saturated.told_per_min", "%,.0f");
    ratioToTheCeiling();
    row("refused", "saturated.refused", "%.0f");
    row("others' processors", "saturated.others_cores", "%.2f");
    lines.add("CPU seconds per 10,000 orders");
    row("  all processes", "saturated.cpu_s_all", "%.2f");
    row("  without the simulator", "saturated.cpu_s_without_simulator", "%.2f");
    perProcess("saturated.cpu_s", "%.2f");
    lines.add("KiB allocated per order");
    row("  without the simulator", "saturated.allocated_kib_without_simulator", "%.1f");
    perProcess("saturated.allocated_kib", "%.1f");
    lines.add("per order at the broker");
    row("  messages stored", "saturated.stored_messages", "%.2f");
    row("  bytes stored, the ledger's too", "saturated.stored_bytes", "%,.0f");
    row("  messages in", "saturated.broker_in", "%.1f");
    row("  messages out", "saturated.broker_out", "%.1f");
    lines.add("at 10,000 orders/min");
    row("  accept, p50 ms", "paced.accept_p50_ms", "%.2f");
    row("  accept, p99 ms", "paced.accept_p99_ms", "%.2f");
    row("  to confirmed, p50 ms", "paced.confirmed_p50_ms", "%.2f");
    row("  to confirmed, p99 ms", "paced.confirmed_p99_ms", "%.2f");
    row("  CPU s per 10,000 orders", "paced.cpu_s_without_simulator", "%.2f");
    row("  others' processors", "paced.others_cores", "%.2f");
    row("  MiB resident, without the simulator", "paced.rss_mib_without_simulator", "%.0f");
    perProcess("paced.rss_mib", "%.0f");
    row("a lone order to confirmed, p50 ms", "lone.confirmed_p50_ms", "%.2f");
    lines.add("ms from start to ready");
    perProcess("start.ready_ms", "%.0f");
    compared("with many orders stored", "many_stored");
    compared("with four replicas of each service", "replicas");
  }

  /** A line that the lines below it belong to, of which there are none. */
  private boolean headsNothing(String line) {
    int next = lines.indexOf(line) + 1;
    boolean head = line.length() < FIRST && !line.startsWith(" ");
    return head && (next == lines.size() || !lines.get(next).startsWith("  "));
  }

  private void row(String title, String figure, String form) {
    StringBuilder line = new StringBuilder(padded(title, FIRST));
    boolean any = false;
    for (Contestant column : columns) {
      String cell = figures.of(column, mode, figure).map(spread -> cell(spread, form)).orElse("-");
      any |= !cell.equals("-");
      line.append(padded(cell, COLUMN));
    }
    if (any) {
      lines.add(line.toString().stripTrailing());
    }
  }

  private static String cell(Figures.Spread spread, String form) {
    String median = String.format(Locale.ROOT, form, spread.median());
    String min = String.format(Locale.ROOT, form, spread.min());
    String max = String.format(Locale.ROOT, form, spread.max());
    return min.equals(max) ? median : median + " (" + min + " to " + max + ")";
  }

  private void perProcess(String figure, String form) {
    Set<String> names = new LinkedHashSet<>();
    columns.forEach(column -> names.addAll(figures.processes(column, mode, figure)));
    names.forEach(name -> row("    " + name, figure + "." + name, form));
  }

  /** What a change did to cost and rate; one of its kind is made, after all rounds. */
  private void compared(String title, String what) {
    lines.add(title);
    for (String side : List.of("before", "after")) {
      String step = what + "_" + side + ".";
      row("  orders/min, " + side, step + "orders_per_min", "%,.0f");
      row("  CPU s per 10,000, " + side, step + "cpu_s_without_simulator", "%.2f");
      row("    nats-server", step + "cpu_s.nats-server", "%.2f");
      row("  broker's MiB, " + side, step + "rss_mib.nats-server", "%,.0f");
    }
    row("  CPU per order, after : before", what + ".cpu_s_without_simulator_growth", "%.2f");
    row("  orders/min, after : before", what + ".orders_per_min_growth", "%.2f");
  }

  private void ratioToTheCeiling() {
    OptionalDouble ceiling = figures.median(Contestant.CEILING, mode, "saturated.orders_per_min");
    if (ceiling.isEmpty()) {
      return;
    }
    StringBuilder line = new StringBuilder(padded("of the bare chain's", FIRST));
    for (Contestant column : columns) {
      OptionalDouble rate = figures.median(column, mode, "saturated.orders_per_min");
      line.append(
          padded(
              rate.isPresent()
                  ? String.format(Locale.ROOT, "%.2f", rate.getAsDouble() / ceiling.getAsDouble())
                  : "-",
              COLUMN));
    }
    lines.add(line.toString().stripTrailing());
  }

  private static String padded(String text, int width) {
    return text.length() >= width ? text + " " : text + " ".repeat(width - text.length());
  }
}
