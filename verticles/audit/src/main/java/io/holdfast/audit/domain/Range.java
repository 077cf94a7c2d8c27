package io.holdfast.audit.domain;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The messages of one stream that a block holds: {@code ORDERS:1-57}. */
public record Range(String stream, long first, long last) {

  static String text(List<Range> ranges) {
    return ranges.stream()
        .map(range -> range.stream + ":" + range.first + "-" + range.last)
        .collect(Collectors.joining(","));
  }

  /**
   * @throws IllegalArgumentException if it is not a text that {@link #text} gives
   */
  static List<Range> parse(String text) {
    List<Range> ranges = Arrays.stream(text.split(",", -1)).map(Range::parseOne).toList();
    if (!text(ranges).equals(text)) {
      throw new IllegalArgumentException("is not stream:first-last,...");
    }
    return ranges;
  }

  private static Range parseOne(String text) {
    int colon = text.indexOf(':');
    int dash = text.indexOf('-', colon + 1);
    if (colon < 1 || dash < 0) {
      throw new IllegalArgumentException("is not stream:first-last,...");
    }
    return new Range(
        text.substring(0, colon),
        Long.parseLong(text.substring(colon + 1, dash)),
        Long.parseLong(text.substring(dash + 1)));
  }
}
