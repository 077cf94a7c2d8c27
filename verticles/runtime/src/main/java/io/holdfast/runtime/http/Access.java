package io.holdfast.runtime.http;

import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.http.TokenKeys.Checker;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.NoSuchKeyIdException;
import io.vertx.ext.auth.User;
import io.vertx.ext.auth.authentication.TokenCredentials;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;

/**
 * Who may call what. With an issuer's keys configured, calls that operators make need a token of
 * that issuer with scope {@value #OPERATE}; placing and cancelling orders needs one with scope
 * {@value #ORDER} if that is configured, too. Without keys every call is open.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750">RFC 6750</a>, for the answers
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8725">RFC 8725</a>, for what is not believed
 */
public final class Access {

  public static final String OPERATE = "holdfast:operate";
  public static final String ORDER = "holdfast:order";

  /** What two clocks may differ by. */
  private static final Duration LEEWAY = Duration.ofSeconds(30);

  private static final int MAX_LENGTH = 8 * 1024;
  private static final Pattern TOKEN = Pattern.compile("[\\w-]+\\.[\\w-]+\\.[\\w-]+");
  static final Set<String> ALGORITHMS =
      Set.of(
          "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA");
  private static final String CHALLENGE = "Bearer realm=\"holdfast\"";

  private final TokenSettings settings;
  private final Optional<TokenKeys> keys;
  private final boolean reachable;
  private final Logger log;

  private Access(TokenSettings settings, Optional<TokenKeys> keys, boolean reachable, Logger log) {
    this.settings = settings;
    this.keys = keys;
    this.reachable = reachable;
    this.log = log;
  }

  /** Everybody may call everything. */
  public static Access open() {
    return new Access(
        TokenSettings.read(new Settings(Map.of())),
        Optional.empty(),
        false,
        Logging.of("access", Access.class));
  }

  /**
   * @param host that HTTP binds
   * @throws io.holdfast.runtime.config.SettingsException if a setting is at fault
   */
  public static Access of(Vertx vertx, String group, Settings settings, String host) {
    TokenSettings tokens = TokenSettings.read(settings);
    tokens.jwksFile().ifPresent(file -> checkNow(vertx, settings, file.toString()));
    Logger log = Logging.of(group, Access.class);
    Optional<TokenKeys> keys =
        tokens
            .jwksUrl()
            .map(url -> Jwks.at(vertx, url))
            .or(() -> tokens.jwksFile().map(file -> Jwks.in(vertx, file)))
            .map(source -> new TokenKeys(vertx, source, tokens.refresh(), log));
    return new Access(tokens, keys, !TokenSettings.loopback(host), log);
  }

  /** A file is there at the start, or never will be; an issuer may still come up. */
  private static void checkNow(Vertx vertx, Settings settings, String file) {
    try {
      Jwks.usable(vertx.fileSystem().readFileBlocking(file));
    } catch (RuntimeException e) {
      settings.fault("JWKS_FILE", file, "must name a file with the issuer's public keys");
    }
    settings.complete(() -> file);
  }

  /** A route of those who run the shop. */
  public Route operator(Route route) {
    if (keys.isEmpty() && reachable) {
      log.atWarn()
          .addKeyValue("route", route.methods() + " " + route.getPath())
          .log("Anybody who reaches this port may make operators' calls: JWKS_URL is not set");
    }
    return guarded(route, OPERATE);
  }

  /** A route of those who buy. */
  public Route customer(Route route) {
    return settings.ordersNeedOne() ? guarded(route, ORDER) : route;
  }

  /** Looks for keys no more. */
  public void close() {
    keys.ifPresent(TokenKeys::close);
  }

  private Route guarded(Route route, String scope) {
    keys.ifPresent(
        present -> {
          present.begin();
          route.handler(request -> enter(request, present, scope));
        });
    return route;
  }

  private void enter(RoutingContext request, TokenKeys keys, String scope) {
    List<String> headers = request.request().headers().getAll("Authorization");
    if (headers.size() != 1 || !headers.getFirst().regionMatches(true, 0, "Bearer ", 0, 7)) {
      request.response().putHeader("WWW-Authenticate", CHALLENGE);
      Problem.of(
              401,
              "token-missing",
              "This call needs a token",
              "Send one Authorization header: Bearer, and a token with scope " + scope)
          .send(request);
      return;
    }
    String token = headers.getFirst().substring(7).strip();
    Optional<String> fault = formFault(token);
    if (fault.isPresent()) {
      refuse(request, fault.get());
      return;
    }
    Optional<Checker> current = keys.now();
    if (current.isPresent()) {
      check(request, current.get(), keys, token, scope);
      return;
    }
    afterALook(
        keys,
        found ->
            found.ifPresentOrElse(
                checker -> check(request, checker, keys, token, scope),
                () ->
                    Problem.unavailable("The keys that tokens are checked with are not there yet")
                        .send(request)));
  }

