package io.holdfast.runtime.resilience;

import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.circuitbreaker.CircuitBreaker;
import io.vertx.circuitbreaker.CircuitBreakerOptions;
import io.vertx.circuitbreaker.CircuitBreakerState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * The circuit breaker in front of somebody outside, what can be told about it, and the pace at
 * which it lets work come: none while it is open, one while it is half-open, and then ever more.
 *
 * @see <a href="https://vertx.io/docs/vertx-circuit-breaker/java/">the one inside</a>
 */
public final class Breaker implements Pace {

  /**
   * Failures count as consecutive however long they take to happen; only a success forgets them.
   */
  private static final long ROLLING_WINDOW_MILLIS = Duration.ofMinutes(10).toMillis();

  private static final Duration RAMP_STEP = Duration.ofSeconds(1);

  private final String name;
  private final Logger log;
  private final CircuitBreaker breaker;
  private final Duration reset;
  private final Clock clock;
  private final Ramp ramp = new Ramp(RAMP_STEP);
  private volatile Instant openedAt;

  /** The one inside forgets its count when a call ends well that began before it opened. */
  private volatile long failuresAtOpening;

  /**
   * When it opens, and for how long.
   *
   * @param failures consecutive ones that open it
   * @param callLimit what one call may take; the call itself holds to that, and this is the net
   * @param reset how long it stays open, before one call is let through
   */
  public record Limits(int failures, Duration callLimit, Duration reset) {}

  /**
   * @param group in whose name it writes its log
   */
  public Breaker(
      Vertx vertx, String group, String name, Limits limits, Meters meters, Clock clock) {
    this.name = name;
    this.log = Logging.of(group, Breaker.class);
    this.clock = clock;
    this.reset = limits.reset();
    this.breaker =
        CircuitBreaker.create(
                name,
                vertx,
                new CircuitBreakerOptions()
                    .setMaxFailures(limits.failures())
                    .setFailuresRollingWindow(ROLLING_WINDOW_MILLIS)
                    // In Vert.x "timeout" is what one call may take, and "reset timeout" is how
                    // long it stays open.
                    .setTimeout(limits.callLimit().plusSeconds(1).toMillis())
                    .setResetTimeout(reset.toMillis()))
            .openHandler(
                v -> {
                  ramp.hold();
                  failuresAtOpening = failures();
                  changed("open", clock.instant());
                })
            .halfOpenHandler(v -> changed("half_open", openedAt))
            .closeHandler(
                v -> {
                  ramp.go(System.nanoTime());
                  failuresAtOpening = 0;
                  changed("closed", null);
                });
    meters.gauge(
        "circuit_breaker_state",
        "0 closed, 1 half-open, 2 open",
        "name",
        name,
        () ->
            switch (breaker.state()) {
              case CLOSED -> 0;
              case HALF_OPEN -> 1;
              case OPEN -> 2;
            });
  }

  /**
   * Makes the call if the breaker lets it through.
   *
   * @return what comes of the call; fails with {@link io.vertx.circuitbreaker.OpenCircuitException}
   *     if it was not made
   */
  public <T> Future<T> guard(Supplier<Future<T>> call) {
    return breaker.execute(() -> call.get().onFailure(failure -> ramp.failed(System.nanoTime())));
  }

  public String name() {
    return name;
  }

  /** {@code closed}, {@code open} or {@code half_open}. */
  public String state() {
    return breaker.state().name().toLowerCase(Locale.ROOT);
  }

  public boolean closed() {
    return breaker.state() == CircuitBreakerState.CLOSED;
  }

  /** Consecutive ones up to now; if it is not closed, those that opened it or more. */
  public long failures() {
    return Math.max(failuresAtOpening, breaker.failureCount());
  }

  /** When it opened, if it is not closed. */
  public Optional<Instant> openedAt() {
    return closed() ? Optional.empty() : Optional.ofNullable(openedAt);
  }

  /** When the next call is let through, if it is open. */
  public Optional<Instant> nextProbeAt() {
    return breaker.state() == CircuitBreakerState.OPEN
        ? openedAt().map(opened -> opened.plus(reset))
        : Optional.empty();
  }

  @Override
  public int limit() {
    return switch (breaker.state()) {
      case OPEN -> 0;
      case HALF_OPEN -> 1;
      case CLOSED -> ramp.limit(System.nanoTime());
    };
  }

  /** Until the next call is let through. */
  @Override
  public Duration untilMore() {
    Duration wait =
        nextProbeAt().map(at -> Duration.between(clock.instant(), at)).orElse(Duration.ZERO);
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  private void changed(String state, Instant since) {
    openedAt = since;
    log.atLevel(since == null ? Level.INFO : Level.WARN)
        .addKeyValue("breaker", name)
        .addKeyValue("state", state)
        .log("Breaker " + state);
  }
}
