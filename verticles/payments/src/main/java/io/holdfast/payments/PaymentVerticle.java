package io.holdfast.payments;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.PaymentEvent;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.payments.PaymentGateway.ChargeResult;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.payments.PaymentGateway.RefundResult;
import io.holdfast.payments.PaymentGateway.Unavailable;
import io.holdfast.payments.domain.Decision;
import io.holdfast.payments.domain.Decision.Append;
import io.holdfast.payments.domain.Decision.Charge;
import io.holdfast.payments.domain.Decision.Nothing;
import io.holdfast.payments.domain.Decision.Refund;
import io.holdfast.payments.domain.Decision.ReverseCharge;
import io.holdfast.payments.domain.Payment;
import io.holdfast.payments.domain.PaymentRules;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Charges reserved orders, gives back the money of cancelled ones. The only publisher to {@code
 * payments.>}.
 */
public final class PaymentVerticle extends VerticleBase {

  private static final int MAX_DECISIONS = 5;
  private static final Logger log = LoggerFactory.getLogger(PaymentVerticle.class);

  private final EventStreams streams;
  private final PaymentGateway gateway;
  private final Meters meters;
  private final Clock clock;

  /** Spares a charge that would only be given back; nothing is wrong if it has forgotten one. */
  private final RecentOrders justVoided = new RecentOrders();

  public PaymentVerticle(EventStreams streams, PaymentGateway gateway, Meters meters, Clock clock) {
    this.streams = streams;
    this.gateway = gateway;
    this.meters = meters;
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    return Future.all(
        streams.consume("payments-charge", Reactions.on(InventoryReserved.class, this::reserved)),
        streams.consume(
            "payments-compensate", Reactions.on(OrderCancelled.class, this::cancelled)));
  }

  /**
   * The first delivery reads nothing: the payment is taken to be open, unless it was voided here a
   * moment ago, and the append's guard finds out if it is not.
   */
  private Future<Outcome> reserved(Delivery<InventoryReserved> reserved) {
    Flow flow =
        new Flow(
            reserved,
            reserved.event().orderId(),
            payment -> PaymentRules.on(reserved.event(), payment));
    boolean look = reserved.redelivered() || justVoided.contains(reserved.event().orderId());
    return postponedByOutage(look ? flow.loadAndDecide() : flow.decide(History.EMPTY));
  }

  private Future<Outcome> cancelled(Delivery<OrderCancelled> cancelled) {
    Flow flow =
        new Flow(
            cancelled,
            cancelled.event().orderId(),
            payment -> PaymentRules.on(cancelled.event(), payment));
    return postponedByOutage(flow.loadAndDecide());
  }

  /**
   * One delivery on its way from decision to stored fact; a conflict leads back to the decision.
   */
  private final class Flow {
    private final Delivery<?> delivery;
    private final String orderId;
    private final Function<Payment, Decision> rule;
    private final long begun = System.nanoTime();
    private int decisions;
    private PaymentProcessed taken;

    Flow(Delivery<?> delivery, String orderId, Function<Payment, Decision> rule) {
      this.delivery = delivery;
      this.orderId = orderId;
      this.rule = rule;
    }

    Future<Outcome> loadAndDecide() {
      return streams.load(Domain.PAYMENTS, orderId).compose(this::decide);
    }

    Future<Outcome> decide(History history) {
      if (++decisions > MAX_DECISIONS) {
        return Future.failedFuture("the order's payment changes all the time");
      }
      Payment payment =
          Payment.of(history.events().stream().map(Stored::envelope).map(Envelope::event).toList());
      long expected = history.lastSequence();
      return switch (rule.apply(payment)) {
        case Charge charge ->
            gateway
                .charge(orderId, charge.amount(), charge.paymentMethod(), chargeKey())
                .compose(result -> append(charged(result), expected));
        case Refund refund ->
            gateway
                .refund(orderId, refund.paymentId(), refund.amount(), refundKey())
                .compose(result -> append(refunded(result), expected));
        case ReverseCharge reverse ->
            reverse()
                .compose(
                    result ->
                        result.isPresent()
                            ? append(refunded(result.get()), expected)
                            : Future.succeededFuture(new Ignored("voided, nothing was taken")));
        case Append append -> append(append.fact(), expected);
        case Nothing nothing -> Future.succeededFuture(new Ignored(nothing.reason()));
      };
    }

