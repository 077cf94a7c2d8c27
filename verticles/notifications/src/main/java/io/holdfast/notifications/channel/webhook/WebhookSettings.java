package io.holdfast.notifications.channel.webhook;

import io.holdfast.runtime.config.Settings;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * @param url that is posted to
 * @param signature of what is posted
 * @param timeout how long one call may take
 * @param connections to the receiver, at most
 */
public record WebhookSettings(
    URI url, WebhookSignature signature, Duration timeout, int connections) {

  private static final String PREFIX = "whsec_";
  private static final Set<String> SCHEMES = Set.of("http", "https");
  private static final String RULE =
      "must be whsec_ and 24 to 64 bytes in base64; several, for a change of secrets, parted by a"
          + " space";

  /** Whether there is a receiver at all. */
  public static boolean given(Settings settings) {
    return settings.optional("WEBHOOK_URL").isPresent();
  }

  /** What is wrong is noted now; to be made once all was read. */
  public static Supplier<WebhookSettings> read(Settings settings) {
    URI url = url(settings);
    List<byte[]> keys = keys(settings);
    Duration timeout = settings.millis("WEBHOOK_TIMEOUT_MS", 5_000, 100, 60_000);
    int connections = settings.integer("WEBHOOK_CONNECTIONS", 32, 1, 1_024);
    return () -> new WebhookSettings(url, new WebhookSignature(keys), timeout, connections);
  }

  /** Such an address is often a secret in itself: it is not shown. */
  private static URI url(Settings settings) {
    try {
      URI url = new URI(settings.optional("WEBHOOK_URL").orElse(""));
      if (url.getScheme() != null
          && SCHEMES.contains(url.getScheme())
          && url.getHost() != null
          && url.getUserInfo() == null
          && url.getFragment() == null) {
        return url;
      }
    } catch (URISyntaxException malformed) {
      // told below, as a wrong scheme is
    }
    settings.fault("WEBHOOK_URL", "***", "must be an address such as http://host or https://host");
    return URI.create("http://localhost");
  }

  private static List<byte[]> keys(Settings settings) {
    Optional<String> secrets = settings.optional("WEBHOOK_SECRET");
    if (secrets.isEmpty()) {
      settings.fault("WEBHOOK_SECRET", "", RULE);
      return List.of();
    }
    List<byte[]> keys = new ArrayList<>();
    for (String secret : secrets.get().split(" ", -1)) {
      byte[] key = key(secret);
      if (key.length < 24 || key.length > 64) {
        settings.fault("WEBHOOK_SECRET", "***", RULE);
        return List.of();
      }
      keys.add(key);
    }
    return keys;
  }

  /** Empty if it is none. */
  private static byte[] key(String secret) {
    try {
      return secret.startsWith(PREFIX)
          ? Base64.getDecoder().decode(secret.substring(PREFIX.length()))
          : new byte[0];
    } catch (IllegalArgumentException notBase64) {
      return new byte[0];
    }
  }
}
