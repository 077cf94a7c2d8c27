package io.holdfast.runtime.http;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A set of public keys as issuers publish it, and where it comes from. Only what can check a
 * signature is taken out of it: no secret that both sides share, which would let whoever may check
 * a token make one, no key for encryption, no short one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7517">RFC 7517</a>
 */
final class Jwks {

  private static final int MAX_BYTES = 256 * 1024;
  private static final long LIMIT_MILLIS = 5_000;
  private static final int MIN_RSA_BITS = 2_048;
  private static final Set<String> KINDS = Set.of("RSA", "EC", "OKP");
  private static final Set<String> PUBLIC_PARTS =
      Set.of("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y");

  private Jwks() {}

  /** Reads the file anew at each call, as what is mounted changes under its name. */
  static Supplier<Future<Buffer>> in(Vertx vertx, Path file) {
    return () ->
        vertx
            .fileSystem()
            .props(file.toString())
            .compose(
                props ->
                    props.size() > MAX_BYTES
                        ? Future.failedFuture("the file is larger than " + MAX_BYTES + " bytes")
                        : vertx.fileSystem().readFile(file.toString()));
  }

  /** Asks at each call; takes neither long nor much, and goes nowhere else. */
  static Supplier<Future<Buffer>> at(Vertx vertx, URI url) {
    HttpClient client =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setConnectTimeout((int) LIMIT_MILLIS)
                .setSsl("https".equals(url.getScheme()))
                .setVerifyHost(true)
                .setKeepAlive(false));
    RequestOptions get =
        new RequestOptions()
            .setMethod(HttpMethod.GET)
            .setAbsoluteURI(url.toString())
            .setTimeout(LIMIT_MILLIS)
            .putHeader("Accept", "application/jwk-set+json, application/json")
            .setFollowRedirects(false);
    return () ->
        client
            .request(get)
            .compose(request -> request.send().compose(Jwks::body))
            .timeout(LIMIT_MILLIS, TimeUnit.MILLISECONDS);
  }

  private static Future<Buffer> body(HttpClientResponse response) {
    if (response.statusCode() != 200) {
      response.request().connection().close();
      return Future.failedFuture("the answer is " + response.statusCode());
    }
    Buffer all = Buffer.buffer();
    response.handler(
        part -> {
          all.appendBuffer(part);
          if (all.length() > MAX_BYTES) {
            response.request().connection().close();
          }
        });
    return response
        .end()
        .map(all)
        .transform(
            read ->
                all.length() > MAX_BYTES
                    ? Future.failedFuture("the answer is larger than " + MAX_BYTES + " bytes")
                    : Future.future(promise -> promise.handle(read)));
  }

  /**
   * The keys in it that signatures can be checked with.
   *
   * @throws IllegalArgumentException if there is none
   */
  static List<JsonObject> usable(Buffer text) {
    JsonArray all;
    try {
      all = new JsonObject(text).getJsonArray("keys");
    } catch (DecodeException | ClassCastException e) {
      throw new IllegalArgumentException("it is no JSON object with keys", e);
    }
    List<JsonObject> usable = new ArrayList<>();
    if (all != null) {
      for (Object one : all) {
        if (one instanceof JsonObject key && verifies(key)) {
          JsonObject bare = key.copy();
          bare.fieldNames().retainAll(PUBLIC_PARTS);
          usable.add(bare);
        }
      }
    }
    if (usable.isEmpty()) {
      throw new IllegalArgumentException("there is no key in it that a signature is checked with");
    }
    return usable;
  }

  private static boolean verifies(JsonObject key) {
    for (String name : PUBLIC_PARTS) {
      if (key.getValue(name) != null && !(key.getValue(name) instanceof String)) {
        return false;
      }
    }
    return KINDS.contains(key.getString("kty", ""))
        && key.getString("use", "sig").equals("sig")
        && (key.getString("alg") == null || Access.ALGORITHMS.contains(key.getString("alg")))
        && (!key.getString("kty").equals("RSA") || longEnough(key.getString("n", "")));
  }

  private static boolean longEnough(String modulus) {
    try {
      byte[] bytes = Base64.getUrlDecoder().decode(modulus);
      return new java.math.BigInteger(1, bytes).bitLength() >= MIN_RSA_BITS;
    } catch (IllegalArgumentException notBase64) {
      return false;
    }
  }
}
