package io.holdfast.orders;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Origin;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.orders.domain.Order;
import io.holdfast.orders.domain.OrderRules;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings orders to their end: confirmed when paid, cancelled when declined or out of stock. */
public final class OrderVerticle extends VerticleBase {

  private static final int MAX_DECISIONS = 5;
  private static final String CONFIRMED = "confirmed";
  private static final String CANCELLED = "cancelled";
  private static final Logger log = LoggerFactory.getLogger(OrderVerticle.class);

  private final EventStreams streams;
  private final Meters meters;
  private final Tracing tracing;
  private final Clock clock;

  public OrderVerticle(EventStreams streams, Meters meters, Clock clock) {
    this(streams, meters, Tracing.OFF, clock);
  }

  /**
   * @param tracing the group's, whose traces the metrics name as examples
   */
  public OrderVerticle(EventStreams streams, Meters meters, Tracing tracing, Clock clock) {
    this.streams = streams;
    this.tracing = tracing;
    this.meters = meters;
    meters.endToEnd(CONFIRMED); // from 0 on: nobody sees a counter grow that begins at 1
    meters.endToEnd(CANCELLED);
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    return Future.all(
        streams.consume(
            "orders-settle",
            Reactions.on(PaymentProcessed.class, this::paid)
                .and(PaymentFailed.class, this::declined)),
        streams.consume("orders-reject", Reactions.on(InventoryRejected.class, this::rejected)));
  }

  private Future<Outcome> paid(Delivery<PaymentProcessed> paid) {
    OrderEvent confirmed = OrderRules.on(paid.event());
    return paid.event().origin() == null
        ? settle(paid, paid.event().orderId(), order -> confirmed)
        : append(paid, confirmed, paid.event().origin(), 1);
  }

  private Future<Outcome> declined(Delivery<PaymentFailed> declined) {
    PaymentFailed event = declined.event();
    return event.origin() == null || event.customerId() == null
        ? settle(declined, event.orderId(), order -> OrderRules.on(event, order.customerId()))
        : append(declined, OrderRules.on(event, event.customerId()), event.origin(), 1);
  }

  private Future<Outcome> rejected(Delivery<InventoryRejected> rejected) {
    InventoryRejected event = rejected.event();
    return event.origin() == null || event.customerId() == null
        ? settle(rejected, event.orderId(), order -> OrderRules.on(event, order.customerId()))
        : append(rejected, OrderRules.on(event, event.customerId()), event.origin(), 1);
  }

  private interface Ending {
    OrderEvent of(OrderCreated order);
  }

  /** Without an origin the order has to be read first. */
  private Future<Outcome> settle(Delivery<?> cause, String orderId, Ending ending) {
    return streams
        .load(Domain.ORDERS, orderId)
        .compose(
            history -> {
              Optional<OrderCreated> order = history.find(OrderCreated.class);
              if (order.isEmpty()) {
                return Future.failedFuture("there is no order " + orderId);
              }
              Instant createdAt = history.events().getFirst().envelope().timestamp();
              Order state = state(history);
              return state.isFinal()
                  ? Future.succeededFuture(new Ignored("is " + state.status()))
                  : append(
                      cause,
                      ending.of(order.get()),
                      new Origin(history.lastSequence(), createdAt),
                      1);
            });
  }

  /**
   * The hot path reads nothing: the origin says which sequence the order's last fact has, if it is
   * still pending.
   */
  private Future<Outcome> append(
      Delivery<?> cause, OrderEvent ending, Origin origin, int decision) {
    return streams
        .append(Envelope.once(ending, clock.instant(), cause.traceId()), origin.sequence())
        .compose(
            result ->
                switch (result) {
                  case Appended appended -> {
                    if (!appended.repeated()) {
                      tell(ending, cause, origin);
                    }
                    yield Future.succeededFuture(Outcome.DONE);
                  }
                  case Conflict conflict -> conflicted(cause, ending, origin, decision, conflict);
                });
  }

  private Future<Outcome> conflicted(
      Delivery<?> cause, OrderEvent ending, Origin origin, int decision, Conflict conflict) {
    Order state = state(conflict.history());
    if (state.isFinal()) {
      // The other end came first; payments and inventory undo what they did when they see it.
      return Future.succeededFuture(new Ignored("is " + state.status() + " already"));
    }
    if (decision >= MAX_DECISIONS) {
      return Future.failedFuture("the order changes all the time");
    }
    Origin now = new Origin(conflict.history().lastSequence(), origin.createdAt());
    return append(cause, ending, now, decision + 1);
  }

  private void tell(OrderEvent ending, Delivery<?> cause, Origin origin) {
    boolean cancelled = ending instanceof OrderCancelled;
    String status = cancelled ? CANCELLED : CONFIRMED;
    Duration took = Duration.between(origin.createdAt(), clock.instant());
    Meters.record(
        meters.endToEnd(status),
        took.isNegative() ? Duration.ZERO : took,
        tracing.example(ending.orderId()));
    log.atInfo()
        .addKeyValue("order_id", ending.orderId())
        .addKeyValue("trace_id", cause.traceId())
        .addKeyValue("reason", ending instanceof OrderCancelled c ? c.reason().wireName() : null)
        .log("Order " + status);
  }

  private static Order state(History history) {
    List<? extends Event> facts =
        history.events().stream().map(stored -> stored.envelope().event()).toList();
    return Order.of(facts);
  }
}
