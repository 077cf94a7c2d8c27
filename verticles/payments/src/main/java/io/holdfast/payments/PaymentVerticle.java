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
import io.holdfast.payments.domain.Decision.Expire;
import io.holdfast.payments.domain.Decision.Nothing;
import io.holdfast.payments.domain.Decision.Refund;
import io.holdfast.payments.domain.Decision.ReverseCharge;
import io.holdfast.payments.domain.Payment;
import io.holdfast.payments.domain.PaymentRules;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Charges reserved orders, gives back the money of cancelled ones. The only publisher to {@code
 * payments.>}.
 */
public final class PaymentVerticle extends VerticleBase {

  /** The consumer of reservations. */
  static final String CHARGE = "payments-charge";

  private static final int MAX_DECISIONS = 5;
  private static final List<String> STATUSES = List.of("processed", "failed", "voided", "refunded");

  /** Stripe keeps a key for a day; this leaves an hour for clocks and for calls under way. */
  private static final Duration KEY_LIFE = Duration.ofHours(23);

  /** Clocks differ; a redelivery just before the deadline would only be put off again. */
  private static final long ON_THE_SAFE_SIDE = 5;

  private static final Duration LOOK_AGAIN = Duration.ofMinutes(5);
  private static final Logger log = LoggerFactory.getLogger(PaymentVerticle.class);

  private final EventStreams streams;
  private final PaymentGateway gateway;
  private final Meters meters;
  private final Clock clock;
  private final Duration keyLife;
  private final Optional<Expiry> expiry;
  private final Doubts doubts;

  /** Spares a charge that would only be given back; nothing is wrong if it has forgotten one. */
  private final RecentOrders justCancelled = new RecentOrders();

  /** Without deadlines: a reservation waits for its payment as long as it takes. */
  public PaymentVerticle(EventStreams streams, PaymentGateway gateway, Meters meters, Clock clock) {
    this(streams, gateway, meters, clock, KEY_LIFE, Optional.empty());
  }

  /**
   * @param keyLife how long the gateway surely remembers a key
   * @param expiry of reservations; empty if they have no deadline
   */
  PaymentVerticle(
      EventStreams streams,
      PaymentGateway gateway,
      Meters meters,
      Clock clock,
      Duration keyLife,
      Optional<Expiry> expiry) {
    this.streams = streams;
    this.gateway = gateway;
    this.meters = meters;
    STATUSES.forEach(meters::payment); // from 0 on: nobody sees a counter grow that begins at 1
    this.clock = clock;
    this.keyLife = keyLife;
    this.expiry = expiry;
    this.doubts = new Doubts(meters.registry(), clock);
  }

  @Override
  public Future<?> start() {
    return expiry
        .map(Expiry::watch)
        .orElseGet(Future::succeededFuture)
        .compose(
            v ->
                Future.all(
                    streams.consume(
                        CHARGE,
                        Reactions.on(InventoryReserved.class, this::reserved).atPace(chargePace())),
                    streams.consume(
                        "payments-compensate",
                        Reactions.on(OrderCancelled.class, this::cancelled).atPace(gateway.pace())),
                    expiry.isEmpty()
                        ? Future.succeededFuture()
                        : streams.consume(
                            "payments-expire",
                            Reactions.on(InventoryReserved.class, this::reminded))));
  }

  /**
   * With deadlines, reservations are taken up even while the gateway is out: each gets a note that
   * nothing was sent for it, by which it can end on time.
   */
  private Pace chargePace() {
    return expiry.isEmpty() ? gateway.pace() : Pace.butNotNone(gateway.pace());
  }

  /** The charges that have no answer. */
  Doubts doubts() {
    return doubts;
  }

  /**
   * The first delivery reads nothing: the payment is taken to be open, unless it was cancelled a
   * moment ago, and the append's guard finds out if it is not.
   */
  private Future<Outcome> reserved(Delivery<InventoryReserved> reserved) {
    Optional<Instant> deadline = expiry.map(e -> e.deadline(reserved.storedAt()));
    boolean late = deadline.isPresent() && !clock.instant().isBefore(deadline.get());
    Flow flow =
        new Flow(
            reserved,
            reserved.event().orderId(),
            payment -> PaymentRules.on(reserved.event(), payment, late));
    boolean look =
        reserved.redelivered() || late || justCancelled.contains(reserved.event().orderId());
    return (look ? flow.loadAndDecide() : flow.decide(History.EMPTY))
        .recover(
            failure ->
                (expiry.isEmpty() || failure instanceof BrokerException
                        ? Future.<Void>succeededFuture()
                        : flow.nothingWasSent()
                            .otherwise(false)
                            .compose(unsent -> expiry.get().note(reserved, unsent)))
                    .compose(noted -> later(failure, deadline, flow)));
  }

