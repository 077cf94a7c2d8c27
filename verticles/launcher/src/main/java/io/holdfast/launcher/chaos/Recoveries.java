package io.holdfast.launcher.chaos;

import io.holdfast.launcher.chaos.Plan.Fault;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * How long what was broken took to do its work again: from when it could (the process was started,
 * the fault was over) to the first message that it stored after that.
 *
 * @param storedAt when each stream's messages were stored, in milliseconds of the epoch and in
 *     order
 */
public record Recoveries(Map<String, long[]> storedAt) {

  /**
   * A fault that has happened.
   *
   * @param backAt milliseconds of the epoch from which its target could work again
   */
  public record Happened(Fault fault, long backAt) {}

  /**
   * One line of the report.
   *
   * @param millis sorted; those after which the target stored something
   */
  public record Line(FaultKind kind, String target, int times, List<Long> millis) {

    /** Empty if nothing was stored after any of them. */
    public OptionalLong percentile(int percent) {
      return millis.isEmpty()
          ? OptionalLong.empty()
          : OptionalLong.of(millis.get((millis.size() - 1) * percent / 100));
    }
  }

  /** The stream that a target's work shows in. */
  static String stream(String target) {
    return switch (target) {
      case "inventory" -> "INVENTORY";
      case "payments", Plan.GATEWAY -> "PAYMENTS";
      case "notifications" -> "NOTIFICATIONS";
      case "audit" -> "AUDIT";
      default -> "ORDERS"; // the service, and the brokers
    };
  }

  /** By kind and target. */
  public List<Line> lines(List<Happened> faults) {
    Map<FaultKind, Map<String, List<Happened>>> groups = new EnumMap<>(FaultKind.class);
    for (Happened happened : faults) {
      groups
          .computeIfAbsent(happened.fault().kind(), kind -> new TreeMap<>())
          .computeIfAbsent(happened.fault().target(), target -> new ArrayList<>())
          .add(happened);
    }
    return groups.values().stream()
        .flatMap(targets -> targets.values().stream())
        .map(this::line)
        .toList();
  }

  private Line line(List<Happened> alike) {
    Fault fault = alike.getFirst().fault();
    List<Long> millis =
        fault.kind() == FaultKind.DUPLICATE // it goes on working meanwhile
            ? List.of()
            : alike.stream()
                .map(h -> recovery(h.backAt(), fault.target()))
                .filter(OptionalLong::isPresent)
                .map(OptionalLong::getAsLong)
                .sorted()
                .toList();
    return new Line(fault.kind(), fault.target(), alike.size(), millis);
  }

  private OptionalLong recovery(long backAt, String target) {
    long[] times = storedAt.getOrDefault(stream(target), new long[0]);
    int at = Arrays.binarySearch(times, backAt);
    int next = at >= 0 ? at : -at - 1;
    return next < times.length ? OptionalLong.of(times[next] - backAt) : OptionalLong.empty();
  }
}
