package io.holdfast.launcher.reconcile;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The fold of everything that is stored, message by message, and what follows from it for the
 * invariants. Pure: what is read and when is for the caller. Within a stream messages must come in
 * order; between streams in any.
 */
public final class Books {

  private static final EventCodec CODEC = new EventCodec();

  /** What must have happened before a fact: any one of these. */
  private static final Map<EventType, Set<EventType>> CAUSES =
      new EnumMap<>(
          Map.of(
              EventType.PAYMENT_PROCESSED, EnumSet.of(EventType.INVENTORY_RESERVED),
              EventType.PAYMENT_FAILED, EnumSet.of(EventType.INVENTORY_RESERVED),
              EventType.ORDER_CONFIRMED, EnumSet.of(EventType.PAYMENT_PROCESSED),
              EventType.INVENTORY_RELEASED, EnumSet.of(EventType.INVENTORY_RESERVED),
              // Who charged while a cancellation voided the payment gives the money back.
              EventType.PAYMENT_REFUNDED,
                  EnumSet.of(EventType.PAYMENT_PROCESSED, EventType.PAYMENT_VOIDED)));

  /** Outcomes of which an order has one at most. */
  private static final List<Set<EventType>> OPPOSITES =
      List.of(
          EnumSet.of(EventType.INVENTORY_RESERVED, EventType.INVENTORY_REJECTED),
          EnumSet.of(
              EventType.PAYMENT_PROCESSED, EventType.PAYMENT_FAILED, EventType.PAYMENT_VOIDED));

  /** Far more than anybody looks at; those beyond are counted only. */
  private static final int MAX_FOREIGNERS = 100_000;

  private final Subjects subjects;
  private final Map<String, OrderStory> orders = new LinkedHashMap<>();
  private final Map<String, Long> receivedBySku = new HashMap<>();
  private final Map<String, Long> openBySku = new HashMap<>();
  private final Map<String, Level> levels = new HashMap<>();
  private final Set<String> receiptIds = new HashSet<>();
  private final List<Foreign> foreigners = new ArrayList<>();
  private final Set<String> givenUp = new HashSet<>(); // by whom, and which message
  private final Map<Long, String> openLetters = new HashMap<>(); // whom each is about
  private final List<Violation> found = new ArrayList<>();
  private long messages;
  private long facts;
  private long foreign;
  private long deadLetters;
  private long accepted;
  private long confirmed;
  private long cancelled;
  private long created;
  private long chargeCount;
  private long unknownCharges;

  private record Level(StockLevelChanged fact, String eventId, long sequence) {}

  /** What consumers meet on the subject of a fact, and is none. */
  private record Foreign(EventType promised, String subject, long sequence) {}

  public Books(Subjects subjects) {
    this.subjects = subjects;
  }

  /** Notes an order that somebody got a 202 for. */
  public void accepted(String orderId) {
    OrderStory order = order(orderId);
    if (!order.accepted) {
      order.accepted = true;
      accepted++;
    }
  }

  /** Notes the next message of a stream. */
  public void read(String subject, long sequence, byte[] body) {
    messages++;
    Envelope<?> envelope;
    try {
      envelope = CODEC.decode(body);
    } catch (UndecodableEventException notOurs) {
      foreign(subject, sequence);
      return;
    }
    if (envelope.event() instanceof MessageDeadLettered deadLetter
        && subjects.typeOf(subject).equals(Optional.of(EventType.MESSAGE_DEAD_LETTERED))) {
      deadLetters++;
      givenUp.add(givenUp(deadLetter.consumer(), deadLetter.stream(), deadLetter.sequence()));
      openLetters.put(sequence, deadLetter.aggregateId());
      order(deadLetter.aggregateId()).parked++;
      return;
    }
    if (envelope.event() instanceof MessageDeadLettered
        || !subject.equals(subjects.fact(envelope.event()))) {
      foreign(subject, sequence);
      return;
    }
    facts++;
    fold(envelope, sequence);
  }

  /** Whoever met it parked it, and the ledger holds it as it is. */
  private void foreign(String subject, long sequence) {
    foreign++;
    // What stands on a literal "orders.created.>" the broker gives to no consumer.
    if (foreigners.size() < MAX_FOREIGNERS && !subject.endsWith(">")) {
      subjects
          .typeOf(subject)
          .ifPresent(promised -> foreigners.add(new Foreign(promised, subject, sequence)));
    }
    if (subjects.typeOf(subject).equals(Optional.of(EventType.STOCK_LEVEL_CHANGED))) {
      found.add(
          new Violation(
              Invariant.I4, "", subject, sequence, "stands where a level should, and is none"));
    }
  }

