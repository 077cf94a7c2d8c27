package io.holdfast.notifications.channel;

import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Notification;
import io.holdfast.runtime.resilience.Breaker;
import io.holdfast.runtime.resilience.Bulkhead;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.circuitbreaker.TimeoutException;
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

  /** With the call itself far below the bridge's own limit on a handler. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration COME_BACK = Duration.ofSeconds(1);

  private final Channel outside;
  private final Meters meters;
  private final Tracing tracing;
  private final Bulkhead bulkhead;
  private final Breaker breaker;

  /**
   * @param atOnce how many notifications it may be telling at a time
   */
  public OutsideChannel(
      Vertx vertx, Channel outside, int atOnce, Breaker breaker, Meters meters, Tracing tracing) {
    this.tracing = tracing;
    this.outside = outside;
    this.meters = meters;
    this.breaker = breaker;
    this.bulkhead = new Bulkhead(vertx, atOnce, PATIENCE);
  }

  @Override
  public Pace pace() {
    return breaker;
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
        .guard(() -> answer(notification, address))
        .recover(failure -> Future.failedFuture(whileOpen(failure)))
        .compose(
            refused ->
                refused.isPresent()
                    ? Future.failedFuture(refused.get())
                    : Future.<Void>succeededFuture());
  }

  private Future<Void> told(Notification notification, String address) {
    if (!tracing.on()) {
      return outside.send(notification, address);
    }
    Work work = tracing.calls(notification.orderId(), "send " + name());
    return outside.send(notification, address).onComplete(done -> work.end(done.cause()));
  }

  /** A refusal is an answer: for the breaker the channel is well. */
  private Future<Optional<Refused>> answer(Notification notification, String address) {
    return told(notification, address)
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
    boolean outage = failure instanceof Unavailable || failure instanceof TimeoutException;
    return failure instanceof OpenCircuitException || (outage && !breaker.closed())
        ? new Unavailable("the channel's breaker is open", Optional.of(breaker.untilMore()), true)
        : failure;
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
