package io.holdfast.system.failpoints;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A service that died where it was to.
 *
 * @param recoveryMillis from its death to the first message that its successor got stored or
 *     acknowledged
 */
record Crash(FailPoint point, long recoveryMillis) {

  /** A line for each point, and one for all. */
  static String table(Collection<Crash> crashes) {
    Map<FailPoint, List<Crash>> byPoint =
        crashes.stream().collect(Collectors.groupingBy(Crash::point));
    Stream<String> lines =
        Stream.of(FailPoint.values())
            .map(
                point ->
                    line(
                        point.service(),
                        point.name(),
                        byPoint.getOrDefault(point, List.of()),
                        point.sentence()));
    return Stream.of(
            Stream.of(
                "%-14s%-30s%8s%9s%9s  %s"
                    .formatted("service", "dies at", "crashes", "p50 ms", "max ms", "when")),
            lines,
            Stream.of(line("all", "", List.copyOf(crashes), "")))
        .flatMap(part -> part)
        .collect(Collectors.joining(System.lineSeparator()));
  }

  private static String line(String service, String name, List<Crash> crashes, String sentence) {
    List<Long> sorted = crashes.stream().map(Crash::recoveryMillis).sorted().toList();
    return "%-14s%-30s%8d%9s%9s  %s"
        .formatted(
            service,
            name,
            sorted.size(),
            sorted.isEmpty() ? "-" : sorted.get(sorted.size() / 2),
            sorted.isEmpty() ? "-" : sorted.getLast(),
            sentence);
  }
}