  private void fold(Envelope<?> envelope, long sequence) {
    switch (envelope.event()) {
      case StockReceived receipt -> {
        receivedBySku.merge(receipt.sku(), receipt.quantity(), Long::sum);
        if (!receiptIds.add(receipt.receiptId())) {
          violation(Invariant.I8, receipt, sequence, "a second StockReceived");
        }
      }
      case StockLevelChanged level -> {
        Level before = levels.put(level.sku(), new Level(level, envelope.id(), sequence));
        if (before != null && before.eventId().equals(envelope.id())) {
          violation(Invariant.I8, level, sequence, "the same StockLevelChanged again");
        }
      }
      case DeadLetterResolved resolved -> {
        // What is none, or was dealt with before, changes nothing.
        String about = openLetters.remove(resolved.deadLetter());
        if (about != null) {
          OrderStory order = order(about);
          order.parked--;
          order.discarded |= resolved.resolution() == Resolution.DISCARDED;
        }
      }
      default -> foldOrder(envelope, sequence);
    }
  }

  private void foldOrder(Envelope<?> envelope, long sequence) {
    Event fact = envelope.event();
    OrderStory order = order(fact.aggregateId());
    if (!order.add(envelope.type(), sequence)) {
      violation(Invariant.I8, fact, sequence, "a second " + envelope.type().typeName());
      return;
    }
    if (!order.traced(envelope.traceId())) {
      violation(
          Invariant.I9,
          fact,
          sequence,
          "trace " + envelope.traceId() + ", the order's other events have " + order.traceId());
    }
    switch (fact) {
      case OrderCreated placed -> {
        created++;
        order.total = placed.total();
      }
      case OrderConfirmed end -> confirmed++;
      case OrderCancelled end -> cancelled++;
      case InventoryReserved reserved -> addOpen(reserved.items(), 1);
      case InventoryReleased released -> {
        order.gaveStockBack = !released.items().isEmpty();
        addOpen(released.items(), -1);
      }
      default -> {}
    }
  }

  private void addOpen(List<Item> items, int sign) {
    items.forEach(item -> openBySku.merge(item.sku(), (long) sign * item.quantity(), Long::sum));
  }

  private static String givenUp(String consumer, String stream, long sequence) {
    return consumer + " " + stream + " " + sequence;
  }

  /**
   * Messages that a consumer must have given up, as they are no facts, and of which it left no dead
   * letter. To be asked when nothing waits for the consumers any more.
   */
  public List<Violation> notParked(List<ConsumerSpec> consumers, Until until) {
    List<Violation> lost = new ArrayList<>();
    for (Foreign message : foreigners) {
      String stream = subjects.stream(message.promised().domain());
      for (ConsumerSpec consumer : consumers) {
        if (subjects.stream(consumer.stream()).equals(stream)
            && consumer.types().contains(message.promised())
            && message.sequence() <= until.of(consumer.stream())
            && !givenUp.contains(givenUp(consumer.name(), stream, message.sequence()))) {
          lost.add(
              new Violation(
                  Invariant.I7,
                  "",
                  message.subject(),
                  message.sequence(),
                  "is no fact of ours, and " + consumer.name() + " left no dead letter of it"));
        }
      }
    }
    return lost;
  }

  /** Orders of which something is still to come, as far as these books go. */
  public long underWay(Until until) {
    return orders.values().stream().filter(o -> o.underWay() && !inFlight(o, until)).count();
  }

  /** Orders that came in while the streams were being read, and are not at their end. */
  public long inFlight(Until until) {
    return orders.values().stream().filter(o -> o.underWay() && inFlight(o, until)).count();
  }

  private static boolean inFlight(OrderStory order, Until until) {
    return !order.isEmpty() && !until.holds(order.first(), order.at(order.first()));
  }

  public long orderCount() {
    return created;
  }

  public long confirmedCount() {
    return confirmed;
  }

  public long cancelledCount() {
    return cancelled;
  }

  /**
   * Orders of which a message was parked, which nobody has dealt with, and which are not at their
   * end for that.
   */
  public List<String> parked() {
    return orders.values().stream()
        .filter(order -> order.parked > 0 && order.missing() != null)
        .map(order -> order.orderId)
        .toList();
  }

