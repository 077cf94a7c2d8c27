package io.holdfast.inventory;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Origin;
import io.holdfast.inventory.StockDesk.Settled;
import io.holdfast.inventory.StockDesk.Settled.Committed;
import io.holdfast.inventory.StockDesk.Settled.Superseded;
import io.holdfast.inventory.domain.ReleaseRules;
import io.holdfast.inventory.domain.StockRequest.Reserve;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Reactions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Holds stock for orders and frees it for cancelled ones. */
public final class InventoryVerticle extends VerticleBase {

  private static final int MAX_DECISIONS = 5;
  private static final Logger log = LoggerFactory.getLogger(InventoryVerticle.class);

  private final EventStreams streams;
  private final StockDesk desk;
  private final Duration alone;

  /**
   * @param alone for so long after it was stored a message that is delivered for the first time is
   *     with nobody else; zero if that cannot be said
   */
  public InventoryVerticle(EventStreams streams, StockDesk desk, Duration alone) {
    this.streams = streams;
    this.desk = desk;
    this.alone = alone;
  }

  @Override
  public Future<?> start() {
    return Future.all(
        streams.consume("inventory-reserve", Reactions.on(OrderCreated.class, this::reserve)),
        streams.consume("inventory-release", Reactions.on(OrderCancelled.class, this::release)));
  }

  private Future<Outcome> reserve(Delivery<OrderCreated> created) {
    Origin origin = new Origin(created.sequence(), created.envelope().timestamp());
    return desk.submit(
            new Reserve(
                created.event(),
                origin,
                created.traceId(),
                !created.redelivered(),
                alone.isZero() ? Instant.EPOCH : created.storedAt().plus(alone)))
        .map(
            settled -> {
              if (settled instanceof Committed committed) {
                log(committed.fact(), created);
                return Outcome.DONE;
              }
              return new Outcome.Ignored("was decided before");
            });
  }

  private Future<Outcome> release(Delivery<OrderCancelled> cancelled) {
    if (cancelled.event().reason() == CancelReason.OUT_OF_STOCK) {
      return Future.succeededFuture(new Outcome.Ignored("was rejected, so nothing is held"));
    }
    return release(cancelled, 1);
  }

  private Future<Outcome> release(Delivery<OrderCancelled> cancelled, int decision) {
    String orderId = cancelled.event().orderId();
    return streams
        .load(Domain.INVENTORY, orderId)
        .map(
            history ->
                ReleaseRules.onCancelled(
                    orderId,
                    history.find(InventoryReserved.class),
                    history.find(InventoryRejected.class),
                    history.find(InventoryReleased.class),
                    history.lastSequence(),
                    cancelled.traceId()))
        .compose(
            request ->
                request.isEmpty()
                    ? Future.succeededFuture(new Outcome.Ignored("nothing to release"))
                    : desk.submit(request.get())
                        .compose(settled -> released(settled, cancelled, decision)));
  }

  private Future<Outcome> released(
      Settled settled, Delivery<OrderCancelled> cancelled, int decision) {
    return switch (settled) {
      case Committed committed -> {
        log(committed.fact(), cancelled);
        yield Future.succeededFuture(Outcome.DONE);
      }
      // The reservation came in between: what it holds is to be freed.
      case Superseded other ->
          decision < MAX_DECISIONS
              ? release(cancelled, decision + 1)
              : Future.failedFuture("the order's inventory facts change all the time");
    };
  }

  private static void log(Event fact, Delivery<?> cause) {
    String message =
        switch (fact) {
          case InventoryReserved reserved -> "Inventory reserved";
          case InventoryRejected rejected -> "Inventory rejected, out of stock";
          case InventoryReleased released -> "Inventory released";
          default -> fact.getClass().getSimpleName();
        };
    log.atInfo()
        .addKeyValue("order_id", fact.aggregateId())
        .addKeyValue("trace_id", cause.traceId())
        .log(message);
  }
}
