package io.holdfast.orders;

import io.holdfast.orders.http.OrderFollowers;
import io.holdfast.orders.http.OrderRoutes;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import java.time.Clock;
import java.util.List;
import java.util.Set;

/** Orders' composition root. */
public final class OrdersGroup implements VerticleGroup {

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
        List.of(new OrderVerticle(context.streams(), context.meters(), clock)),
        new OrderRoutes(desk, followers)::mount);
  }
}
