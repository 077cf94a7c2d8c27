package io.holdfast.payments;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.Subjects;
import io.holdfast.payments.domain.Payment;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * How long reservations may stay unpaid, and what is known of the attempts to charge them.
 *
 * <p>That nothing was sent for an order is known only if every delivery of its reservation says so:
 * each that ends without a result leaves a note, with its number, on the order's timer, unless it
 * may have sent something; and each that is about to send something takes the note away first. A
 * note is good for the very next delivery. One that leaves no note, as its process died, leaves a
 * gap in the numbers, and then the gateway has to be asked.
 */
final class Expiry {

  /** Behind the deadline, so that the reservation's own redelivery is usually first. */
  private static final Duration BEHIND = Duration.ofMillis(500);

  /**
   * @param connections as many as there were when this was noted
   * @param after INVENTORY's last sequence then
   */
  private record Watched(long connections, long after) {}

  private final Duration ttl;
  private final Reminders reminders;
  private final StreamReader reader;
  private final Subjects subjects;
  private final Clock clock;
  private final String inventory;
  private volatile Watched watched = new Watched(-1, Long.MAX_VALUE);

  Expiry(Duration ttl, StreamReader reader, Subjects subjects, Clock clock) {
    this.ttl = ttl;
    this.reminders = new Reminders(reader, subjects);
    this.reader = reader;
    this.subjects = subjects;
    this.clock = clock;
    this.inventory = subjects.stream("INVENTORY");
  }

  /** Notes where INVENTORY ends: of what comes later, the broker's count is known to be whole. */
  Future<Void> watch() {
    long connections = reader.connections();
    return reader
        .state(inventory)
        .onSuccess(state -> watched = new Watched(connections, state.lastSequence()))
        .mapEmpty();
  }

  /**
   * @param storedAt the broker's time of the reservation
   */
  Instant deadline(Instant storedAt) {
    return storedAt.plus(ttl);
  }

  /** Whether it is surely the first time that anybody is about to charge this order. */
  Future<Boolean> nothingWasSentBefore(Delivery<InventoryReserved> delivery) {
    String orderId = delivery.event().orderId();
    if (delivery.deliveries() < 1) {
      return Future.succeededFuture(false); // woken by the deadline; another may be charging it
    }
    return countedFromTheFirst(delivery)
        .compose(
            counted ->
                counted && delivery.redelivered()
                    ? reminders
                        .unsentThrough(orderId)
                        .map(through -> through.equals(Optional.of(delivery.deliveries() - 1)))
                    : Future.succeededFuture(counted));
  }

  /**
   * Whether a delivery's number counts all that there were: not if the broker may have been killed
   * since the reservation, as it then may have forgotten some; nor if the consumer was made anew,
   * or the message was parked and sent back.
   */
  private Future<Boolean> countedFromTheFirst(Delivery<InventoryReserved> delivery) {
    Watched watching = watched;
    if (watching.connections != reader.connections()) {
      return watch().map(false);
    }
    if (delivery.sequence() <= watching.after) {
      return Future.succeededFuture(false);
    }
    return reader
        .consumerCreatedAt(inventory, PaymentVerticle.CHARGE)
        .compose(
            created ->
                created.isAfter(delivery.storedAt())
                    ? Future.succeededFuture(false)
                    : reader
                        .last(
                            subjects.stream("DEADLETTERS"),
                            subjects.deadLetter(
                                "payments",
                                subjects.fact(
                                    EventType.INVENTORY_RESERVED, delivery.event().orderId())))
                        .map(Optional::isEmpty));
  }

  /**
   * Takes away what a note says, before something is sent: whatever becomes of this process, and of
   * the broker's count of deliveries, no later delivery must believe it. Fails if that cannot be
   * made sure of.
   */
  Future<Void> aboutToSend(Delivery<InventoryReserved> delivery) {
    return reminders
        .unsentThrough(delivery.event().orderId())
        .compose(
            through -> through.orElse(0L) > 0 ? set(delivery, 0) : Future.<Void>succeededFuture());
  }

  /**
   * Notes that a delivery has ended without a result, and sees to it that somebody looks at the
   * deadline. A nudge: it may fail, and then the next delivery knows less than it could.
   *
   * @param unsent whether nothing was sent to the gateway, by this delivery and all before it
   */
  Future<Void> note(Delivery<InventoryReserved> delivery, boolean unsent) {
    if (unsent) {
      return set(delivery, delivery.deliveries()).otherwiseEmpty();
    }
    return reminders
        .unsentThrough(delivery.event().orderId())
        .compose(through -> through.isEmpty() ? set(delivery, 0) : Future.<Void>succeededFuture())
        .otherwiseEmpty();
  }

  private Future<Void> set(Delivery<InventoryReserved> delivery, long unsentThrough) {
    Instant deadline = deadline(delivery.storedAt());
    Instant now = clock.instant();
    return reminders.set(
        delivery.envelope(), (deadline.isBefore(now) ? now : deadline).plus(BEHIND), unsentThrough);
  }

  /** The fact that ends an order that was not paid in time. */
  PaymentFailed expired(Envelope<InventoryReserved> reserved) {
    InventoryReserved event = reserved.event();
    return new PaymentFailed(
        event.orderId(),
        event.customerId(),
        Payment.RESERVATION_EXPIRED,
        "The order was not paid within "
            + ttl.toString().substring("PT".length()).toLowerCase(Locale.ROOT),
        event.origin());
  }
}