    private Future<Outcome> append(PaymentEvent fact, long expected) {
      return streams
          .append(Envelope.once(fact, clock.instant(), delivery.traceId()), expected)
          .compose(
              result ->
                  switch (result) {
                    case Appended appended -> {
                      if (fact instanceof PaymentVoided) {
                        justVoided.add(orderId);
                      }
                      if (!appended.repeated()) {
                        tell(fact);
                      }
                      yield Future.succeededFuture(Outcome.DONE);
                    }
                    // The cancellation was first: whatever this attempt took is to be given back.
                    case Conflict conflict -> decide(conflict.history());
                  });
    }

    private Future<Optional<RefundResult>> reverse() {
      if (taken != null) {
        return gateway
            .refund(orderId, taken.paymentId(), taken.total(), refundKey())
            .map(Optional::of);
      }
      // An attempt before this one may have charged, or be about to.
      InventoryReserved reserved = (InventoryReserved) delivery.event();
      return gateway.reverse(
          orderId, reserved.total(), reserved.paymentMethod(), chargeKey(), refundKey());
    }

    private PaymentEvent charged(ChargeResult result) {
      InventoryReserved reserved = (InventoryReserved) delivery.event();
      return switch (result) {
        case Charged charged -> {
          taken =
              new PaymentProcessed(
                  orderId,
                  reserved.customerId(),
                  reserved.amount(),
                  reserved.currency(),
                  charged.paymentId(),
                  reserved.items(),
                  reserved.paymentMethod(),
                  reserved.origin());
          yield taken;
        }
        case Declined declined ->
            new PaymentFailed(
                orderId,
                reserved.customerId(),
                declined.code(),
                declined.message(),
                reserved.origin());
      };
    }

    private PaymentEvent refunded(RefundResult refund) {
      return new PaymentRefunded(
          orderId,
          refund.paymentId(),
          refund.refundId(),
          refund.amount().amount(),
          refund.amount().currencyCode());
    }

    /**
     * The same for every attempt, so that the gateway takes the money once, whatever happens to us
     * in between.
     */
    private String chargeKey() {
      return "charge:" + orderId;
    }

    private String refundKey() {
      return "refund:" + orderId;
    }

    private void tell(PaymentEvent fact) {
      String status =
          switch (fact) {
            case PaymentProcessed processed -> "processed";
            case PaymentFailed failed -> "failed";
            case PaymentVoided voided -> "voided";
            case PaymentRefunded refunded -> "refunded";
          };
      meters.payment(status).record(System.nanoTime() - begun, TimeUnit.NANOSECONDS);
      log.atInfo()
          .addKeyValue("order_id", orderId)
          .addKeyValue("trace_id", delivery.traceId())
          .addKeyValue("code", fact instanceof PaymentFailed failed ? failed.code() : null)
          .log("Payment " + status);
    }
  }

  /** While the gateway is known to be out, waiting for it spends no attempt. */
  private static Future<Outcome> postponedByOutage(Future<Outcome> outcome) {
    return outcome.recover(
        failure -> {
          if (failure instanceof Unavailable gateway
              && (gateway.outage() || gateway.retryAfter().isPresent())) {
            Duration wait =
                gateway
                    .retryAfter()
                    .orElse(Duration.ofSeconds(1))
                    .plusMillis(ThreadLocalRandom.current().nextLong(1_000));
            return Future.succeededFuture(new Postpone(wait, failure.getMessage()));
          }
          return Future.failedFuture(failure);
        });
  }
}
