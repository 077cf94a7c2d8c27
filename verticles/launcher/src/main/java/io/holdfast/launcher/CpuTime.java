package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import java.util.Map;

/** What processes have used of the processor, by the operating system's account. */
final class CpuTime {

  private CpuTime() {}

  static void report(Map<String, Double> before, Map<String, Double> after, int orders) {
    if (orders == 0) {
      return;
    }
    StringBuilder line = new StringBuilder();
    double sum = 0;
    for (Map.Entry<String, Double> entry : after.entrySet()) {
      double used = entry.getValue() - before.getOrDefault(entry.getKey(), 0.0);
      sum += used;
      line.append(String.format("  %s %.1f", entry.getKey(), used * 10_000 / orders));
    }
    say("CPU s per 10,000 orders  %.1f:%s", sum * 10_000 / orders, line);
  }
}