  /** Orders that are not at their end as an operator discarded a message of theirs. */
  public List<String> discarded() {
    return orders.values().stream()
        .filter(order -> order.parked == 0 && order.discarded && order.missing() != null)
        .map(order -> order.orderId)
        .toList();
  }

  public long messages() {
    return messages;
  }

  public long facts() {
    return facts;
  }

  /** Messages on our subjects that are no facts of ours. */
  public long foreign() {
    return foreign;
  }

  public long deadLetters() {
    return deadLetters;
  }

  /** Of these, those that nobody has dealt with. */
  public long openDeadLetters() {
    return openLetters.size();
  }

  public long acceptedCount() {
    return accepted;
  }

  public int skuCount() {
    return levels.size();
  }

  /** Whether the levels say what follows from receipts and reservations. */
  public boolean stockAddsUp() {
    List<Violation> off = new ArrayList<>();
    checkStock(off);
    return off.isEmpty();
  }

  /** Breaches of I1, I2, I4, I5, I7's effects, I8 and I9, once everything was read. */
  public List<Violation> check(Until until) {
    List<Violation> all = new ArrayList<>(found);
    orders.values().stream()
        .filter(order -> order.accepted || !inFlight(order, until))
        .forEach(order -> check(order, all));
    checkStock(all);
    return all;
  }

  private void check(OrderStory order, List<Violation> all) {
    if (!order.has(EventType.ORDER_CREATED)) {
      if (order.accepted) {
        all.add(
            about(order, Invariant.I1, EventType.ORDER_CREATED, "was accepted and is not stored"));
      } else if (!order.apart()) {
        all.add(
            about(order, Invariant.I1, EventType.ORDER_CREATED, "has facts but was never created"));
      }
      return;
    }
    if (order.confirmed() && order.cancelled()) {
      all.add(about(order, Invariant.I2, EventType.ORDER_CANCELLED, "is confirmed and cancelled"));
    }
    checkCauses(order, all);
    if (order.apart()) {
      return; // listed apart: it waits for an operator, or for nothing any more
    }
    if (!order.confirmed() && !order.cancelled()) {
      all.add(
          about(
              order,
              Invariant.I2,
              EventType.ORDER_CREATED,
              "has no final state; " + lastSeen(order)));
      return;
    }
    if (!order.has(EventType.NOTIFICATION_SENT)) {
      all.add(
          about(
              order,
              Invariant.I5,
              order.confirmed() ? EventType.ORDER_CONFIRMED : EventType.ORDER_CANCELLED,
              "is final and nobody was told"));
    } else if (order.missing() != null) {
      all.add(
          about(
              order,
              Invariant.I7,
              EventType.ORDER_CANCELLED,
              "is cancelled without " + order.missing()));
    }
  }

  /** Nothing happens without its cause, and nothing beside its opposite. */
  private void checkCauses(OrderStory order, List<Violation> all) {
    CAUSES.forEach(
        (fact, anyOf) -> {
          boolean nothingToCause =
              fact == EventType.INVENTORY_RELEASED && !order.gaveStockBack; // a tombstone
          if (order.has(fact) && !nothingToCause && !order.hasAny(anyOf)) {
            String wanted =
                String.join(" or ", anyOf.stream().map(EventType::typeName).sorted().toList());
            all.add(about(order, Invariant.I7, fact, "stands there without " + wanted));
          }
        });
    for (Set<EventType> opposites : OPPOSITES) {
      List<EventType> there = opposites.stream().filter(order::has).sorted().toList();
      if (there.size() > 1) {
        String names = String.join(" and ", there.stream().map(EventType::typeName).toList());
        all.add(about(order, Invariant.I8, there.getLast(), names + " exclude each other"));
      }
    }
  }

  private static String lastSeen(OrderStory order) {
    if (order.has(EventType.PAYMENT_PROCESSED)) {
      return "its payment is processed";
    }
    return order.has(EventType.INVENTORY_RESERVED)
        ? "its stock is reserved"
        : "nothing happened after its creation";
  }

  private Violation about(OrderStory order, Invariant invariant, EventType fact, String problem) {
    return new Violation(
        invariant, order.orderId, subjects.fact(fact, order.orderId), order.at(fact), problem);
  }

