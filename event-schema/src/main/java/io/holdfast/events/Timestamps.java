package io.holdfast.events;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * Instants as the wire has them: RFC 3339 in UTC, at most nanoseconds, such as {@code
 * 2026-11-27T09:30:00.125Z}. Every message has several, and the library's own formatter takes ten
 * times as long to read one.
 */
public final class Timestamps {

  /** Up to the seconds: {@code 2026-11-27T09:30:00}. */
  private static final int SECONDS_END = 19;

  private static final int NANOS_DIGITS = 9;

  private Timestamps() {}

  /**
   * Reads one.
   *
   * @throws DateTimeException if it is anything else
   */
  public static Instant parse(String text) {
    int end = text.length() - 1;
    if (end < SECONDS_END
        || text.charAt(end) != 'Z'
        || text.charAt(4) != '-'
        || text.charAt(7) != '-'
        || text.charAt(10) != 'T'
        || text.charAt(13) != ':'
        || text.charAt(16) != ':') {
      throw notOne();
    }
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, SECONDS_END);
    int nanos = nanos(text, end);
    if (hour == 24 || second == 60) {
      return Instant.parse(text); // midnight at a day's end, and leap seconds
    }
    return LocalDateTime.of(year, month, day, hour, minute, second, nanos)
        .toInstant(ZoneOffset.UTC);
  }

  private static int nanos(String text, int end) {
    if (end == SECONDS_END) {
      return 0;
    }
    int digits = end - SECONDS_END - 1;
    if (text.charAt(SECONDS_END) != '.' || digits < 1 || digits > NANOS_DIGITS) {
      throw notOne();
    }
    int nanos = number(text, SECONDS_END + 1, end);
    for (int i = digits; i < NANOS_DIGITS; i++) {
      nanos *= 10;
    }
    return nanos;
  }

  private static int number(String text, int from, int to) {
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        throw notOne();
      }
      number = number * 10 + digit;
    }
    return number;
  }

  private static DateTimeException notOne() {
    return new DateTimeException("not RFC 3339 in UTC");
  }
}
