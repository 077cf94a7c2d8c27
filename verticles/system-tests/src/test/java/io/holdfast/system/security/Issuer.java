package io.holdfast.system.security;

import com.sun.net.httpserver.HttpServer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Issues tokens as an OpenID provider does, and publishes the keys that they are checked with. */
final class Issuer implements AutoCloseable {

  static final String NAME = "https://issuer.example";
  static final String AUDIENCE = "holdfast-test";

  private final AtomicInteger asked = new AtomicInteger();
  private final int port;
  private volatile int status = 200;
  private volatile byte[] published = "{\"keys\":[]}".getBytes(StandardCharsets.UTF_8);
  private HttpServer server;

  private Issuer() throws IOException {
    server = serve(0);
    port = server.getAddress().getPort();
  }

  static Issuer start(SigningKey... keys) {
    try {
      Issuer issuer = new Issuer();
      issuer.publish(keys);
      return issuer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private HttpServer serve(int at) throws IOException {
    HttpServer made =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 0);
    made.setExecutor(Executors.newSingleThreadExecutor());
    made.createContext(
        "/keys",
        exchange -> {
          asked.incrementAndGet();
          byte[] body = published;
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    made.start();
    return made;
  }

  String url() {
    return "http://127.0.0.1:" + port + "/keys";
  }

  /** How often the keys were asked for. */
  int asked() {
    return asked.get();
  }

  /** From now on these are the keys, and no others. */
  void publish(SigningKey... keys) {
    publish(new JsonObject().put("keys", new JsonArray(jwks(keys))).encode());
  }

  void publish(String text) {
    published = text.getBytes(StandardCharsets.UTF_8);
  }

  static List<JsonObject> jwks(SigningKey... keys) {
    return Arrays.stream(keys).map(SigningKey::jwk).toList();
  }

  void answers(int withStatus) {
    status = withStatus;
  }

  /** Nobody answers any more. */
  void down() {
    server.stop(0);
  }

  void up() throws IOException {
    server = serve(port);
  }

  @Override
  public void close() {
    down();
  }

  /** What a token says that should be taken, until somebody changes it. */
  static JsonObject claims(String scope) {
    long now = Instant.now().getEpochSecond();
    return new JsonObject()
        .put("iss", NAME)
        .put("aud", AUDIENCE)
        .put("sub", "somebody")
        .put("iat", now)
        .put("exp", now + 300)
        .put("scope", scope);
  }

  /** A pair of keys, and the name that it is published under. */
  record SigningKey(String kid, String algorithm, KeyPair pair) {

    static SigningKey rsa(String kid) {
      return rsa(kid, 2_048);
    }

    static SigningKey rsa(String kid, int bits) {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(bits);
        return new SigningKey(kid, "RS256", generator.generateKeyPair());
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    static SigningKey ec(String kid) {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return new SigningKey(kid, "ES256", generator.generateKeyPair());
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    JsonObject jwk() {
      JsonObject jwk = new JsonObject().put("kid", kid).put("use", "sig").put("alg", algorithm);
      return switch (pair.getPublic()) {
        case RSAPublicKey rsa ->
            jwk.put("kty", "RSA")
                .put("n", number(rsa.getModulus(), 0))
                .put("e", number(rsa.getPublicExponent(), 0));
        case ECPublicKey ec ->
            jwk.put("kty", "EC")
                .put("crv", "P-256")
                .put("x", number(ec.getW().getAffineX(), 32))
                .put("y", number(ec.getW().getAffineY(), 32));
        default -> throw new IllegalStateException();
      };
    }

    String token(JsonObject claims) {
      return token(new JsonObject().put("alg", algorithm).put("kid", kid), claims);
    }

    String token(JsonObject header, JsonObject claims) {
      try {
        Signature signature =
            Signature.getInstance(
                algorithm.equals("RS256") ? "SHA256withRSA" : "SHA256withECDSAinP1363Format");
        signature.initSign(pair.getPrivate());
        String signed = text(header) + "." + text(claims);
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64(signature.sign());
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Signed with a secret that everybody knows: the bytes of the public key. */
    String signedByThePublicKey(byte[] secret, JsonObject claims) {
      try {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        String signed =
            text(new JsonObject().put("alg", "HS256").put("kid", kid)) + "." + text(claims);
        return signed + "." + base64(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII)));
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    private static String number(BigInteger number, int length) {
      byte[] bytes = number.toByteArray();
      int from = bytes[0] == 0 && bytes.length > 1 ? 1 : 0;
      byte[] bare = Arrays.copyOfRange(bytes, from, bytes.length);
      byte[] padded = new byte[Math.max(length, bare.length)];
      System.arraycopy(bare, 0, padded, padded.length - bare.length, bare.length);
      return base64(padded);
    }
  }

  static String text(JsonObject part) {
    return base64(part.encode().getBytes(StandardCharsets.UTF_8));
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