  private void checkStock(List<Violation> all) {
    Set<String> skus = new HashSet<>(receivedBySku.keySet());
    skus.addAll(openBySku.keySet());
    skus.addAll(levels.keySet());
    for (String sku : skus) {
      long received = receivedBySku.getOrDefault(sku, 0L);
      long open = openBySku.getOrDefault(sku, 0L);
      Level level = levels.get(sku);
      String subject = subjects.fact(EventType.STOCK_LEVEL_CHANGED, sku);
      if (level == null) {
        if (received != 0 || open != 0) {
          all.add(
              new Violation(
                  Invariant.I4, "", subject, 0, "has receipts or reservations, and no level"));
        }
        continue;
      }
      StockLevelChanged fact = level.fact();
      if (fact.received() != received) {
        all.add(
            new Violation(
                Invariant.I4,
                "",
                subject,
                level.sequence(),
                "says received " + fact.received() + ", the receipts are " + received));
      }
      if (fact.reserved() != open) {
        all.add(
            new Violation(
                Invariant.I4,
                "",
                subject,
                level.sequence(),
                "says reserved " + fact.reserved() + ", the open reservations are " + open));
      }
    }
  }

  /**
   * Breaches of I3: what the gateway took and kept, against what the orders came to.
   *
   * @param charges gone through once, and a second time if something is wrong, so that they need
   *     not be kept
   */
  public List<Violation> checkCharges(Iterable<Charge> charges, Until until) {
    List<Violation> all = new ArrayList<>();
    orders.values().forEach(order -> order.held = 0);
    unknownCharges = 0;
    chargeCount = 0;
    for (Charge charge : charges) {
      chargeCount++;
      OrderStory order = orders.get(charge.orderId());
      if (order == null) {
        unknownCharges++;
      } else if (charge.held()) {
        order.held = (byte) Math.min(2, order.held + 1);
        checkAmount(order, charge, all);
      }
    }
    Map<String, List<String>> kept = new HashMap<>();
    for (OrderStory order : orders.values()) {
      boolean keptAfterCancellation =
          order.held > 0 && order.cancelled() && !inFlight(order, until);
      if (order.held > 1 || keptAfterCancellation) {
        kept.put(order.orderId, new ArrayList<>());
      } else if (order.held == 0 && order.confirmed()) {
        all.add(charge(order.orderId, "is confirmed, and the gateway holds no money for it"));
      }
    }
    if (!kept.isEmpty()) {
      for (Charge charge : charges) {
        if (charge.held() && kept.containsKey(charge.orderId())) {
          kept.get(charge.orderId()).add(charge.id());
        }
      }
    }
    kept.forEach((id, ids) -> all.add(charge(id, problem(orders.get(id), ids))));
    return all;
  }

  private static String problem(OrderStory order, List<String> chargeIds) {
    String ids = String.join(", ", chargeIds);
    return order.cancelled() && !order.confirmed()
        ? "is cancelled, and the gateway holds its money: "
            + ids
            + (order.apart() ? " (a message of it is parked, see ./holdfast dlq ls)" : "")
        : chargeIds.size() + " charges that are not refunded: " + ids;
  }

  private void checkAmount(OrderStory order, Charge charge, List<Violation> all) {
    boolean asOrdered =
        order.total == null
            || (charge.minorUnits() == order.total.minorUnits()
                && charge.currency().equals(order.total.currencyCode()));
    if (order.confirmed() && !asOrdered) {
      all.add(
          charge(
              order.orderId, "costs %s and was charged %s".formatted(order.total, charge.money())));
    }
  }

  /** How many charges were looked at. */
  public long charges() {
    return chargeCount;
  }

  /**
   * Charges of orders that these streams do not know: another system's, if the gateway is shared.
   */
  public long unknownCharges() {
    return unknownCharges;
  }

  private Violation charge(String orderId, String problem) {
    OrderStory order = orders.get(orderId);
    long sequence = order == null ? 0 : order.at(EventType.PAYMENT_PROCESSED);
    return new Violation(
        Invariant.I3,
        orderId,
        subjects.fact(EventType.PAYMENT_PROCESSED, orderId),
        sequence,
        problem);
  }

  private OrderStory order(String orderId) {
    return orders.computeIfAbsent(orderId, OrderStory::new);
  }

  private void violation(Invariant invariant, Event fact, long sequence, String problem) {
    boolean ofOrder =
        EventType.of(fact).domain() != Domain.STOCK
            && EventType.of(fact).domain() != Domain.RECEIPTS;
    found.add(
        new Violation(
            invariant, ofOrder ? fact.aggregateId() : "", subjects.fact(fact), sequence, problem));
  }
}
