package io.holdfast.notifications.channel;

import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Notification;
import io.holdfast.runtime.resilience.Bulkhead;
import io.holdfast.runtime.telemetry.Meters;
import io.micrometer.core.instrument.Counter;
import io.vertx.circuitbreaker.CircuitBreaker;
import io.vertx.circuitbreaker.CircuitBreakerOptions;
import io.vertx.circuitbreaker.CircuitBreakerState;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every channel to the outside has around it: a bound on the calls at once, a breaker, a log
 * line and counters. One event loop's alone.
 */
public final class OutsideChannel implements Channel {

  private static final Logger log = LoggerFactory.getLogger(OutsideChannel.class);

  /**
   * Failures count as consecutive however long they take to happen; only a success forgets them.
   */
  private static final long ROLLING_WINDOW_MILLIS = Duration.ofMinutes(10).toMillis();

  /** With the call itself far below the bridge's own limit on a handler. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration COME_BACK = Duration.ofSeconds(1);

  private final Channel outside;
  private final Meters meters;
  private final Bulkhead bulkhead;
  private final CircuitBreaker breaker;
  private final Duration reset;
  private volatile long openedNanos;

  /**
   * @param atOnce how many notifications it may be telling at a time
   * @param limit how long it takes to tell one, at most; the channel itself holds to that
   * @param breakerFailures consecutive failures at which it is left alone
   * @param reset how long it is, before one attempt is let through
   */
  public OutsideChannel(
      Vertx vertx,
      Channel outside,
      int atOnce,
      Duration limit,
      int breakerFailures,
      Duration reset,
      Meters meters) {
    this.outside = outside;
    this.meters = meters;
    this.reset = reset;
    this.bulkhead = new Bulkhead(vertx, atOnce, PATIENCE);
    String name = "notification-" + outside.name();
    this.breaker =
        CircuitBreaker.create(
                name,
                vertx,
                new CircuitBreakerOptions()
                    .setMaxFailures(breakerFailures)
                    .setFailuresRollingWindow(ROLLING_WINDOW_MILLIS)
                    .setTimeout(limit.plusSeconds(1).toMillis())
                    .setResetTimeout(reset.toMillis()))
            .openHandler(
                v -> {
                  openedNanos = System.nanoTime();
                  changed(name, "open");
                })
            .halfOpenHandler(v -> changed(name, "half_open"))
            .closeHandler(v -> changed(name, "closed"));
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

  @Override
  public String name() {
    return outside.name();
  }

  @Override
  public boolean needsAddress() {
    return outside.needsAddress();
  }

  @Override
  public Future<Void> send(Notification notification, String address) {
    return bulkhead
        .enter(() -> guarded(notification, address))
        .recover(failure -> Future.failedFuture(ifFull(failure)))
        .onSuccess(
            told ->
                log.atInfo()
                    .addKeyValue("order_id", notification.orderId())
                    .addKeyValue("trace_id", notification.traceId())
                    .addKeyValue("channel", name())
                    .addKeyValue("template", notification.template())
                    .log("Customer notified"))
        .onFailure(failure -> failures(kind(failure)).increment());
  }

  private static Throwable ifFull(Throwable failure) {
    return failure instanceof Bulkhead.Full
        ? new Unavailable("the channel is busy", Optional.of(COME_BACK), true)
        : failure;
  }

  private Future<Void> guarded(Notification notification, String address) {
    return breaker
        .execute(() -> answer(notification, address))
        .recover(failure -> Future.failedFuture(whileOpen(failure)))
        .compose(
            refused ->
                refused.isPresent()
                    ? Future.failedFuture(refused.get())
                    : Future.<Void>succeededFuture());
  }

  /** A refusal is an answer: for the breaker the channel is well. */
  private Future<Optional<Refused>> answer(Notification notification, String address) {
    return outside
        .send(notification, address)
        .map(told -> Optional.<Refused>empty())
        .recover(
            failure ->
                failure instanceof Refused refused
                    ? Future.succeededFuture(Optional.of(refused))
                    : Future.failedFuture(failure));
  }

  /**
   * What fails while the breaker is not closed is the channel's outage, be it the call that opened
   * it or the probe that found no change: no notification is to be given up for that.
   */
  private Throwable whileOpen(Throwable failure) {
    return failure instanceof OpenCircuitException
            || (failure instanceof Unavailable && breaker.state() != CircuitBreakerState.CLOSED)
        ? new Unavailable("the channel's breaker is open", Optional.of(untilNextProbe()), true)
        : failure;
  }

  private Duration untilNextProbe() {
    Duration wait =
        breaker.state() == CircuitBreakerState.OPEN
            ? reset.minusNanos(System.nanoTime() - openedNanos)
            : Duration.ZERO;
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  private static void changed(String name, String state) {
    log.atWarn().addKeyValue("breaker", name).addKeyValue("state", state).log("Breaker " + state);
  }

  private static String kind(Throwable failure) {
    return switch (failure) {
      case Refused refused -> "refused";
      case Unavailable unavailable when unavailable.outage() -> "not_tried";
      case Unavailable unavailable -> "unavailable";
      default -> "error";
    };
  }

  private Counter failures(String kind) {
    return Counter.builder("notification_failures")
        .description("Attempts to tell a customer that came to nothing")
        .tag("channel", name())
        .tag("kind", kind)
        .register(meters.registry());
  }
}
