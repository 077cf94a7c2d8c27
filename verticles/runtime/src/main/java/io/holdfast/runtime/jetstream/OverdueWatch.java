package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.util.function.IntSupplier;

/**
 * Counts the orders that wait too long in one state, as {@code orders_past_deadline{state}}: the
 * figure that says that something is stuck, whatever it is.
 */
public final class OverdueWatch extends VerticleBase {

  private static final long MIN_LOOK_MILLIS = 500;
  private static final long MAX_LOOK_MILLIS = 10_000;

  private final Overdue overdue;
  private final Duration deadline;
  private final Clock clock;
  private boolean looking;
  private volatile int count;

  /**
   * @param context the group's whose consumer it is
   */
  public OverdueWatch(GroupContext context, Wait wait, Clock clock) {
    this.overdue =
        new Overdue(context.streams(), context.reader(), context.common().subjects(), wait);
    this.deadline = context.common().orderDeadline();
    this.clock = clock;
    gauge(context.meters(), wait, () -> count);
  }

  /** The one figure of all states, for whoever counts them himself. */
  public static void gauge(Meters meters, Wait wait, IntSupplier count) {
    meters.gauge(
        "orders_past_deadline",
        "Orders that should be further by now",
        "state",
        wait.state(),
        count::getAsInt);
  }

  @Override
  public Future<?> start() {
    long every = Math.clamp(deadline.toMillis() / 2, MIN_LOOK_MILLIS, MAX_LOOK_MILLIS);
    vertx.setPeriodic(every, id -> look());
    return Future.succeededFuture();
  }

  private void look() {
    if (looking) {
      return;
    }
    looking = true;
    overdue
        .before(clock.instant().minus(deadline))
        .onSuccess(found -> count = found.size())
        .onComplete(done -> looking = false); // the broker's trouble shows elsewhere
  }
}
