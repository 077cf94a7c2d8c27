package io.holdfast.inventory;

import io.holdfast.events.EventType;
import io.holdfast.inventory.http.StockRoutes;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.jetstream.OverdueWatch;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** Inventory's composition root. */
public final class InventoryGroup implements VerticleGroup {

  private static final Set<EventType> SETTLED =
      Set.of(EventType.INVENTORY_RELEASED, EventType.INVENTORY_REJECTED);
  private static final Wait UNRESERVED =
      new Wait(
          "created",
          "inventory-reserve",
          Set.of(EventType.ORDER_CREATED),
          Set.of(
              EventType.INVENTORY_RESERVED,
              EventType.INVENTORY_REJECTED,
              EventType.INVENTORY_RELEASED));
  private static final Wait UNRELEASED =
      new Wait(
          "cancelled_unreleased", "inventory-release", Set.of(EventType.ORDER_CANCELLED), SETTLED);

  @Override
  public String name() {
    return "inventory";
  }

  @Override
  public int defaultPort() {
    return 8081;
  }

  @Override
  public Set<String> streams() {
    return Set.of("ORDERS", "INVENTORY", "DEADLETTERS", "REDRIVES");
  }

  /**
   * Half of ACK_WAIT_MS, as clocks may differ. The brokers of a cluster may forget in a change of
   * leaders that a message is with somebody; and its small batches are cheap, as it stages them in
   * memory.
   */
  private static Duration alone(CommonSettings settings) {
    return settings.streamReplicas() == 1 ? settings.ackWait().dividedBy(2) : Duration.ZERO;
  }

  @Override
  public Parts assemble(GroupContext context) {
    int maxBatch =
        context.settings().integer("INVENTORY_MAX_BATCH", 500, 1, EventStreams.MAX_BATCH);
    StockDesk desk =
        context
            .settings()
            .complete(
                () ->
                    new StockDesk(context.vertx(), context.streams(), Clock.systemUTC(), maxBatch));
    return new Parts(
        List.of(
            new InventoryVerticle(context.streams(), desk, alone(context.common())),
            new OverdueWatch(context, UNRESERVED, Clock.systemUTC()),
            new OverdueWatch(context, UNRELEASED, Clock.systemUTC())),
        new StockRoutes(
                context.streams(), desk, context.access(), context.common().subjects().namespace())
            ::mount);
  }
}