  /**
   * The broker wakes us at a reservation's deadline. What is not open any more needs nothing; what
   * is, may be in the hands of any replica, so the gateway has the last word.
   */
  private Future<Outcome> reminded(Delivery<InventoryReserved> reminder) {
    String orderId = reminder.event().orderId();
    return streams
        .load(Domain.INVENTORY, orderId)
        .compose(
            history ->
                history.events().stream()
                    .filter(stored -> stored.envelope().event() instanceof InventoryReserved)
                    .findFirst()
                    .map(this::expire)
                    .orElseGet(() -> Future.succeededFuture(new Ignored("no such reservation"))))
        .recover(
            failure ->
                switch (failure) {
                  case BrokerException brokersFault -> Future.failedFuture(brokersFault);
                  case Unavailable gateway ->
                      Future.succeededFuture(
                          new Postpone(
                              gateway
                                  .retryAfter()
                                  .orElse(Duration.ofSeconds(1))
                                  .plusMillis(ThreadLocalRandom.current().nextLong(1_000)),
                              gateway.getMessage()));
                  // The sweep goes on about it; the reservation's own delivery is what is parked.
                  default -> {
                    log.atWarn()
                        .addKeyValue("order_id", orderId)
                        .addKeyValue("error", failure.toString())
                        .log("Could not expire a reservation");
                    yield Future.succeededFuture(new Ignored(failure.getMessage()));
                  }
                });
  }

  /**
   * Ends a reservation that is past its deadline, if its payment is open and the gateway says that
   * nothing was taken; records the payment if it says that it was.
   *
   * @param stored an InventoryReserved
   * @return fails with {@link Unavailable} while the gateway cannot tell
   */
  Future<Outcome> expire(Stored stored) {
    InventoryReserved reserved = (InventoryReserved) stored.envelope().event();
    Duration left =
        Duration.between(clock.instant(), expiry.orElseThrow().deadline(stored.storedAt()));
    if (left.isPositive()) { // the deadline was put off since, or our clock is behind the broker's
      return Future.succeededFuture(
          new Postpone(left.compareTo(LOOK_AGAIN) < 0 ? left : LOOK_AGAIN, "not yet"));
    }
    Envelope<InventoryReserved> envelope =
        new Envelope<>(
            stored.envelope().id(),
            reserved,
            stored.envelope().timestamp(),
            stored.envelope().traceId(),
            stored.envelope().version());
    return new Flow(
            new Delivery<>(envelope, stored.sequence(), stored.storedAt(), 0),
            reserved.orderId(),
            payment -> PaymentRules.pastDeadline(reserved.orderId(), payment))
        .loadAndDecide();
  }

