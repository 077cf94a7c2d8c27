package io.holdfast.system.security;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.inventory.InventoryGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.SettingsException;
import io.holdfast.system.security.Issuer.SigningKey;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: operators' calls, and orders' where that is asked for, are made by those alone whom the
 * issuer lets, whatever else somebody shows; and an issuer that is away or changes its keys stops
 * nobody. Method: the real groups over HTTP, an issuer with real keys that publishes them over
 * HTTP, and tokens with one thing wrong each.
 */
class TokensTest {

  private static final SigningKey RSA = SigningKey.rsa("rsa-1");
  private static final SigningKey EC = SigningKey.ec("ec-1");
  private static final SigningKey STRANGER = SigningKey.rsa("rsa-1");
  private static final String OPERATE = "holdfast:operate";
  private static final String ORDER = "holdfast:order";

  private Issuer issuer;
  private TestGroups groups;
  private String url;

  @BeforeEach
  void prepare() {
    issuer = Issuer.start(RSA, EC);
    groups = TestGroups.on(TestBroker.shared().url(), TestBroker.newNamespace());
  }

  @AfterEach
  void stop() {
    groups.close();
    issuer.close();
  }

  // Who is let in.

  @Test
  void without_an_issuer_everybody_may_do_everything() {
    start(new InventoryGroup());
    assertThat(receive("").status()).isEqualTo(201);
    assertThat(receive("nonsense").status()).isEqualTo(201);
  }

  static Stream<Arguments> tokens_that_are_good() {
    long now = Instant.now().getEpochSecond();
    return Stream.of(
        arguments("RSA", RSA.token(claims())),
        arguments("elliptic curve", EC.token(claims())),
        arguments("no kid", RSA.token(new JsonObject().put("alg", "RS256"), claims())),
        arguments(
            "several audiences",
            EC.token(claims().put("aud", new JsonArray().add("other").add(Issuer.AUDIENCE)))),
        arguments("several scopes", EC.token(claims().put("scope", "openid holdfast:operate"))),
        arguments(
            "scopes in a list",
            EC.token(without("scope").put("scp", new JsonArray().add(ORDER).add(OPERATE)))),
        arguments("just expired, by another clock", EC.token(claims().put("exp", now - 5))),
        arguments(
            "valid in a moment", EC.token(claims().put("nbf", now + 20).put("iat", now + 20))));
  }

  @Test
  void tokens_of_the_issuer_s_are_taken() {
    protectedInventory();
    tokens_that_are_good()
        .forEach(
            one ->
                assertThat(receive((String) one.get()[1]).status())
                    .as("%s", one.get()[0])
                    .isEqualTo(201));
  }

  static Stream<Arguments> tokens_that_are_not() {
    long now = Instant.now().getEpochSecond();
    String good = RSA.token(claims());
    String body = good.substring(0, good.lastIndexOf('.'));
    byte[] publicKey = RSA.pair().getPublic().getEncoded();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + java.util.Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(publicKey)
            + "\n-----END PUBLIC KEY-----\n";
    return Stream.of(
        arguments("of another key with that name", STRANGER.token(claims())),
        arguments("expired", RSA.token(claims().put("exp", now - 40))),
        arguments("never expires", RSA.token(without("exp"))),
        arguments("expires at some word", RSA.token(claims().put("exp", "tomorrow"))),
        arguments("not valid yet", RSA.token(claims().put("nbf", now + 60))),
        arguments("issued in the future", RSA.token(claims().put("iat", now + 3_600))),
        arguments("of another audience", RSA.token(claims().put("aud", "other"))),
        arguments("of no audience", RSA.token(without("aud"))),
        arguments("of a strange audience", RSA.token(claims().put("aud", new JsonObject()))),
        arguments("of another issuer", RSA.token(claims().put("iss", "https://evil.example"))),
        arguments("of no issuer", RSA.token(without("iss"))),
        arguments("of a strange issuer", RSA.token(claims().put("iss", 7))),
        arguments("alg none, no signature", unsigned("none") + "."),
        arguments("alg none, two parts", unsigned("none")),
        arguments("alg none, a signature", unsigned("none") + ".AAAA"),
        arguments("alg nOnE", unsigned("nOnE") + ".AAAA"),
        arguments("no alg", RSA.token(new JsonObject().put("kid", RSA.kid()), claims())),
        arguments("HS256 by the public key", RSA.signedByThePublicKey(publicKey, claims())),
        arguments(
            "HS256 by the public key's text",
            RSA.signedByThePublicKey(pem.getBytes(StandardCharsets.US_ASCII), claims())),
        arguments(
            "RSA that says it is EC",
            RSA.token(new JsonObject().put("alg", "ES256").put("kid", EC.kid()), claims())),
        arguments(
            "a key inside the token",
            STRANGER.token(
                new JsonObject().put("alg", "RS256").put("jwk", STRANGER.jwk()), claims())),
        arguments(
            "demands that nobody knows",
            RSA.token(
                new JsonObject()
                    .put("alg", "RS256")
                    .put("kid", RSA.kid())
                    .put("crit", new JsonArray().add("exp")),
                claims())),
        arguments(
            "changed",
            good.substring(0, 30) + (good.charAt(30) == 'A' ? 'B' : 'A') + good.substring(31)),
        arguments("without its signature", body),
        arguments("with another's signature", body + "." + last(RSA.token(claims().put("x", 1)))),
        arguments("with an empty signature", body + "."),
        arguments("all zeros", EC.token(claims()).replaceAll("[^.]+$", "A".repeat(86))),
        arguments("no token", "nonsense"),
        arguments("three dots", "a.b.c"),
        arguments("far too long", good + "A".repeat(9_000)));
  }