  private void check(
      RoutingContext request, Checker checker, TokenKeys keys, String token, String scope) {
    verified(checker, token)
        .onSuccess(user -> judge(request, user, scope))
        .onFailure(
            cause -> {
              if (!(cause instanceof NoSuchKeyIdException)) {
                refuse(request, "It is not signed by the issuer, or cannot be read");
                return;
              }
              afterALook(
                  keys,
                  found ->
                      found
                          .map(newer -> verified(newer, token))
                          .orElseGet(() -> Future.failedFuture(cause))
                          .onSuccess(user -> judge(request, user, scope))
                          .onFailure(
                              still -> refuse(request, "It is signed by no key of the issuer's")));
            });
  }

  /** What its key has signed; what is in it is not judged yet. */
  private static Future<User> verified(Checker checker, String token) {
    try {
      return checker.auth().authenticate(new TokenCredentials(token));
    } catch (RuntimeException e) { // of a claim whose type is a surprise to the library
      return Future.failedFuture(e);
    }
  }

  /** A look that others wait for, too, ends anywhere; the request goes on where it belongs. */
  private static void afterALook(TokenKeys keys, Handler<Optional<Checker>> then) {
    Context own = Vertx.currentContext();
    keys.newer().onComplete(looked -> own.runOnContext(v -> then.handle(looked.result())));
  }

  /** What makes it no candidate at all, before anything is computed with it. */
  private static Optional<String> formFault(String token) {
    if (token.length() > MAX_LENGTH || !TOKEN.matcher(token).matches()) {
      return Optional.of("It is no signed token");
    }
    JsonObject header;
    try {
      header =
          new JsonObject(
              Buffer.buffer(Base64.getUrlDecoder().decode(token.substring(0, token.indexOf('.')))));
    } catch (DecodeException | IllegalArgumentException e) {
      return Optional.of("It is no signed token");
    }
    if (!(header.getValue("alg") instanceof String algorithm)
        || !ALGORITHMS.contains(algorithm)
        || header.containsKey("crit")
        || !(header.getValue("kid", "") instanceof String)) {
      return Optional.of("It is not signed in a way that is accepted here");
    }
    return Optional.empty();
  }

  private void judge(RoutingContext request, User user, String scope) {
    JsonObject claims = user.attributes().getJsonObject("accessToken");
    Optional<String> fault = claimFault(claims);
    if (fault.isPresent()) {
      refuse(request, fault.get());
    } else if (!scopes(claims).contains(scope)) {
      request
          .response()
          .putHeader(
              "WWW-Authenticate",
              CHALLENGE + ", error=\"insufficient_scope\", scope=\"" + scope + "\"");
      Problem.of(
              403,
              "scope-missing",
              "The token does not allow this call",
              "It has no scope " + scope)
          .send(request);
    } else {
      request.next();
    }
  }

  /** What is wrong with what a well-signed token says. */
  private Optional<String> claimFault(JsonObject claims) {
    long now = Instant.now().getEpochSecond();
    if (!settings.issuer().equals(claims.getValue("iss"))) {
      return Optional.of("It is of another issuer");
    }
    boolean meant =
        claims.getValue("aud") instanceof JsonArray several
            ? several.contains(settings.audience())
            : settings.audience().equals(claims.getValue("aud"));
    if (!meant) {
      return Optional.of("It is meant for another audience");
    }
    if (!(claims.getValue("exp") instanceof Number end)
        || now >= end.longValue() + LEEWAY.toSeconds()) {
      return Optional.of("It has expired, or does not say when it does");
    }
    for (String name : List.of("nbf", "iat")) {
      Object begin = claims.getValue(name);
      if (begin != null
          && !(begin instanceof Number from && from.longValue() <= now + LEEWAY.toSeconds())) {
        return Optional.of("It is not valid yet");
      }
    }
    return Optional.empty();
  }

  /** As issuers write them: {@code "scope": "a b"}, or {@code "scp": ["a", "b"]}. */
  private static List<?> scopes(JsonObject claims) {
    if (claims.getValue("scope") instanceof String list) {
      return List.of(list.split(" ", -1));
    }
    return claims.getValue("scp") instanceof JsonArray list ? list.getList() : List.of();
  }

  private static void refuse(RoutingContext request, String reason) {
    request
        .response()
        .putHeader(
            "WWW-Authenticate",
            CHALLENGE + ", error=\"invalid_token\", error_description=\"" + reason + "\"");
    Problem.of(401, "token-refused", "The token is not accepted", reason).send(request);
  }
}
