package io.holdfast.gateway.faults;

import java.util.EnumMap;
import java.util.Map;

/**
 * What goes wrong at the moment.
 *
 * @param latencyMs how long every answer takes at least, in milliseconds
 * @param jitterMs at most so much longer, evenly spread
 * @param rates from 0 to 1; those that are not there are 0
 * @param outage nothing under /v1 answers: the connection is closed
 */
public record Faults(int latencyMs, int jitterMs, Map<Rate, Double> rates, boolean outage) {

  public static final Faults NONE = new Faults(0, 0, Map.of(), false);

  public static final int MAX_MS = 600_000;

  public Faults {
    rates = Map.copyOf(rates);
    rates.forEach(
        (rate, share) -> {
          if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException(rate.field() + " must be a number from 0 to 1");
          }
        });
  }

  public double rate(Rate rate) {
    return rates.getOrDefault(rate, 0.0);
  }

  public Faults withLatencyMs(int millis) {
    return new Faults(millis, jitterMs, rates, outage);
  }

  public Faults withJitterMs(int millis) {
    return new Faults(latencyMs, millis, rates, outage);
  }

  public Faults with(Rate rate, double share) {
    Map<Rate, Double> changed = new EnumMap<>(Rate.class);
    changed.putAll(rates);
    changed.put(rate, share);
    return new Faults(latencyMs, jitterMs, changed, outage);
  }

  public Faults withOutage(boolean on) {
    return new Faults(latencyMs, jitterMs, rates, on);
  }
}
