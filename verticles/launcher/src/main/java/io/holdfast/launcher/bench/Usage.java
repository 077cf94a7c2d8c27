package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What processes have used of the processor up to a moment, by the operating system's account.
 *
 * @param nanos the moment, {@link System#nanoTime}
 * @param cpuSeconds by the processes' names
 * @param machineSeconds of all processes of the machine together; NaN where the system does not
 *     tell
 */
public record Usage(long nanos, Map<String, Double> cpuSeconds, double machineSeconds) {

  private static final double TICKS_PER_SECOND = 100; // of /proc/stat, on every Linux

  static Usage of(Map<String, Long> pids) {
    return new Usage(System.nanoTime(), cpuSeconds(pids), machine());
  }

  /** CPU seconds by name; those that the system does not tell are left out. */
  public static Map<String, Double> cpuSeconds(Map<String, Long> pids) {
    Map<String, Double> seconds = new LinkedHashMap<>();
    pids.forEach(
        (name, pid) ->
            ProcessHandle.of(pid)
                .flatMap(process -> process.info().totalCpuDuration())
                .map(Duration::toMillis)
                .ifPresent(millis -> seconds.put(name, millis / 1_000.0)));
    return seconds;
  }

  private double secondsSince(Usage before) {
    return (nanos - before.nanos) / 1e9;
  }

  /** CPU seconds by process since then; only those that lived at both moments. */
  private Map<String, Double> usedSince(Usage before) {
    Map<String, Double> used = new LinkedHashMap<>();
    cpuSeconds.forEach(
        (name, now) -> {
          Double then = before.cpuSeconds.get(name);
          if (then != null) {
            used.put(name, now - then);
          }
        });
    return used;
  }

  /** How many processors others, who are none of these, kept busy meanwhile. */
  private double othersSince(Usage before) {
    double ours = usedSince(before).values().stream().mapToDouble(Double::doubleValue).sum();
    return Math.max(0, (machineSeconds - before.machineSeconds - ours) / secondsSince(before));
  }

  /** Puts down how fast so many orders were since then, and what they took. */
  void report(JsonObject figures, Usage before, long orders) {
    double seconds = secondsSince(before);
    figures.put("seconds", seconds).put("orders_per_min", orders * 60 / seconds);
    double others = othersSince(before);
    if (!Double.isNaN(others)) {
      figures.put("others_cores", others);
    }
    usedSince(before).forEach((name, used) -> figures.put("cpu_s." + name, used * 10_000 / orders));
  }

  /** Memory that is in use now, in MiB; those that the system does not tell are left out. */
  static Map<String, Double> resident(Map<String, Long> pids) {
    Map<String, Double> resident = new LinkedHashMap<>();
    pids.forEach(
        (name, pid) -> {
          try {
            Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .findFirst()
                .ifPresent(
                    line -> resident.put(name, Long.parseLong(line.split("\\s+", -1)[1]) / 1024.0));
          } catch (IOException gone) {
            // as on a system without /proc
          }
        });
    return resident;
  }

  private static double machine() {
    try {
      String[] fields = Files.readAllLines(Path.of("/proc/stat")).getFirst().split("\\s+", -1);
      double ticks = 0;
      for (int i = 1; i <= 8; i++) {
        if (i != 4 && i != 5) { // idle, and waiting for a disk
          ticks += Long.parseLong(fields[i]);
        }
      }
      return ticks / TICKS_PER_SECOND;
    } catch (IOException elsewhere) {
      return Double.NaN;
    }
  }
}
