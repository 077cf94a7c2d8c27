package io.holdfast.audit.domain;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * How far the ledger is in each audited stream: the last sequence that it holds, 0 for none. In
 * text {@code ORDERS:57,INVENTORY:0}, the streams in the ledger's order.
 */
public record Positions(SequencedMap<String, Long> last) {

  public Positions {
    last = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(last));
  }

  /** Before the first message of each. */
  public static Positions start(List<String> streams) {
    SequencedMap<String, Long> last = new LinkedHashMap<>();
    streams.forEach(stream -> last.put(stream, 0L));
    return new Positions(last);
  }

  /** 0 for a stream that is not audited. */
  public long of(String stream) {
    return last.getOrDefault(stream, 0L);
  }

  public String text() {
    return last.entrySet().stream()
        .map(position -> position.getKey() + ":" + position.getValue())
        .collect(Collectors.joining(","));
  }

  /**
   * @throws IllegalArgumentException if it is not a text that {@link #text} gives
   */
  static Positions parse(String text) {
    SequencedMap<String, Long> last = new LinkedHashMap<>();
    for (String position : text.split(",", -1)) {
      int colon = position.indexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException("is not stream:sequence,...");
      }
      last.put(position.substring(0, colon), Long.parseLong(position.substring(colon + 1)));
    }
    Positions positions = new Positions(last);
    if (!positions.text().equals(text) || last.values().stream().anyMatch(n -> n < 0)) {
      throw new IllegalArgumentException("is not stream:sequence,...");
    }
    return positions;
  }

  /** The ranges that lead from here to there. */
  List<Range> rangesTo(Positions there) {
    return there.last.entrySet().stream()
        .filter(position -> position.getValue() > of(position.getKey()))
        .map(
            position ->
                new Range(position.getKey(), of(position.getKey()) + 1, position.getValue()))
        .toList();
  }
}
