package io.holdfast.orders;

import io.holdfast.events.EventType;
import io.holdfast.orders.http.OrderFollowers;
import io.holdfast.orders.http.OrderRoutes;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.jetstream.OverdueWatch;
import java.time.Clock;
import java.util.List;
import java.util.Set;

/** Orders' composition root. */
public final class OrdersGroup implements VerticleGroup {

  private static final Set<EventType> ENDED =
      Set.of(EventType.ORDER_CONFIRMED, EventType.ORDER_CANCELLED);
  private static final Wait PAID_OR_DECLINED =
      new Wait(
          "paid_or_declined",
          "orders-settle",
          Set.of(EventType.PAYMENT_PROCESSED, EventType.PAYMENT_FAILED),
          ENDED);
  private static final Wait REJECTED =
      new Wait("rejected", "orders-reject", Set.of(EventType.INVENTORY_REJECTED), ENDED);

  @Override
  public String name() {
    return "orders";
  }

  @Override
  public int defaultPort() {
    return 8080;
  }

  @Override
  public Set<String> streams() {
    return Set.of("ORDERS", "INVENTORY", "PAYMENTS", "DEADLETTERS", "REDRIVES");
  }

  @Override
  public Parts assemble(GroupContext context) {
    Clock clock = Clock.systemUTC();
    OrderDesk desk = new OrderDesk(context.streams(), clock);
    OrderFollowers followers = new OrderFollowers(context.vertx(), context.streams(), desk);
    return new Parts(
        List.of(
            new OrderVerticle(context.streams(), context.meters(), context.tracing(), clock),
            new OverdueWatch(context, PAID_OR_DECLINED, clock),
            new OverdueWatch(context, REJECTED, clock)),
        new OrderRoutes(desk, followers, context.access(), context.common().subjects().namespace())
            ::mount);
  }
}