  private Future<Outcome> cancelled(Delivery<OrderCancelled> cancelled) {
    justCancelled.add(cancelled.event().orderId());
    Flow flow =
        new Flow(
            cancelled,
            cancelled.event().orderId(),
            payment -> PaymentRules.on(cancelled.event(), payment));
    return flow.loadAndDecide().recover(failure -> later(failure, Optional.empty(), flow));
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

    /** Whether an attempt of this delivery's may have reached the gateway. */
    private boolean maySent;

    /** Whether it is about money that is to go back. */
    private boolean givesBack;

    /** What is known of the deliveries before this one; null until it is asked for. */
    private Future<Boolean> unsentBefore;

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
        case Charge charge -> charge(charge).compose(result -> append(charged(result), expected));
        case Expire expire ->
            nothingWasSent()
                .compose(none -> none ? Future.succeededFuture(Optional.empty()) : settle())
                .compose(
                    result -> append(result.map(this::charged).orElseGet(this::expired), expected));
        case Refund refund ->
            givingBack(
                    () -> gateway.refund(orderId, refund.paymentId(), refund.amount(), refundKey()))
                .compose(result -> append(refunded(result), expected));
        case ReverseCharge reverse ->
            givingBack(this::reverse)
                .compose(
                    result ->
                        result.isPresent()
                            ? append(refunded(result.get()), expected)
                            : Future.succeededFuture(new Ignored("voided, nothing was taken")));
        case Append append -> append(append.fact(), expected);
        case Nothing nothing -> {
          doubts.resolved(orderId);
          yield Future.succeededFuture(new Ignored(nothing.reason()));
        }
      };
    }

    private <T> Future<T> givingBack(Supplier<Future<T>> call) {
      givesBack = true;
      return call.get();
    }

    /** From half a second to a minute, by how often it was tried. */
    private Duration growingWait() {
      return Duration.ofMillis(
          Math.min(60_000, 250L << Math.min(8, Math.max(1, delivery.deliveries()))));
    }

    /** A key that the gateway may have forgotten protects from nothing: then it is asked first. */
    private Future<ChargeResult> charge(Charge charge) {
      return keyMayBeForgotten()
          ? gateway
              .find(orderId, charge.amount())
              .compose(
                  found ->
                      found.isPresent() ? Future.succeededFuture(found.get()) : attempt(charge))
          : attempt(charge);
    }

    private Future<ChargeResult> attempt(Charge charge) {
      return aboutToSend()
          .compose(
              v ->
                  told(
                      () ->
                          gateway.charge(
                              orderId, charge.amount(), charge.paymentMethod(), chargeKey())));
    }

    /** A first delivery has no note; a later one finds out what it says before it is gone. */
    private Future<Void> aboutToSend() {
      return expiry.isPresent() && delivery.redelivered()
          ? unsentBefore().compose(known -> expiry.get().aboutToSend(reservation()))
          : Future.succeededFuture();
    }

    private Future<Optional<ChargeResult>> settle() {
      InventoryReserved reserved = (InventoryReserved) delivery.event();
      return told(
          () -> gateway.settle(orderId, reserved.total(), reserved.paymentMethod(), chargeKey()));
    }

    /** Keeps the books on what is in doubt. */
    private <T> Future<T> told(Supplier<Future<T>> call) {
      Doubts.Attempt attempt =
          doubts.sent(orderId, delivery.deliveries() == 1 ? clock.instant() : delivery.storedAt());
      boolean sentBefore = maySent;
      maySent = true;
      return call.get()
          .andThen(
              done -> {
                if (done.succeeded()) {
                  doubts.resolved(orderId);
                } else if (done.cause() instanceof Unavailable gone && !gone.inDoubt()) {
                  maySent = sentBefore;
                  attempt.withoutEffect();
                }
              });
    }

    /**
     * When it was first tried is not known, but not before it was reserved. A message that an
     * operator sent back is stored anew; its event is as old as it is.
     */
    private boolean keyMayBeForgotten() {
      Instant reservedAt = delivery.envelope().timestamp();
      Instant oldest = reservedAt.isBefore(delivery.storedAt()) ? reservedAt : delivery.storedAt();
      return Duration.between(oldest, clock.instant()).compareTo(keyLife) > 0;
    }

    private Future<Boolean> nothingWasSent() {
      return maySent ? Future.succeededFuture(false) : unsentBefore();
    }

    private Future<Boolean> unsentBefore() {
      if (unsentBefore == null) {
        unsentBefore = expiry.orElseThrow().nothingWasSentBefore(reservation());
      }
      return unsentBefore;
    }

    private PaymentEvent expired() {
      return expiry.orElseThrow().expired(reservation().envelope());
    }

    @SuppressWarnings("unchecked") // only reservations have a deadline
    private Delivery<InventoryReserved> reservation() {
      return (Delivery<InventoryReserved>) delivery;
    }

    private Future<Outcome> append(PaymentEvent fact, long expected) {
      return streams
          .append(Envelope.once(fact, clock.instant(), delivery.traceId()), expected)
          .compose(
              result ->
                  switch (result) {
                    case Appended appended -> {
                      if (!appended.repeated()) {
                        tell(fact);
                      }
                      yield Future.succeededFuture(Outcome.DONE);
                    }
                    // The cancellation was first, or the deadline: whatever this attempt took is to
                    // be given back.
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
      return told(
          () ->
              gateway.reverse(
                  orderId, reserved.total(), reserved.paymentMethod(), chargeKey(), refundKey()));
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
            case PaymentFailed failed ->
                failed.code().equals(Payment.RESERVATION_EXPIRED) ? "expired" : "failed";
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

  /**
   * What to do about a failure: while the gateway is known to be out, waiting for it spends no
   * attempt, and neither does one that should give money back, as long as its key is surely known.
   * No wait goes past a deadline.
   */
  private Future<Outcome> later(Throwable failure, Optional<Instant> deadline, Flow flow) {
    Optional<Duration> left =
        deadline
            .map(at -> Duration.between(clock.instant(), at))
            .filter(Duration::isPositive)
            .map(wait -> wait.plusMillis(ON_THE_SAFE_SIDE));
    boolean patient = flow.givesBack && !flow.keyMayBeForgotten();
    if (failure instanceof Unavailable gateway
        && (gateway.outage() || gateway.retryAfter().isPresent() || patient)) {
      Duration wait =
          gateway
              .retryAfter()
              .orElse(patient && !gateway.outage() ? flow.growingWait() : Duration.ofSeconds(1))
              .plusMillis(ThreadLocalRandom.current().nextLong(1_000));
      return Future.succeededFuture(
          new Postpone(
              left.filter(earlier -> earlier.compareTo(wait) < 0).orElse(wait),
              failure.getMessage()));
    }
    return left.isPresent()
        ? Future.succeededFuture(new Retry(failure, left.get()))
        : Future.failedFuture(failure);
  }
}
