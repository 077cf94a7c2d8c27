package io.holdfast.launcher.load;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Rates and durations as people type them. */
public final class Words {

  private static final Pattern RATE = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(?:/(s|min))?");
  private static final Pattern DURATION =
      Pattern.compile("([0-9]{1,7}(?:\\.[0-9]+)?)(ms|s|m|min|h)?");

  private Words() {}

  /** {@code 200}, {@code 200/s} or {@code 12000/min}, a second; empty for anything else. */
  public static Optional<Double> perSecond(String text) {
    Matcher rate = RATE.matcher(text.strip());
    if (!rate.matches()) {
      return Optional.empty();
    }
    double number = Double.parseDouble(rate.group(1));
    return Optional.of("min".equals(rate.group(2)) ? number / 60 : number);
  }

  /** {@code 30s}, {@code 2m}, {@code 500ms}, {@code 1h}, or seconds; empty for anything else. */
  public static Optional<Duration> duration(String text) {
    Matcher duration = DURATION.matcher(text.strip());
    if (!duration.matches()) {
      return Optional.empty();
    }
    double millis =
        switch (duration.group(2)) {
          case "ms" -> 1;
          case "m", "min" -> 60_000;
          case "h" -> 3_600_000;
          case null, default -> 1_000;
        };
    return Optional.of(
        Duration.ofMillis(Math.round(Double.parseDouble(duration.group(1)) * millis)));
  }
}
