package io.holdfast.payments.stripe;

import io.holdfast.payments.PaymentSettings;
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
import org.slf4j.LoggerFactory;

/** The circuit breaker in front of the payment gateway, and what can be told about it. */
public final class GatewayBreaker {

  private static final String NAME = "payment-gateway";
  private static final Logger log = LoggerFactory.getLogger(GatewayBreaker.class);

  /**
   * Failures count as consecutive however long they take to happen; only a success forgets them.
   */
  private static final long ROLLING_WINDOW_MILLIS = Duration.ofMinutes(10).toMillis();

  private final CircuitBreaker breaker;
  private final Duration reset;
  private final Clock clock;
  private volatile Instant openedAt;

  public GatewayBreaker(Vertx vertx, PaymentSettings settings, Meters meters, Clock clock) {
    this.clock = clock;
    this.reset = settings.breakerReset();
    this.breaker =
        CircuitBreaker.create(
                NAME,
                vertx,
                new CircuitBreakerOptions()
                    .setMaxFailures(settings.breakerFailures())
                    .setFailuresRollingWindow(ROLLING_WINDOW_MILLIS)
                    // In Vert.x "timeout" is what one call may take; the request's own limit comes
                    // first.
                    .setTimeout(settings.gatewayTimeout().plusSeconds(1).toMillis())
                    .setResetTimeout(reset.toMillis()))
            .openHandler(v -> changed("open", clock.instant()))
            .halfOpenHandler(v -> changed("half_open", openedAt))
            .closeHandler(v -> changed("closed", null));
    meters.gauge(
        "circuit_breaker_state",
        "0 closed, 1 half-open, 2 open",
        "name",
        NAME,
        () ->
            switch (breaker.state()) {
              case CLOSED -> 0;
              case HALF_OPEN -> 1;
              case OPEN -> 2;
            });
  }

  /** Makes the call if the breaker lets it through; else fails at once. */
  public <T> Future<T> guard(Supplier<Future<T>> call) {
    return breaker.execute(call);
  }

  public String name() {
    return NAME;
  }

  /** {@code closed}, {@code open} or {@code half_open}. */
  public String state() {
    return breaker.state().name().toLowerCase(Locale.ROOT);
  }

  public boolean closed() {
    return breaker.state() == CircuitBreakerState.CLOSED;
  }

  public long failures() {
    return breaker.failureCount();
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

  /** How long to wait for that; never negative. */
  public Duration untilNextProbe() {
    Duration wait =
        nextProbeAt().map(at -> Duration.between(clock.instant(), at)).orElse(Duration.ZERO);
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  private void changed(String state, Instant since) {
    openedAt = since;
    log.atWarn().addKeyValue("breaker", NAME).addKeyValue("state", state).log("Breaker " + state);
  }
}
