package io.holdfast.runtime.http;

import io.holdfast.runtime.config.Settings;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Whose tokens are asked for, and where.
 *
 * @param jwksUrl where the issuer publishes its public keys; at most one of this and the file
 * @param jwksFile the same, in a file
 * @param issuer the only one whose tokens are taken; empty if none are asked for
 * @param audience that a token must be meant for; empty if none are asked for
 * @param refresh how often the keys are looked at
 * @param ordersNeedOne whether orders are placed and cancelled with a token only
 */
record TokenSettings(
    Optional<URI> jwksUrl,
    Optional<Path> jwksFile,
    String issuer,
    String audience,
    Duration refresh,
    boolean ordersNeedOne) {

  TokenSettings {
    boolean keys = jwksUrl.isPresent() || jwksFile.isPresent();
    check(
        jwksUrl.isEmpty() || jwksFile.isEmpty(), "JWKS_URL and JWKS_FILE: only one of them can be");
    check(
        keys == !issuer.isEmpty() && keys == !audience.isEmpty(),
        "JWT_ISSUER and JWT_AUDIENCE go together with JWKS_URL or JWKS_FILE");
    check(keys || !ordersNeedOne, "ORDERS_REQUIRE_TOKEN=true needs JWKS_URL or JWKS_FILE");
  }

  static TokenSettings read(Settings settings) {
    Optional<URI> url =
        settings.optional("JWKS_URL").isEmpty()
            ? Optional.empty()
            : Optional.of(settings.uri("JWKS_URL", "https://localhost", Set.of("https", "http")));
    url.filter(uri -> "http".equals(uri.getScheme()) && !loopback(uri.getHost()))
        .ifPresent(
            uri ->
                settings.fault(
                    "JWKS_URL",
                    uri.toString(),
                    "must be https, as whoever changes the keys on their way makes tokens; http"
                        + " only on this machine"));
    Optional<Path> file = settings.optional("JWKS_FILE").map(Path::of);
    String issuer = settings.optional("JWT_ISSUER").orElse("");
    String audience = settings.optional("JWT_AUDIENCE").orElse("");
    Duration refresh = settings.seconds("JWKS_REFRESH_SECONDS", 300, 1, 86_400);
    boolean orders = settings.flag("ORDERS_REQUIRE_TOKEN", false);
    return settings.complete(() -> new TokenSettings(url, file, issuer, audience, refresh, orders));
  }

  boolean on() {
    return jwksUrl.isPresent() || jwksFile.isPresent();
  }

  /** Whether only this machine can reach it. A name is not looked up, but for the usual one. */
  static boolean loopback(String host) {
    if (host.equals("localhost")) {
      return true;
    }
    if (!host.matches("[0-9.]+|\\[?[0-9a-fA-F:.]*:[0-9a-fA-F:.]*]?")) {
      return false;
    }
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static void check(boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(rule);
    }
  }
}
