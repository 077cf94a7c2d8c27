package io.holdfast.runtime.http;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.JWTOptions;
import io.vertx.ext.auth.jwt.JWTAuth;
import io.vertx.ext.auth.jwt.JWTAuthOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * The issuer's keys, looked at in the background. While they cannot be had, the last ones go on
 * being used; new ones replace the old ones altogether, so that a key which the issuer took back
 * counts no more.
 */
final class TokenKeys {

  private static final Duration FIRST_RETRY = Duration.ofMillis(500);

  /** Strangers, whose tokens name keys that nobody has, must not make us ask all the time. */
  private static final Duration BETWEEN_EXTRA_LOOKS = Duration.ofSeconds(10);

  private final Vertx vertx;
  private final Supplier<Future<Buffer>> source;
  private final Duration refresh;
  private final Logger log;

  private volatile Checker keys;
  private long extraLookAt = System.nanoTime() - BETWEEN_EXTRA_LOOKS.toNanos();
  private boolean begun;
  private boolean closed;
  private long timer = -1;
  private int failures;
  private Future<Optional<Checker>> underWay;

  /**
   * @param refresh how often they are looked at
   */
  TokenKeys(Vertx vertx, Supplier<Future<Buffer>> source, Duration refresh, Logger log) {
    this.vertx = vertx;
    this.source = source;
    this.refresh = refresh;
    this.log = log;
  }

  /**
   * What checks signatures with the keys of one look.
   *
   * @param auth knows at least one key: with none it would take tokens without a signature
   */
  record Checker(List<JsonObject> keys, JWTAuth auth) {}

  /** Begins to look, and goes on until closed. */
  synchronized void begin() {
    if (!begun) {
      begun = true;
      look();
    }
  }

  synchronized void close() {
    closed = true;
    vertx.cancelTimer(timer);
  }

  /** Empty until the first keys are there. */
  Optional<Checker> now() {
    return Optional.ofNullable(keys);
  }

  /**
   * For a token whose key is not known: the keys after a look, which waits for the one under way.
   * Empty if one was made for such a token a moment ago.
   */
  synchronized Future<Optional<Checker>> newer() {
    if (underWay != null) {
      return underWay;
    }
    long now = System.nanoTime();
    if (closed || now - extraLookAt < BETWEEN_EXTRA_LOOKS.toNanos()) {
      return Future.succeededFuture(Optional.empty());
    }
    extraLookAt = now;
    return look();
  }

  private synchronized Future<Optional<Checker>> look() {
    vertx.cancelTimer(timer);
    Future<Optional<Checker>> look =
        source
            .get()
            .map(text -> checker(Jwks.usable(text)))
            .map(Optional::of)
            .otherwise(
                trouble -> {
                  failed(trouble);
                  return Optional.empty();
                });
    underWay = look;
    look.onComplete(done -> looked(done.result()));
    return look;
  }

  private Checker checker(List<JsonObject> found) {
    Checker current = keys;
    if (current != null && current.keys().equals(found)) {
      return current;
    }
    JWTAuthOptions options =
        new JWTAuthOptions()
            // What a token says is checked by whoever asks for it, with reasons.
            .setJWTOptions(new JWTOptions().setIgnoreExpiration(true));
    found.forEach(options::addJwk);
    log.atInfo().addKeyValue("keys", found.size()).log("Token keys taken over");
    return new Checker(found, JWTAuth.create(vertx, options));
  }

  private synchronized void failed(Throwable trouble) {
    if (failures++ == 0) {
      log.atWarn()
          .addKeyValue("error", String.valueOf(trouble.getMessage()))
          .log(
              keys == null
                  ? "Cannot get the keys that tokens are checked with"
                  : "Cannot get the keys that tokens are checked with, going on with the last"
                      + " ones");
    }
  }

  private synchronized void looked(Optional<Checker> found) {
    underWay = null;
    found.ifPresent(
        checker -> {
          keys = checker;
          failures = 0;
        });
    if (!closed) {
      timer = vertx.setTimer(untilNext().toMillis(), id -> look());
    }
  }

  /** Sooner after a failure, but not ever so often. */
  private Duration untilNext() {
    if (failures == 0) {
      return refresh;
    }
    Duration wait = FIRST_RETRY.multipliedBy(1L << Math.min(failures, 7));
    return wait.compareTo(refresh) < 0 ? wait : refresh;
  }
}
