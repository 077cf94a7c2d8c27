package io.holdfast.runtime.http;

import io.vertx.ext.web.RoutingContext;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.List;

/**
 * The {@code Idempotency-Key} header: who repeats a request with its key gets the first one's
 * answer, however late. The key becomes the id of what the request makes, so the broker itself
 * refuses a second one; there is no table of keys, and no time after which one is forgotten.
 *
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">The
 *     header's draft</a>
 */
public final class IdempotencyKey {

  public static final String HEADER = "Idempotency-Key";

  private static final int MAX_LENGTH = 255;
  private static final int ID_BYTES = 16;
  private static final SecureRandom RANDOM = new SecureRandom();

  private IdempotencyKey() {}

  /**
   * The id that this request's key stands for, or a new one if it has no key.
   *
   * @param namespace in which the key was used: systems that share a payment gateway's account must
   *     not have orders of one id, as the gateway would take the second one's charge for a
   *     repetition of the first one's
   * @param prefix says what it is the id of, {@code ord} for example
   * @throws ProblemException 400 if the key cannot be one
   */
  public static String idFor(String namespace, String prefix, RoutingContext request) {
    List<String> keys = request.request().headers().getAll(HEADER);
    if (keys.size() > 1) {
      throw new ProblemException(Problem.malformed(HEADER + " must be sent once"));
    }
    String key = keys.isEmpty() ? null : keys.getFirst();
    if (key == null) {
      byte[] random = new byte[ID_BYTES];
      RANDOM.nextBytes(random);
      return id(prefix, random);
    }
    String bare = unquoted(key.strip());
    if (bare.isEmpty()
        || bare.length() > MAX_LENGTH
        || !bare.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new ProblemException(
          Problem.malformed(
              HEADER + " must be 1 to " + MAX_LENGTH + " printable ASCII characters"));
    }
    // Neither a namespace nor a prefix holds a slash or a colon, so no two of these read alike.
    String of = (namespace.isEmpty() ? "" : namespace + "/") + prefix + ":" + bare;
    return id(prefix, sha256(of));
  }

  /** 422: the key was used for another request before. */
  public static Problem reused() {
    return Problem.of(
        422,
        "idempotency-key-reused",
        "The Idempotency-Key was used for another request",
        "A repeated key must come with the same body; take a new key for a new request");
  }

  /** The header is a structured field, a string in quotes; most clients send it bare. */
  private static String unquoted(String key) {
    return key.length() >= 2 && key.startsWith("\"") && key.endsWith("\"")
        ? key.substring(1, key.length() - 1)
        : key;
  }

  private static String id(String prefix, byte[] bytes) {
    byte[] first = java.util.Arrays.copyOf(bytes, ID_BYTES);
    String digits = new BigInteger(1, first).toString(36);
    return prefix + "_" + "0".repeat(25 - digits.length()) + digits;
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) { // every JDK has it
      throw new IllegalStateException(e);
    }
  }
}
