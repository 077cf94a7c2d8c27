package io.holdfast.launcher.load;

import io.vertx.core.json.JsonObject;
import java.util.Locale;
import org.HdrHistogram.Histogram;

/**
 * How long something took, so and so often; in microseconds, exact to three digits.
 *
 * @param max the longest
 */
public record Latency(long count, long p50, long p90, long p99, long p999, long max) {

  static final int DIGITS = 3;

  static Latency of(Histogram micros) {
    return new Latency(
        micros.getTotalCount(),
        micros.getValueAtPercentile(50),
        micros.getValueAtPercentile(90),
        micros.getValueAtPercentile(99),
        micros.getValueAtPercentile(99.9),
        micros.getMaxValue());
  }

  public JsonObject json() {
    return new JsonObject()
        .put("count", count)
        .put("p50_ms", p50 / 1e3)
        .put("p90_ms", p90 / 1e3)
        .put("p99_ms", p99 / 1e3)
        .put("p999_ms", p999 / 1e3)
        .put("max_ms", max / 1e3);
  }

  /** Milliseconds, as a person reads them. */
  static String millis(long micros) {
    return String.format(Locale.ROOT, micros < 100_000 ? "%,.1f" : "%,.0f", micros / 1e3);
  }
}
