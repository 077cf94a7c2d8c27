package io.holdfast.orders;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.orders.domain.Order;
import io.holdfast.orders.domain.Order.Cancelled;
import io.holdfast.orders.domain.OrderRules;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts orders, tells their state, cancels them on request. Every race is decided by the broker's
 * guard.
 */
public final class OrderDesk {

  private static final int MAX_DECISIONS = 5;
  private static final int MAX_READS = 5;
  private static final Logger log = LoggerFactory.getLogger(OrderDesk.class);

  private final EventStreams streams;
  private final Clock clock;

  public OrderDesk(EventStreams streams, Clock clock) {
    this.streams = streams;
    this.clock = clock;
  }

  /** What came of an attempt to place an order. */
  public sealed interface Placed {
    /** It is stored, now or by an earlier request that was the same. */
    record Accepted(String orderId, String traceId) implements Placed {}

    /** Its id stands for another order: the idempotency key was used before. */
    record KeyReused() implements Placed {}
  }

  /** Why no orders are to be placed now; empty if there is room for all of their life. */
  public Optional<String> noRoom() {
    return streams.noRoom();
  }

  /**
   * Stores an order.
   *
   * @return completes when it is stored. Fails with {@link
   *     io.holdfast.runtime.jetstream.BrokerException} when that is unknown; the same order may be
   *     placed again then
   */
  public Future<Placed> place(OrderCreated order, String traceId) {
    return streams
        .append(Envelope.once(order, clock.instant(), traceId), 0)
        .compose(
            result ->
                switch (result) {
                  case Appended appended when !appended.repeated() -> {
                    log.atInfo()
                        .addKeyValue("order_id", order.orderId())
                        .addKeyValue("trace_id", traceId)
                        .log("Order created");
                    yield Future.succeededFuture(new Placed.Accepted(order.orderId(), traceId));
                  }
                  // The id follows from the key, so what is stored there may be this order or
                  // another one.
                  case Appended appended ->
                      readBack(
                              order.orderId(),
                              history -> history.find(OrderCreated.class).isPresent())
                          .map(history -> compare(order, history));
                  case Conflict conflict ->
                      Future.succeededFuture(compare(order, conflict.history()));
                });
  }

  /** An order's facts and the state that follows from them. */
  public record View(Order state, List<Stored> facts) {}

  /**
   * Reads what is known to be stored. A replica of the stream may be behind the one that told us
   * so; nothing may be concluded from what it does not have yet.
   */
  private Future<History> readBack(String orderId, Predicate<History> complete) {
    return readBack(orderId, complete, 1);
  }

  private Future<History> readBack(String orderId, Predicate<History> complete, int read) {
    return streams
        .load(Domain.ORDERS, orderId)
        .compose(
            history -> {
              if (complete.test(history)) {
                return Future.succeededFuture(history);
              }
              return read < MAX_READS
                  ? readBack(orderId, complete, read + 1)
                  : Future.failedFuture(
                      new BrokerException(
                          Kind.NO_ANSWER, "what is stored of the order cannot be read yet"));
            });
  }

  /** Everything that ORDERS says of an order. */
  public Future<View> view(String orderId) {
    return streams
        .load(Domain.ORDERS, orderId)
        .map(history -> new View(Order.of(events(history)), history.events()));
  }

  /** What came of an attempt to cancel an order. */
  public enum CancelResult {
    /** On its customer's request: this one, or an earlier one whose answer may have been lost. */
    CANCELLED,
    UNKNOWN_ORDER,
    /** It is confirmed, or was cancelled for another reason. */
    TOO_LATE
  }

  /** Cancels an order that is not final yet, on its customer's request. */
  public Future<CancelResult> cancel(String orderId) {
    return streams.load(Domain.ORDERS, orderId).compose(history -> cancel(orderId, history, 1));
  }

  private Future<CancelResult> cancel(String orderId, History history, int decision) {
    Order state = Order.of(events(history));
    Optional<OrderCreated> accepted = state.accepted();
    if (accepted.isEmpty()) {
      return decision == 1
          ? Future.succeededFuture(CancelResult.UNKNOWN_ORDER)
          // It was there a moment ago: the conflict was looked into at a replica that is behind.
          : readBack(orderId, now -> Order.of(events(now)).accepted().isPresent())
              .compose(now -> cancel(orderId, now, decision));
    }
    if (state.isFinal()) {
      return Future.succeededFuture(ended(state));
    }
    if (decision > MAX_DECISIONS) {
      return Future.failedFuture("the order changes all the time");
    }
    String traceId = history.events().getFirst().envelope().traceId();
    Event fact = OrderRules.onCustomersRequest(accepted.get());
    return streams
        .append(Envelope.once(fact, clock.instant(), traceId), history.lastSequence())
        .compose(
            result ->
                switch (result) {
                  case Appended appended when !appended.repeated() -> {
                    log.atInfo()
                        .addKeyValue("order_id", orderId)
                        .addKeyValue("trace_id", traceId)
                        .addKeyValue("reason", "customer_request")
                        .log("Order cancelled");
                    yield Future.succeededFuture(CancelResult.CANCELLED);
                  }
                  // The id says that the order was cancelled, and not for which reason.
                  case Appended appended ->
                      readBack(orderId, now -> Order.of(events(now)).isFinal())
                          .map(now -> ended(Order.of(events(now))));
                  case Conflict conflict -> cancel(orderId, conflict.history(), decision + 1);
                });
  }

  private static CancelResult ended(Order state) {
    return state instanceof Cancelled cancelled
            && cancelled.reason() == CancelReason.CUSTOMER_REQUEST
        ? CancelResult.CANCELLED
        : CancelResult.TOO_LATE;
  }

  private static Placed compare(OrderCreated wanted, History history) {
    Optional<Stored> stored =
        history.events().stream()
            .filter(fact -> fact.envelope().event() instanceof OrderCreated)
            .findFirst();
    if (stored.isPresent() && same(wanted, (OrderCreated) stored.get().envelope().event())) {
      return new Placed.Accepted(wanted.orderId(), stored.get().envelope().traceId());
    }
    return new Placed.KeyReused();
  }

  /** Equal in meaning: 10 and 10.00 are the same price. */
  private static boolean same(OrderCreated a, OrderCreated b) {
    return a.customerId().equals(b.customerId())
        && a.amount().compareTo(b.amount()) == 0
        && a.currency().equals(b.currency())
        && Objects.equals(a.paymentMethod(), b.paymentMethod())
        && sameItems(a.items(), b.items());
  }

  private static boolean sameItems(List<Item> a, List<Item> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      boolean same =
          a.get(i).sku().equals(b.get(i).sku())
              && a.get(i).quantity() == b.get(i).quantity()
              && a.get(i).unitPrice().compareTo(b.get(i).unitPrice()) == 0;
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private static List<? extends Event> events(History history) {
    return history.events().stream().map(stored -> stored.envelope().event()).toList();
  }
}
