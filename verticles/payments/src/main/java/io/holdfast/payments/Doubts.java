package io.holdfast.payments;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The charges that were sent and have no answer, as far as this process knows. Their number is
 * bounded by what the consumer may have unsettled, and by what is parked. Thread-safe.
 */
final class Doubts {

  private final Map<String, Instant> since = new ConcurrentHashMap<>();
  private final Clock clock;

  Doubts(MeterRegistry meters, Clock clock) {
    this.clock = clock;
    Gauge.builder("payments_doubt_oldest_seconds", this, doubts -> doubts.oldest().toMillis() / 1e3)
        .description("Age of the oldest charge that was sent and has no answer")
        .strongReference(true)
        .register(meters);
  }

  /** An attempt goes out; an earlier one may have. */
  Attempt sent(String orderId, Instant earliest) {
    return new Attempt(orderId, since.putIfAbsent(orderId, earliest) == null);
  }

  /** One attempt at the gateway. */
  final class Attempt {
    private final String orderId;
    private final boolean first;

    private Attempt(String orderId, boolean first) {
      this.orderId = orderId;
      this.first = first;
    }

    /** It certainly had no effect; that says nothing about those before it. */
    void withoutEffect() {
      if (first) {
        since.remove(orderId);
      }
    }
  }

  /** It is known what came of the order's charge. */
  void resolved(String orderId) {
    since.remove(orderId);
  }

  /** The orders in doubt for so long, at most so many. */
  List<String> olderThan(Duration age, int limit) {
    Instant before = clock.instant().minus(age);
    return since.entrySet().stream()
        .filter(doubt -> doubt.getValue().isBefore(before))
        .map(Map.Entry::getKey)
        .limit(limit)
        .toList();
  }

  private Duration oldest() {
    return since.values().stream()
        .min(Instant::compareTo)
        .map(oldest -> Duration.between(oldest, clock.instant()))
        .filter(Duration::isPositive)
        .orElse(Duration.ZERO);
  }
}