  @Test
  void everything_else_is_401_and_says_why_in_the_usual_form() {
    protectedInventory();
    tokens_that_are_not()
        .forEach(
            one -> {
              Answer answer = receive((String) one.get()[1]);
              assertThat(answer.status()).as("%s: %s", one.get()[0], answer.body()).isEqualTo(401);
              assertThat(answer.header("WWW-Authenticate"))
                  .startsWith("Bearer realm=\"holdfast\", error=\"invalid_token\"");
              assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
              assertThat(answer.json().getString("type"))
                  .isEqualTo("urn:holdfast:problem:token-refused");
            });
    assertThat(level()).as("nothing was received").isEqualTo(404);
  }

  @Test
  void without_a_token_is_401_and_without_its_scope_403() {
    protectedInventory();

    for (String header : List.of("", "Basic b3BlcmF0b3I6eA==", "bearer", "Token abc")) {
      Answer answer =
          header.isEmpty()
              ? Http.post(url + "/stock/cup/receipts", new JsonObject().put("quantity", 1))
              : Http.post(
                  url + "/stock/cup/receipts",
                  new JsonObject().put("quantity", 1),
                  "Authorization",
                  header);
      assertThat(answer.status()).as(header).isEqualTo(401);
      assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"holdfast\"");
      assertThat(answer.json().getString("type")).isEqualTo("urn:holdfast:problem:token-missing");
    }
    String token = RSA.token(claims());
    assertThat(
            Http.post(
                    url + "/stock/cup/receipts?access_token=" + token,
                    new JsonObject().put("quantity", 1))
                .status())
        .as("not in an address, which logs keep")
        .isEqualTo(401);
    assertThat(
            Http.post(
                    url + "/stock/cup/receipts",
                    new JsonObject().put("quantity", 1),
                    "Authorization",
                    "Bearer " + token,
                    "Authorization",
                    "Bearer nonsense")
                .status())
        .as("which of the two?")
        .isEqualTo(401);
    for (JsonObject claims :
        List.of(
            Issuer.claims(ORDER),
            Issuer.claims("holdfast:operate-not"),
            Issuer.claims("HOLDFAST:OPERATE"),
            without("scope"),
            claims().put("scope", 7))) {
      Answer answer = receive(RSA.token(claims));
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.header("WWW-Authenticate"))
          .contains("error=\"insufficient_scope\"", "scope=\"holdfast:operate\"");
      assertThat(answer.json().getString("type")).isEqualTo("urn:holdfast:problem:scope-missing");
    }
    assertThat(Http.get(url + "/stock").status()).as("reading is open").isEqualTo(200);
    assertThat(level()).as("nothing was received").isEqualTo(404);
  }

  @Test
  void orders_are_placed_and_cancelled_without_a_token_unless_that_is_asked_for() {
    configured();
    start(new OrdersGroup());
    Answer open = order("");
    assertThat(open.status()).isEqualTo(202);

    groups.with("ORDERS_REQUIRE_TOKEN", "true");
    start(new OrdersGroup());

    assertThat(order("").status()).isEqualTo(401);
    assertThat(order(EC.token(claims())).status()).as("an operator is no customer").isEqualTo(403);
    String customer = EC.token(Issuer.claims(ORDER));
    assertThat(order(customer).status()).isEqualTo(202);
    String cancel = "/orders/" + open.json().getString("order_id") + "/cancel";
    assertThat(post(cancel, "", "").status()).isEqualTo(401);
    assertThat(post(cancel, "", customer).status()).isEqualTo(202);
  }

  // The issuer's keys.

  @Test
  void a_new_key_is_looked_for_when_a_token_names_it_and_strangers_cannot_make_us_ask_on()
      throws Exception {
    configured();
    groups.with("JWKS_REFRESH_SECONDS", "3600");
    start(new InventoryGroup());
    assertThat(receive(RSA.token(claims())).status()).isEqualTo(201);
    int before = issuer.asked();
    SigningKey next = SigningKey.ec("ec-2");
    issuer.publish(EC, next);

    assertThat(receive(next.token(claims())).status()).isEqualTo(201);
    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
    assertThat(receive(RSA.token(claims())).status()).as("taken back").isEqualTo(401);
    for (int i = 0; i < 50; i++) {
      assertThat(receive(SigningKey.ec("made-up-" + i).token(claims())).status()).isEqualTo(401);
    }

    assertThat(issuer.asked() - before).isEqualTo(1);
  }

  @Test
  void keys_are_looked_at_in_the_background_and_kept_while_the_issuer_is_away() throws Exception {
    configured();
    groups.with("JWKS_REFRESH_SECONDS", "1");
    start(new InventoryGroup());
    assertThat(receive(RSA.token(claims())).status()).isEqualTo(201);

    issuer.publish(EC);
    eventually("taken back", () -> receive(RSA.token(claims())).status() == 401);
    for (String broken :
        List.of(
            "nonsense",
            "[]",
            "{}",
            "{\"keys\":7}",
            "{\"keys\":[]}",
            "{\"keys\":[7,{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"x\"},{\"kty\":7}]}",
            "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}],\"x\":\""
                + "x".repeat(300_000)
                + "\"}")) {
      issuer.publish(broken);
      int asked = issuer.asked();
      eventually("looked at: " + broken, () -> issuer.asked() > asked);
      assertThat(receive(EC.token(claims())).status()).as(broken).isEqualTo(201);
    }
    issuer.publish(EC, RSA);
    issuer.answers(500);
    int asked = issuer.asked();
    eventually("looked at", () -> issuer.asked() > asked);
    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
    issuer.down();
    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
    assertThat(receive(RSA.token(claims())).status()).isEqualTo(401);
    issuer.answers(200);
    issuer.up();
    eventually("back again", () -> receive(RSA.token(claims())).status() == 201);
  }

  @Test
  void until_the_issuer_was_there_once_calls_are_told_to_come_back() throws Exception {
    issuer.down();
    protectedInventory();

    Answer early = receive(RSA.token(claims()));
    assertThat(early.status()).as(early.body()).isEqualTo(503);
    assertThat(early.header("Retry-After")).isEqualTo("1");
    assertThat(receive("").status()).isEqualTo(401);
    assertThat(receive(unsigned("none") + ".").status()).isEqualTo(401);

    issuer.up();
    eventually("let in", () -> receive(RSA.token(claims())).status() == 201);
  }

  @Test
  void short_keys_and_shared_secrets_are_no_keys() {
    SigningKey shortOne = SigningKey.rsa("short", 1_024);
    JsonObject secret =
        new JsonObject()
            .put("kty", "oct")
            .put("kid", "shared")
            .put("alg", "HS256")
            .put("k", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0");
    JsonObject forEncryption = RSA.jwk().put("use", "enc").put("kid", "enc");
    issuer.publish(
        new JsonObject()
            .put(
                "keys",
                new JsonArray().add(shortOne.jwk()).add(secret).add(forEncryption).add(EC.jwk()))
            .encode());
    protectedInventory();

    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
    assertThat(receive(shortOne.token(claims())).status()).isEqualTo(401);
    assertThat(
            receive(RSA.token(new JsonObject().put("alg", "RS256").put("kid", "enc"), claims()))
                .status())
        .isEqualTo(401);
    SigningKey shared = new SigningKey("shared", "HS256", RSA.pair());
    assertThat(
            receive(
                    shared.signedByThePublicKey(
                        "secretsecretsecretsecretsecretsecret".getBytes(StandardCharsets.US_ASCII),
                        claims()))
                .status())
        .isEqualTo(401);
  }

  @Test
  void keys_may_come_from_a_file_that_changes(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("jwks.json");
    Files.writeString(file, new JsonObject().put("keys", new JsonArray(Issuer.jwks(RSA))).encode());
    groups
        .with("JWKS_FILE", file.toString())
        .with("JWT_ISSUER", Issuer.NAME)
        .with("JWT_AUDIENCE", Issuer.AUDIENCE)
        .with("JWKS_REFRESH_SECONDS", "1");
    start(new InventoryGroup());
    assertThat(receive(RSA.token(claims())).status()).isEqualTo(201);
    assertThat(receive(STRANGER.token(claims())).status()).isEqualTo(401);

    Files.writeString(file, new JsonObject().put("keys", new JsonArray(Issuer.jwks(EC))).encode());

    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
    assertThat(receive(RSA.token(claims())).status()).isEqualTo(401);
    Files.delete(file);
    SigningKey unknown = SigningKey.ec("unknown");
    assertThat(receive(unknown.token(claims())).status()).as("looked for in vain").isEqualTo(401);
    assertThat(receive(EC.token(claims())).status()).isEqualTo(201);
  }

  // Settings.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "JWKS_URL=https://issuer.example/keys",
        "JWKS_URL=https://issuer.example/keys JWT_ISSUER=i",
        "JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=http://issuer.example/keys JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=http://10.0.0.1/keys JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=http://127.0.0.1.evil.example/ JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=nonsense JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_FILE=/nowhere/keys JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_FILE=/dev/null JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=https://i.example JWKS_FILE=/dev/null JWT_ISSUER=i JWT_AUDIENCE=a",
        "JWKS_URL=https://i.example JWT_ISSUER=i JWT_AUDIENCE=a JWKS_REFRESH_SECONDS=0",
        "ORDERS_REQUIRE_TOKEN=true",
        "ORDERS_REQUIRE_TOKEN=yes"
      })
  void settings_that_protect_nothing_stop_the_start(String variables) {
    for (String variable : variables.split(" ", -1)) {
      String[] parts = variable.split("=", 2);
      groups.with(parts[0], parts[1]);
    }
    assertThatThrownBy(() -> groups.startOnly(new OrdersGroup()))
        .isInstanceOf(SettingsException.class);
  }

  private void protectedInventory() {
    configured();
    start(new InventoryGroup());
  }

  private void configured() {
    groups
        .with("JWKS_URL", issuer.url())
        .with("JWT_ISSUER", Issuer.NAME)
        .with("JWT_AUDIENCE", Issuer.AUDIENCE);
  }

  private void start(VerticleGroup group) {
    url = TestGroups.url(groups.start(group));
  }

  private static JsonObject claims() {
    return Issuer.claims(OPERATE);
  }

  private static JsonObject without(String claim) {
    JsonObject claims = claims();
    claims.remove(claim);
    return claims;
  }

  private static String unsigned(String algorithm) {
    return Issuer.text(new JsonObject().put("alg", algorithm)) + "." + Issuer.text(claims());
  }

  private static String last(String token) {
    return token.substring(token.lastIndexOf('.') + 1);
  }

  private Answer receive(String token) {
    return post("/stock/cup/receipts", "{\"quantity\":1}", token);
  }

  private int level() {
    return Http.get(url + "/stock/cup").status();
  }

  private Answer order(String token) {
    return post("/orders", "{\"customer_id\":\"c1\",\"amount\":5}", token);
  }

  private Answer post(String path, String body, String token) {
    List<String> headers = new ArrayList<>();
    if (!token.isEmpty()) {
      headers.addAll(List.of("Authorization", "Bearer " + token));
    }
    return Http.post(url + path, body, headers.toArray(String[]::new));
  }
}
