package io.holdfast.notifications.channel.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs a webhook, once with each secret, so that a receiver can change from one to the next.
 *
 * @see <a
 *     href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 *     Webhooks</a>
 */
public final class WebhookSignature {

  private static final String ALGORITHM = "HmacSHA256";

  private final List<SecretKey> keys;

  WebhookSignature(List<byte[]> keys) {
    this.keys = keys.stream().<SecretKey>map(bytes -> new SecretKeySpec(bytes, ALGORITHM)).toList();
  }

  /** The header's value: {@code v1,<base64>}, several parted by a space. */
  String sign(String id, long epochSeconds, byte[] body) {
    byte[] head = (id + "." + epochSeconds + ".").getBytes(StandardCharsets.UTF_8);
    return keys.stream()
        .map(key -> "v1," + Base64.getEncoder().encodeToString(hmac(key, head, body)))
        .collect(Collectors.joining(" "));
  }

  private static byte[] hmac(SecretKey key, byte[] head, byte[] body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update(head);
      return mac.doFinal(body);
    } catch (GeneralSecurityException e) { // every JDK has it
      throw new IllegalStateException(e);
    }
  }
}
