package io.holdfast.payments;

import io.holdfast.events.EventType;
import io.holdfast.payments.PaymentGateway.Unavailable;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.jetstream.Overdue;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.jetstream.OverdueWatch;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks, every so often, for reservations that are past their deadline and have no payment: those
 * that {@code payments-charge} has not settled, and those that it has parked. Counts them, and ends
 * them if they have a deadline at all. Needs no timer and remembers nothing that it could not find
 * again.
 */
final class ReservationSweeper extends VerticleBase {

  private static final Logger log = LoggerFactory.getLogger(ReservationSweeper.class);

  private static final Wait UNPAID =
      new Wait(
          "reserved",
          PaymentVerticle.CHARGE,
          Set.of(EventType.INVENTORY_RESERVED),
          Set.of(
              EventType.PAYMENT_PROCESSED,
              EventType.PAYMENT_FAILED,
              EventType.PAYMENT_VOIDED,
              EventType.PAYMENT_REFUNDED));

  /** Those that one sweep ends. */
  private static final int MAX_EXPIRED = 500;

  private static final Duration DOUBT_TO_CHECK = Duration.ofMinutes(1);
  private static final int MAX_DOUBTS = 500;

  private final PaymentVerticle payments;
  private final PaymentSettings settings;
  private final Duration late;
  private final Clock clock;
  private final Overdue unpaid;
  private boolean sweeping;

  private volatile int count;

  ReservationSweeper(
      GroupContext context, PaymentVerticle payments, PaymentSettings settings, Clock clock) {
    this.payments = payments;
    this.settings = settings;
    this.late = settings.reservationTtl().orElse(context.common().orderDeadline());
    this.clock = clock;
    this.unpaid =
        new Overdue(context.streams(), context.reader(), context.common().subjects(), UNPAID);
    OverdueWatch.gauge(context.meters(), UNPAID, () -> count);
  }

  @Override
  public Future<?> start() {
    vertx.setPeriodic(settings.sweepInterval().toMillis(), id -> sweep());
    return Future.succeededFuture();
  }

  private void sweep() {
    if (sweeping) {
      return;
    }
    sweeping = true;
    unpaid
        .before(clock.instant().minus(late))
        .compose(
            open -> {
              count = open.size();
              return settings.reservationTtl().isPresent() ? expireAll(open) : done();
            })
        .compose(v -> forgetResolvedDoubts())
        .onComplete(
            done -> {
              sweeping = false;
              if (done.failed()) { // the broker's trouble; nothing is lost by waiting
                log.atDebug()
                    .addKeyValue("error", String.valueOf(done.cause()))
                    .log("A sweep was cut off");
              }
            });
  }

  /** One after the other: a gateway that has been out is not to be run over. */
  private Future<Void> expireAll(List<Stored> open) {
    List<Stored> some = open.subList(0, Math.min(open.size(), MAX_EXPIRED));
    List<Throwable> failures = new ArrayList<>();
    return expire(some.iterator(), failures)
        .onSuccess(
            done -> {
              if (!failures.isEmpty()) {
                log.atWarn()
                    .addKeyValue("orders", failures.size())
                    .addKeyValue("error", failures.getLast().toString())
                    .log("Could not expire reservations");
              }
            });
  }

  private Future<Void> expire(Iterator<Stored> rest, List<Throwable> failures) {
    if (!rest.hasNext()) {
      return done();
    }
    Stored reserved = rest.next();
    return payments
        .expire(reserved)
        .transform(
            done -> {
              if (done.failed() && done.cause() instanceof Unavailable gone && gone.outage()) {
                return done(); // nobody can be asked, so none of the others can end here either
              }
              if (done.failed()) {
                failures.add(done.cause());
                unpaid.defer(reserved);
              }
              return expire(rest, failures);
            });
  }

  /** Another replica may have found out what came of a charge that was sent from here. */
  private Future<Void> forgetResolvedDoubts() {
    return unpaid
        .answered(payments.doubts().olderThan(DOUBT_TO_CHECK, MAX_DOUBTS))
        .onSuccess(answered -> answered.forEach(payments.doubts()::resolved))
        .mapEmpty();
  }

  private static Future<Void> done() {
    return Future.succeededFuture();
  }
}
