package io.holdfast.system.security;

import io.holdfast.runtime.security.Nkey;
import io.nats.client.support.Encoding;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;

/**
 * What {@code nsc} does for an operator with one account: a server's configuration that trusts
 * them, and credentials of users.
 */
final class JwtOperator {

  private static final int OPERATOR = 14 << 3;
  private static final int ACCOUNT = 0;
  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

  private final Nkey operator = Nkey.random();
  private final Nkey account = Nkey.random();
  private final Nkey system = Nkey.random();

  String serverConfiguration() {
    return "operator: %s%nsystem_account: %s%nresolver: MEMORY%nresolver_preload: { %s %s }%n"
        .formatted(
            token(
                operator,
                id(operator, OPERATOR),
                id(operator, OPERATOR),
                new JsonObject().put("type", "operator")),
            id(system, ACCOUNT),
            preloaded(account),
            preloaded(system));
  }

  private String preloaded(Nkey each) {
    JsonObject claims = new JsonObject().put("type", "account").put("limits", unlimited());
    return id(each, ACCOUNT)
        + ": "
        + token(operator, id(operator, OPERATOR), id(each, ACCOUNT), claims)
        + System.lineSeparator();
  }

  /** A file's content. */
  String credentials(Nkey user) {
    return """
    -----BEGIN NATS USER JWT-----
    %s
    ------END NATS USER JWT------

    ************************* IMPORTANT *************************
    NKEY Seed printed below can be used to sign and prove identity.

    -----BEGIN USER NKEY SEED-----
    %s
    ------END USER NKEY SEED------
    """
        .formatted(
            token(account, id(account, ACCOUNT), user.publicKey(), unlimited().put("type", "user")),
            user.seed().reveal());
  }

  private static JsonObject unlimited() {
    return new JsonObject()
        .put("subs", -1)
        .put("data", -1)
        .put("payload", -1)
        .put("conn", -1)
        .put("leaf", -1)
        .put("imports", -1)
        .put("exports", -1)
        .put("wildcards", true);
  }

  private static String token(Nkey signer, String issuer, String subject, JsonObject claims) {
    JsonObject head = new JsonObject().put("typ", "JWT").put("alg", "ed25519-nkey");
    JsonObject body =
        new JsonObject()
            .put("jti", subject)
            .put("iat", Instant.now().getEpochSecond())
            .put("iss", issuer)
            .put("name", "test")
            .put("sub", subject)
            .put("nats", claims.put("version", 2));
    String signed = part(head) + "." + part(body);
    return signed
        + "."
        + BASE64.encodeToString(signer.sign(signed.getBytes(StandardCharsets.US_ASCII)));
  }

  private static String part(JsonObject json) {
    return BASE64.encodeToString(json.encode().getBytes(StandardCharsets.UTF_8));
  }

  /** The public key as that of another kind: its first byte says which, its last two check it. */
  private static String id(Nkey key, int kind) {
    byte[] bytes = Encoding.base32Decode(key.publicKey().toCharArray());
    bytes[0] = (byte) kind;
    int crc = 0;
    for (byte each : Arrays.copyOf(bytes, bytes.length - 2)) {
      crc ^= (each & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = ((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
      }
    }
    bytes[bytes.length - 2] = (byte) crc;
    bytes[bytes.length - 1] = (byte) (crc >> 8);
    return new String(Encoding.base32Encode(bytes));
  }
}
