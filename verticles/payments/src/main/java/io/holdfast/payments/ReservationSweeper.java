package io.holdfast.payments;

import io.holdfast.events.Domain;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Ids;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.payments.PaymentGateway.Unavailable;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks, every so often, for reservations that are past their deadline and have no payment: those
 * that {@code payments-charge} has not settled, and those that it has parked. Counts them, and ends
 * them if they have a deadline at all. Needs no timer and remembers nothing that it could not find
 * again.
 */
final class ReservationSweeper extends VerticleBase {

  private static final Logger log = LoggerFactory.getLogger(ReservationSweeper.class);

  /** What counts as late where nothing expires. */
  private static final Duration LATE = Duration.ofMinutes(5);

  private static final int PAGE = 500;
  private static final int PAGE_BYTES = 512 * 1024;

  /** Those that one sweep reads, and that one sweep ends. */
  private static final int MAX_PAGES = 40;

  private static final int MAX_EXPIRED = 500;

  /** More than that in an outage are counted as that many, and found when there is room again. */
  private static final int MAX_KNOWN = 10_000;

  private static final Duration DOUBT_TO_CHECK = Duration.ofMinutes(1);

  private final EventStreams streams;
  private final StreamReader reader;
  private final Subjects subjects;
  private final PaymentVerticle payments;
  private final PaymentSettings settings;
  private final Clock clock;
  private final EventCodec codec = new EventCodec();
  private final String inventory;
  private final String deadLetters;
  private final String reservedSubjects;
  private final String parkedSubjects;

  // The event loop's alone.
  private final Map<String, Stored> open = new LinkedHashMap<>();
  private final Set<String> parked = new HashSet<>();
  private long nextReservation = 1;
  private long nextDeadLetter = 1;
  private boolean sweeping;

  private volatile int late;

  ReservationSweeper(
      EventStreams streams,
      StreamReader reader,
      Subjects subjects,
      PaymentVerticle payments,
      PaymentSettings settings,
      Meters meters,
      Clock clock) {
    this.streams = streams;
    this.reader = reader;
    this.subjects = subjects;
    this.payments = payments;
    this.settings = settings;
    this.clock = clock;
    this.inventory = subjects.stream("INVENTORY");
    this.deadLetters = subjects.stream("DEADLETTERS");
    String every = subjects.every(EventType.INVENTORY_RESERVED);
    this.reservedSubjects = every.substring(0, every.length() - 1);
    this.parkedSubjects = subjects.deadLetter("payments", reservedSubjects);
    meters.gauge(
        "orders_past_deadline",
        "Orders that should be further by now",
        "state",
        "reserved",
        () -> late);
  }

  @Override
  public Future<?> start() {
    vertx.setPeriodic(settings.sweepInterval().toMillis(), id -> sweep());
    return Future.succeededFuture();
  }

  private void sweep() {
    if (sweeping) {
      return;
    }
    sweeping = true;
    Instant before = clock.instant().minus(settings.reservationTtl().orElse(LATE));
    findUnsettled(before)
        .compose(v -> findParked())
        .compose(v -> loadParked(before))
        .compose(v -> forgetPaid())
        .compose(v -> settings.reservationTtl().isPresent() ? expireAll() : done())
        .compose(v -> forgetResolvedDoubts())
        .onComplete(
            done -> {
              sweeping = false;
              if (done.failed()) { // the broker's trouble; nothing is lost by waiting
                log.atDebug()
                    .addKeyValue("error", String.valueOf(done.cause()))
                    .log("A sweep was cut off");
              }
            });
  }

  /** All that was reserved before a time and lies behind the consumer's acknowledged part. */
  private Future<Void> findUnsettled(Instant before) {
    return reader
        .consumer(inventory, PaymentVerticle.CHARGE)
        .compose(
            consumer -> {
              nextReservation = Math.max(nextReservation, consumer.ackFloor() + 1);
              return readReservations(before, MAX_PAGES);
            });
  }

  private Future<Void> readReservations(Instant before, int pages) {
    if (pages == 0 || open.size() >= MAX_KNOWN) {
      return done();
    }
    return reader
        .read(inventory, nextReservation, PAGE, PAGE_BYTES)
        .compose(
            page -> {
              for (RawMessage message : page) {
                if (!message.storedAt().isBefore(before)) {
                  return done(); // the next sweep begins here
                }
                nextReservation = message.sequence() + 1;
                reservation(message).ifPresent(r -> open.put(orderId(r), r));
              }
              return page.isEmpty() ? done() : readReservations(before, pages - 1);
            });
  }

