package io.holdfast.payments;

import io.holdfast.runtime.config.Secret;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.resilience.Breaker;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * @param gatewayUrl base address of the gateway, Stripe's or the simulator's
 * @param gatewayTimeout how long one call may take
 * @param breakerFailures consecutive failures at which the breaker opens
 * @param breakerReset how long it stays open before one call is let through
 * @param keyLife how long the gateway surely remembers a key; a charge that may be older is looked
 *     for before it is made
 * @param reservationTtl how long a reservation may stay unpaid; empty for as long as it takes
 * @param sweepInterval how often reservations past their deadline are looked for
 */
public record PaymentSettings(
    URI gatewayUrl,
    Secret gatewayKey,
    Duration gatewayTimeout,
    int breakerFailures,
    Duration breakerReset,
    Duration keyLife,
    Optional<Duration> reservationTtl,
    Duration sweepInterval) {

  private static final String OFF = "off";
  private static final Pattern SPAN = Pattern.compile("([0-9]{1,9})([smhd])");
  private static final Duration LONGEST = Duration.ofDays(30);

  public PaymentSettings {
    if (reservationTtl.isPresent() && reservationTtl.get().compareTo(gatewayTimeout) <= 0) {
      throw new IllegalArgumentException( // else its only attempt is cut off
          "RESERVATION_TTL must exceed PAYMENT_GATEWAY_TIMEOUT_MS");
    }
  }

  Breaker.Limits breaker() {
    return new Breaker.Limits(breakerFailures, gatewayTimeout, breakerReset);
  }

  /**
   * @param maxAttempts failures after which a message is parked
   */
  public static PaymentSettings read(Settings settings, int maxAttempts) {
    URI url = settings.uri("PAYMENT_GATEWAY_URL", "http://127.0.0.1:8090", Set.of("http", "https"));
    Secret key = settings.secret("PAYMENT_GATEWAY_KEY").orElse(new Secret("sk_test_holdfast"));
    Duration timeout = settings.millis("PAYMENT_GATEWAY_TIMEOUT_MS", 5_000, 100, 20_000);
    int failures = settings.integer("BREAKER_FAILURES", 6, 1, 1_000);
    Duration reset = settings.millis("BREAKER_RESET_MS", 30_000, 100, 600_000);
    Duration keyLife = span(settings, "PAYMENT_KEY_LIFE", "23h");
    Optional<Duration> ttl =
        settings.optional("RESERVATION_TTL").orElse(OFF).equals(OFF)
            ? Optional.empty()
            : Optional.of(span(settings, "RESERVATION_TTL", "15m"));
    Duration sweep = settings.millis("RESERVATION_SWEEP_MS", 10_000, 100, 3_600_000);
    return settings.complete(
        () -> {
          if (failures > maxAttempts) { // else an outage parks a lone order before it is known
            throw new IllegalArgumentException(
                "BREAKER_FAILURES must not exceed RETRY_MAX_ATTEMPTS");
          }
          return new PaymentSettings(url, key, timeout, failures, reset, keyLife, ttl, sweep);
        });
  }

  /** A whole number of seconds, minutes, hours or days, as in {@code 90s} and {@code 15m}. */
  private static Duration span(Settings settings, String name, String otherwise) {
    String value = settings.optional(name).orElse(otherwise);
    Matcher parts = SPAN.matcher(value);
    if (parts.matches()) {
      long number = Long.parseLong(parts.group(1));
      Duration span =
          switch (parts.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
          };
      if (span.isPositive() && span.compareTo(LONGEST) <= 0) {
        return span;
      }
    }
    settings.fault(
        name,
        value,
        "must be a number and one of s, m, h, d, such as 90s or 15m, of at most "
            + LONGEST.toDays()
            + "d"
            + (name.equals("RESERVATION_TTL") ? "; or " + OFF : ""));
    return Duration.ofHours(1);
  }
}
