package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the quick reader takes what the library's takes of RFC 3339 in UTC, with the same result,
 * and nothing else. Method: both read the same texts, some of them damaged.
 */
class TimestampsTest {

  private static final Pattern RFC_3339_UTC =
      Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?Z");

  private static final int TEXTS = 200_000;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-27T09:30:00Z",
        "2026-11-27T09:30:00.5Z",
        "2026-11-27T09:30:00.123456789Z",
        "2026-11-27T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "2024-02-29T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-27T09:30:00.Z",
        "2026-11-27T09:30:00.1234567890Z",
        "2026-11-27T09:30:00",
        "2026-11-27T09:30:00+00:00",
        "2026-11-27t09:30:00z",
        "+2026-11-27T09:30:00Z",
        "2026-11-27T0９:30:00Z",
        "Z",
        ""
      })
  void each_form_is_taken_or_refused_as_the_library_does(String text) {
    assertThat(quick(text)).isEqualTo(slow(text));
  }

  @Test
  void so_is_whatever_else_comes() {
    Random random = new Random(7);
    for (int i = 0; i < TEXTS; i++) {
      StringBuilder text =
          new StringBuilder(
              Instant.ofEpochSecond(random.nextLong(4_000_000_000L), random.nextInt(1_000_000_000))
                  .toString());
      for (int damage = random.nextInt(3); damage > 0; damage--) {
        text.setCharAt(
            random.nextInt(text.length()), "0123456789-:.TZ ".charAt(random.nextInt(16)));
      }
      assertThat(quick(text.toString())).as("%s", text).isEqualTo(slow(text.toString()));
    }
  }

  private static Optional<Instant> quick(String text) {
    try {
      return Optional.of(Timestamps.parse(text));
    } catch (DateTimeException refused) {
      return Optional.empty();
    }
  }

  private static Optional<Instant> slow(String text) {
    try {
      return RFC_3339_UTC.matcher(text).matches()
          ? Optional.of(Instant.parse(text))
          : Optional.empty();
    } catch (DateTimeException refused) {
      return Optional.empty();
    }
  }
}