  private Optional<Stored> reservation(RawMessage message) {
    if (!message.subject().startsWith(reservedSubjects)) {
      return Optional.empty();
    }
    try {
      Stored stored =
          new Stored(
              message.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              codec.decode(message.body()));
      return stored.envelope().event() instanceof InventoryReserved reserved
              && message.subject().equals(subjects.fact(reserved))
          ? Optional.of(stored)
          : Optional.empty();
    } catch (UndecodableEventException notOurs) {
      return Optional.empty();
    }
  }

  private Future<Void> findParked() {
    return reader
        .read(deadLetters, nextDeadLetter, PAGE, PAGE_BYTES)
        .compose(
            page -> {
              for (RawMessage message : page) {
                nextDeadLetter = message.sequence() + 1;
                String orderId = Subjects.lastToken(message.subject());
                if (message.subject().startsWith(parkedSubjects) && Ids.valid(orderId)) {
                  parked.add(orderId);
                }
              }
              return page.isEmpty() ? done() : findParked();
            });
  }

  /** A dead letter does not say when its reservation was stored; the reservation does. */
  private Future<Void> loadParked(Instant before) {
    return lastFacts(Domain.INVENTORY, List.copyOf(parked))
        .onSuccess(
            facts -> {
              Set<String> early = new HashSet<>();
              for (Stored fact : facts) {
                if (fact.envelope().event() instanceof InventoryReserved) {
                  if (fact.storedAt().isBefore(before)) {
                    open.put(orderId(fact), fact);
                  } else {
                    early.add(orderId(fact));
                  }
                }
              }
              parked.retainAll(early); // what was released meanwhile needs no deadline
            })
        .mapEmpty();
  }

  private Future<Void> forgetPaid() {
    return closed(List.copyOf(open.keySet()))
        .onSuccess(
            closed -> {
              open.keySet().removeAll(closed);
              late = open.size();
            })
        .mapEmpty();
  }

  /** Those of these orders whose payment has a fact. */
  private Future<Set<String>> closed(List<String> orderIds) {
    return lastFacts(Domain.PAYMENTS, orderIds)
        .map(facts -> facts.stream().map(fact -> orderId(fact)).collect(Collectors.toSet()));
  }

  private Future<List<Stored>> lastFacts(Domain domain, List<String> orderIds) {
    List<Stored> all = new ArrayList<>();
    Future<Void> each = done();
    for (int from = 0; from < orderIds.size(); from += PAGE) {
      List<String> some = orderIds.subList(from, Math.min(orderIds.size(), from + PAGE));
      each = each.compose(v -> streams.loadAll(domain, some)).onSuccess(all::addAll).mapEmpty();
    }
    return each.map(all);
  }

  /** One after the other: a gateway that has been out is not to be run over. */
  private Future<Void> expireAll() {
    List<Stored> some = open.values().stream().limit(MAX_EXPIRED).toList();
    List<Throwable> failures = new ArrayList<>();
    return expire(some.iterator(), failures)
        .onSuccess(
            done -> {
              if (!failures.isEmpty()) {
                log.atWarn()
                    .addKeyValue("orders", failures.size())
                    .addKeyValue("error", failures.getLast().toString())
                    .log("Could not expire reservations");
              }
            });
  }

  private Future<Void> expire(Iterator<Stored> rest, List<Throwable> failures) {
    if (!rest.hasNext()) {
      return done();
    }
    Stored reserved = rest.next();
    return payments
        .expire(reserved)
        .transform(
            done -> {
              if (done.failed() && done.cause() instanceof Unavailable gone && gone.outage()) {
                return done(); // nobody can be asked, so none of the others can end here either
              }
              if (done.failed()) {
                failures.add(done.cause());
                // Behind the others, so that those which never can do not keep them waiting.
                if (open.remove(orderId(reserved)) != null) {
                  open.put(orderId(reserved), reserved);
                }
              }
              return expire(rest, failures);
            });
  }

  /** Another replica may have found out what came of a charge that was sent from here. */
  private Future<Void> forgetResolvedDoubts() {
    return closed(payments.doubts().olderThan(DOUBT_TO_CHECK, PAGE))
        .onSuccess(closed -> closed.forEach(payments.doubts()::resolved))
        .mapEmpty();
  }

  private static String orderId(Stored fact) {
    return fact.envelope().event().aggregateId();
  }

  private static Future<Void> done() {
    return Future.succeededFuture();
  }
}
