package io.holdfast.gateway;

import io.holdfast.gateway.faults.Faults;
import io.holdfast.gateway.faults.Rate;
import io.holdfast.runtime.config.Secret;
import io.holdfast.runtime.config.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * @param ledgerFile the journal, begun if it is not there
 * @param apiKey the one that is accepted; any if empty
 * @param keyLifetime how long an idempotency key is remembered
 * @param seed of what goes wrong by chance
 * @param faults those to begin with
 */
public record GatewaySettings(
    Path ledgerFile, Optional<Secret> apiKey, Duration keyLifetime, long seed, Faults faults) {

  public static GatewaySettings from(Settings env) {
    Path ledger = Path.of(env.optional("LEDGER_FILE").orElse("gateway-ledger.jsonl"));
    Optional<Secret> apiKey = env.secret("GATEWAY_API_KEY");
    Duration lifetime = env.seconds("GATEWAY_KEY_TTL_SECONDS", 86_400, 1, 31_536_000);
    long seed = env.wholeNumber("GATEWAY_SEED", System.nanoTime(), Long.MIN_VALUE, Long.MAX_VALUE);
    Faults faults =
        Faults.NONE
            .withLatencyMs(env.integer("GATEWAY_LATENCY_MS", 0, 0, Faults.MAX_MS))
            .withJitterMs(env.integer("GATEWAY_JITTER_MS", 0, 0, Faults.MAX_MS))
            .withOutage(env.flag("GATEWAY_OUTAGE", false));
    for (Rate rate : Rate.values()) {
      faults = faults.with(rate, share(env, "GATEWAY_" + rate.name()));
    }
    Faults initial = faults;
    return env.complete(() -> new GatewaySettings(ledger, apiKey, lifetime, seed, initial));
  }

  private static double share(Settings env, String name) {
    Optional<String> value = env.optional(name);
    if (value.isEmpty()) {
      return 0;
    }
    try {
      double share = Double.parseDouble(value.get());
      if (share >= 0 && share <= 1) {
        return share;
      }
    } catch (NumberFormatException notANumber) {
      // told below, as one out of range is
    }
    env.fault(name, value.get(), "must be a number from 0 to 1");
    return 0;
  }
}
