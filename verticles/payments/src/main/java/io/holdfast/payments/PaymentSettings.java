package io.holdfast.payments;

import io.holdfast.runtime.config.Secret;
import io.holdfast.runtime.config.Settings;
import java.net.URI;
import java.time.Duration;
import java.util.Set;

/**
 * @param gatewayUrl base address of the gateway, Stripe's or the simulator's
 * @param gatewayTimeout how long one call may take
 * @param breakerFailures consecutive failures at which the breaker opens
 * @param breakerReset how long it stays open before one call is let through
 */
public record PaymentSettings(
    URI gatewayUrl,
    Secret gatewayKey,
    Duration gatewayTimeout,
    int breakerFailures,
    Duration breakerReset) {

  /**
   * @param maxAttempts failures after which a message is parked
   */
  public static PaymentSettings read(Settings settings, int maxAttempts) {
    URI url = settings.uri("PAYMENT_GATEWAY_URL", "http://127.0.0.1:8090", Set.of("http", "https"));
    Secret key = settings.secret("PAYMENT_GATEWAY_KEY").orElse(new Secret("sk_test_holdfast"));
    Duration timeout = settings.millis("PAYMENT_GATEWAY_TIMEOUT_MS", 5_000, 100, 20_000);
    int failures = settings.integer("BREAKER_FAILURES", 6, 1, 1_000);
    Duration reset = settings.millis("BREAKER_RESET_MS", 30_000, 100, 600_000);
    return settings.complete(
        () -> {
          if (failures > maxAttempts) { // else an outage parks a lone order before it is known
            throw new IllegalArgumentException(
                "BREAKER_FAILURES must not exceed RETRY_MAX_ATTEMPTS");
          }
          return new PaymentSettings(url, key, timeout, failures, reset);
        });
  }
}
