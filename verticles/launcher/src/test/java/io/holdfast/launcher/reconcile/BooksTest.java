package io.holdfast.launcher.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.holdfast.events.CancelReason;
import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.Item;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.StreamCatalog;
import java.io.ByteArrayInputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: no breach of an invariant passes unseen, and a sound history is never accused. Method: a
 * small world in which every kind of order came to its end, and one lie at a time about it.
 */
class BooksTest {

  private static final EventCodec CODEC = new EventCodec();
  private static final Subjects SUBJECTS = new Subjects("shop");
  private static final Until END = Until.theEnd();
  private static final Instant AT = Instant.parse("2026-11-27T08:00:00Z");
  private static final BigDecimal PRICE = new BigDecimal("34.90");
  private static final List<Item> TWO_POTS = List.of(new Item("tea-pot", 2, PRICE));
  private static final BigDecimal TOTAL = new BigDecimal("69.80");

  /** A stored message: where it stands, and what it says. */
  private record Stored(String subject, String json, Event event, String traceId) {

    static Stored of(Event event, String traceId) {
      return new Stored(
          SUBJECTS.fact(event), encode(Envelope.once(event, AT, traceId)), event, traceId);
    }

    /** The same fact under an event id of its own. */
    Stored again(int number) {
      Envelope<Event> first = Envelope.once(event, AT, traceId);
      Envelope<Event> second =
          new Envelope<>(first.id() + "-again-" + number, event, AT, traceId, Envelope.VERSION);
      return new Stored(subject, encode(second), event, traceId);
    }

    @Override
    public String toString() {
      return event.getClass().getSimpleName() + " " + event.aggregateId();
    }
  }

  private static final List<Stored> WORLD = world();

  private static final List<Charge> CHARGES =
      List.of(
          new Charge("pi_1", "confirmed", 6980, "EUR", "succeeded"),
          new Charge("pi_2", "refunded", 6980, "EUR", "refunded"));

  private static List<Stored> world() {
    List<Stored> world = new ArrayList<>();
    receipt(world, "delivery-1", 5);
    level(world, 5, 0);

    created(world, "confirmed");
    reserved(world, "confirmed", 3, 2);
    add(world, processed("confirmed"));
    add(world, confirmed("confirmed"));
    add(world, sent("confirmed"));

    created(world, "declined");
    reserved(world, "declined", 1, 4);
    add(world, new PaymentFailed("declined", "CUST-1", "insufficient_funds", null, null));
    add(world, cancelled("declined", CancelReason.PAYMENT_DECLINED));
    released(world, "declined", 3, 2);
    add(world, sent("declined"));

    created(world, "sold-out");
    add(
        world,
        new InventoryRejected(
            "sold-out", "CUST-1", "out_of_stock", List.of(new Shortage("tea-pot", 9, 3)), null));
    add(world, cancelled("sold-out", CancelReason.OUT_OF_STOCK));
    add(world, new PaymentVoided("sold-out"));
    add(world, sent("sold-out"));

    created(world, "refunded");
    reserved(world, "refunded", 1, 4);
    add(world, processed("refunded"));
    add(world, cancelled("refunded", CancelReason.CUSTOMER_REQUEST));
    add(world, new PaymentRefunded("refunded", "pi_2", "re_1", TOTAL, "EUR"));
    released(world, "refunded", 3, 2);
    add(world, sent("refunded"));
    return List.copyOf(world);
  }

  private static void add(List<Stored> world, Event event) {
    world.add(Stored.of(event, traceOf(event)));
  }

  private static void receipt(List<Stored> world, String id, long quantity) {
    add(world, new StockReceived("tea-pot", quantity, id));
  }

  private static void level(List<Stored> world, long available, long reserved) {
    Event level = new StockLevelChanged("tea-pot", available + reserved, available, reserved);
    Envelope<Event> envelope =
        Envelope.repeated(level, "level-" + world.size(), AT, traceOf(level));
    world.add(new Stored(SUBJECTS.fact(level), encode(envelope), level, envelope.traceId()));
  }

  private static void created(List<Stored> world, String id) {
    add(world, new OrderCreated(id, "CUST-1", TOTAL, "EUR", TWO_POTS, null));
  }

  private static void reserved(List<Stored> world, String id, long available, long reserved) {
    add(world, new InventoryReserved(id, "CUST-1", TOTAL, "EUR", TWO_POTS, null, null));
    level(world, available, reserved);
  }

  private static void released(List<Stored> world, String id, long available, long reserved) {
    add(world, new InventoryReleased(id, TWO_POTS));
    level(world, available, reserved);
  }

  private static PaymentProcessed processed(String id) {
    return new PaymentProcessed(id, "CUST-1", TOTAL, "EUR", "pi_1", TWO_POTS, null, null);
  }

  private static OrderConfirmed confirmed(String id) {
    return new OrderConfirmed(id, "CUST-1", TOTAL, "EUR", TWO_POTS, null);
  }

  private static OrderCancelled cancelled(String id, CancelReason reason) {
    return new OrderCancelled(id, "CUST-1", reason, null);
  }

  private static NotificationSent sent(String id) {
    return new NotificationSent(id, "CUST-1", "order_confirmed", "log");
  }

  private static String traceOf(Event event) {
    return "%032x".formatted(event.aggregateId().hashCode() & 0xffffffffL);
  }

  private static Books read(List<Stored> messages) {
    Books books = new Books(SUBJECTS);
    for (int i = 0; i < messages.size(); i++) {
      read(books, messages.get(i), i + 1);
    }
    return books;
  }

  private static void read(Books books, Stored message, long sequence) {
    books.read(message.subject(), sequence, message.json().getBytes(StandardCharsets.UTF_8));
  }

  private static String encode(Envelope<?> envelope) {
    return new String(CODEC.encode(envelope), StandardCharsets.UTF_8);
  }

  private static List<Violation> check(List<Stored> messages) {
    Books books = read(messages);
    List<Violation> all = new ArrayList<>(books.check(END));
    all.addAll(books.checkCharges(CHARGES, END));
    return all;
  }

  private static List<Stored> without(Stored left) {
    return WORLD.stream().filter(stored -> !stored.equals(left)).toList();
  }

  private static List<Stored> with(Stored more) {
    List<Stored> all = new ArrayList<>(WORLD);
    all.add(more);
    return all;
  }

  private static Stored find(EventType type, String aggregateId) {
    return WORLD.stream()
        .filter(s -> EventType.of(s.event()) == type && s.event().aggregateId().equals(aggregateId))
        .findFirst()
        .orElseThrow();
  }

  static List<Stored> every_fact_of_an_order() {
    return WORLD.stream().filter(s -> !(s.event() instanceof StockLevelChanged)).toList();
  }

  @Test
  void a_sound_history_is_not_accused() {
    Books books = read(WORLD);

    assertThat(check(WORLD)).isEmpty();
    assertThat(books.underWay(END)).isZero();
    assertThat(books.orderCount()).isEqualTo(4);
    assertThat(books.confirmedCount()).isEqualTo(1);
    assertThat(books.cancelledCount()).isEqualTo(3);
  }

  @Test
  void a_sound_history_is_not_accused_in_whichever_order_the_streams_are_read() {
    for (int seed = 0; seed < 200; seed++) {
      // Only messages of one stream keep their order; which stream is read first is chance.
      List<String> domains =
          new ArrayList<>(WORLD.stream().map(BooksTest::stream).distinct().toList());
      Collections.shuffle(domains, new Random(seed));
      List<Stored> mixed = new ArrayList<>();
      domains.forEach(d -> WORLD.stream().filter(s -> stream(s).equals(d)).forEach(mixed::add));

      assertThat(check(mixed)).as("seed " + seed).isEmpty();
    }
  }

  private static String stream(Stored stored) {
    return EventType.of(stored.event()).domain().stream();
  }

  @ParameterizedTest
  @MethodSource("every_fact_of_an_order")
  void no_fact_can_be_missing(Stored missing) {
    List<Violation> violations = check(without(missing));

    assertThat(violations).isNotEmpty();
    if (!(missing.event() instanceof StockReceived)) {
      assertThat(violations).anyMatch(v -> v.orderId().equals(missing.event().aggregateId()));
    }
  }

  @ParameterizedTest
  @MethodSource("every_fact_of_an_order")
  void no_fact_can_be_there_twice(Stored twice) {
    assertThat(check(with(twice)))
        .extracting(Violation::invariant, Violation::subject, Violation::sequence)
        .contains(tuple(Invariant.I8, twice.subject(), (long) WORLD.size() + 1));
  }

  @ParameterizedTest
  @MethodSource("every_fact_of_an_order")
  void no_fact_can_be_there_under_two_ids(Stored twice) {
    assertThat(check(with(twice.again(1))))
        .extracting(Violation::invariant, Violation::subject, Violation::sequence)
        .contains(tuple(Invariant.I8, twice.subject(), (long) WORLD.size() + 1));
  }

  @Test
  void every_fact_of_an_order_has_the_order_s_trace() {
    for (Stored fact : every_fact_of_an_order()) {
      if (fact.event() instanceof StockReceived) {
        continue;
      }
      List<Stored> changed = new ArrayList<>(WORLD);
      changed.set(WORLD.indexOf(fact), Stored.of(fact.event(), "f".repeat(32)));

      assertThat(check(changed))
          .as(fact.toString())
          .isNotEmpty()
          .allMatch(v -> v.invariant() == Invariant.I9)
          .allMatch(v -> v.orderId().equals(fact.event().aggregateId()));
    }
  }

  @Test
  void an_accepted_order_that_is_not_stored_is_lost() {
    Books books = read(WORLD);
    books.accepted("confirmed");
    books.accepted("gone");

    assertThat(books.check(END))
        .extracting(Violation::invariant, Violation::orderId)
        .containsExactly(tuple(Invariant.I1, "gone"));
  }

  @Test
  void an_order_is_not_both_confirmed_and_cancelled() {
    Stored both = Stored.of(confirmed("refunded"), traceOf(confirmed("refunded")));

    assertThat(check(with(both)))
        .extracting(Violation::invariant, Violation::orderId)
        .contains(tuple(Invariant.I2, "refunded"));
  }

  @Test
  void outcomes_that_exclude_each_other_do_not_stand_together() {
    Event failed = new PaymentFailed("refunded", "CUST-1", "late", null, null);
    Event rejected = new InventoryRejected("confirmed", "CUST-1", "late", List.of(), null);

    for (Event opposite : List.of(failed, rejected)) {
      assertThat(check(with(Stored.of(opposite, traceOf(opposite)))))
          .extracting(Violation::invariant, Violation::orderId)
          .containsExactly(tuple(Invariant.I8, opposite.aggregateId()));
    }
  }

  @Test
  void a_tombstone_needs_no_reservation_and_money_may_come_back_after_a_void() {
    List<Stored> raced = new ArrayList<>(WORLD);
    created(raced, "raced");
    add(raced, new InventoryReleased("raced", List.of()));
    add(raced, cancelled("raced", CancelReason.CUSTOMER_REQUEST));
    add(raced, new PaymentVoided("raced"));
    add(raced, new PaymentRefunded("raced", "pi_3", "re_3", TOTAL, "EUR"));
    add(raced, sent("raced"));

    assertThat(check(raced)).isEmpty();
  }

  @Test
  void an_order_without_a_final_state_is_under_way_and_at_the_end_a_violation() {
    List<Stored> early =
        WORLD.stream()
            .filter(s -> !s.event().aggregateId().equals("confirmed"))
            .collect(Collectors.toCollection(ArrayList::new));
    early.add(find(EventType.ORDER_CREATED, "confirmed"));
    Books books = read(early);

    assertThat(books.underWay(END)).isEqualTo(1);
    assertThat(books.check(END))
        .extracting(Violation::invariant, Violation::orderId)
        .contains(tuple(Invariant.I2, "confirmed"));
  }

  @Test
  void an_order_that_came_in_after_the_check_began_is_in_flight_and_not_lost() {
    List<Stored> more = new ArrayList<>(WORLD);
    created(more, "late");
    reserved(more, "late", 1, 4);
    Books books = read(more);
    Until before =
        new Until(Map.of("ORDERS", (long) WORLD.size(), "INVENTORY", (long) WORLD.size()));

    assertThat(books.underWay(before)).isZero();
    assertThat(books.inFlight(before)).isEqualTo(1);
    assertThat(books.check(before)).isEmpty();
    assertThat(books.underWay(END)).isEqualTo(1);
    assertThat(books.check(END))
        .extracting(Violation::invariant, Violation::orderId)
        .containsExactly(tuple(Invariant.I2, "late"));
  }

  @Test
  void the_gateway_s_ledger_is_read_charge_by_charge() {
    String ledger =
        """
        {"note":{"charges":"no"},"charges":[
          {"id":"pi_1","order_id":"confirmed","amount":6980,"currency":"eur","status":"succeeded",
           "idempotency_key":"charge:confirmed","created":1795766400},
          {"id":"pi_2","order_id":"refunded","amount":6980,"currency":"eur","status":"refunded"}
        ]}""";
    GatewayLedger charges =
        new GatewayLedger(() -> new ByteArrayInputStream(ledger.getBytes(StandardCharsets.UTF_8)));

    assertThat(charges).containsExactlyElementsOf(CHARGES);
    assertThat(charges).as("again").containsExactlyElementsOf(CHARGES);
  }

  @Test
  void a_ledger_that_breaks_off_is_not_taken_for_a_short_one() {
    for (String broken :
        List.of("", "{}", "[]", "{\"charges\":[{\"id\":\"pi_1\"},", "{\"charges\":[{\"id\":\"pi")) {
      GatewayLedger charges =
          new GatewayLedger(
              () -> new ByteArrayInputStream(broken.getBytes(StandardCharsets.UTF_8)));

      assertThatThrownBy(() -> read(WORLD).checkCharges(charges, END))
          .as(broken)
          .isInstanceOf(UncheckedIOException.class);
    }
  }

  @Test
  void an_order_whose_message_was_parked_is_listed_apart_and_not_lost() {
    Books books = read(parked());

    assertThat(books.check(END)).isEmpty();
    assertThat(books.underWay(END)).isZero();
    assertThat(books.parked()).containsExactly("confirmed");
    assertThat(books.discarded()).isEmpty();
    assertThat(books.openDeadLetters()).isEqualTo(1);
  }

  @Test
  void an_order_whose_message_was_redriven_must_come_to_its_end() {
    List<Stored> redriven = parked();
    add(redriven, resolved(redriven.size(), Resolution.REDRIVEN));
    Books books = read(redriven);

    assertThat(books.parked()).isEmpty();
    assertThat(books.discarded()).isEmpty();
    assertThat(books.openDeadLetters()).isZero();
    assertThat(books.underWay(END)).isEqualTo(1);
    assertThat(books.check(END))
        .extracting(Violation::invariant, Violation::orderId)
        .containsExactly(tuple(Invariant.I5, "confirmed"));

    add(redriven, sent("confirmed"));
    assertThat(read(redriven).check(END)).isEmpty();
    assertThat(read(redriven).underWay(END)).isZero();
  }

  @Test
  void an_order_with_one_dead_letter_redriven_and_another_open_is_still_parked() {
    List<Stored> twice = parked();
    long first = twice.size();
    twice.add(twice.getLast());
    add(twice, resolved(first, Resolution.REDRIVEN));
    add(twice, resolved(first, Resolution.REDRIVEN)); // as a forger might

    assertThat(read(twice).parked()).containsExactly("confirmed");
  }

  @Test
  void an_order_whose_message_was_discarded_stays_listed_apart() {
    List<Stored> discarded = parked();
    add(discarded, resolved(discarded.size(), Resolution.DISCARDED));
    Books books = read(discarded);

    assertThat(books.check(END)).isEmpty();
    assertThat(books.underWay(END)).isZero();
    assertThat(books.parked()).isEmpty();
    assertThat(books.discarded()).containsExactly("confirmed");
    assertThat(books.openDeadLetters()).isZero();
  }

  @Test
  void a_dead_letter_where_none_belongs_is_no_fact_of_ours() {
    List<Stored> forged = new ArrayList<>(WORLD);
    Stored letter = parked().getLast();
    forged.add(
        new Stored(
            "shop.orders.created.confirmed", letter.json(), letter.event(), letter.traceId()));
    Books books = read(forged);

    assertThat(books.foreign()).isEqualTo(1);
    assertThat(books.deadLetters()).isZero();
    assertThat(books.parked()).isEmpty();
  }

  @Test
  void what_became_of_a_dead_letter_that_there_is_not_changes_nothing() {
    List<Stored> forged = new ArrayList<>(WORLD);
    add(forged, resolved(4711, Resolution.DISCARDED));
    Books books = read(forged);

    assertThat(books.check(END)).isEmpty();
    assertThat(books.discarded()).isEmpty();
  }

  /** The world with one dead letter, the last message, and without what it keeps from happening. */
  private static List<Stored> parked() {
    List<Stored> parked =
        new ArrayList<>(
            WORLD.stream()
                .filter(
                    s ->
                        !(s.event() instanceof NotificationSent n)
                            || !n.orderId().equals("confirmed"))
                .toList());
    MessageDeadLettered letter =
        new MessageDeadLettered(
            "confirmed",
            "notifications-send",
            "shop_ORDERS",
            2,
            "shop.orders.confirmed.confirmed",
            "handler_failed",
            null,
            6,
            AT,
            AT,
            Map.of(),
            "{}",
            null);
    Envelope<Event> envelope = Envelope.once(letter, AT, traceOf(letter));
    parked.add(
        new Stored(
            SUBJECTS.deadLetter("notifications", "orders.confirmed.confirmed"),
            encode(envelope),
            letter,
            envelope.traceId()));
    return parked;
  }

  private static DeadLetterResolved resolved(long deadLetter, Resolution resolution) {
    return new DeadLetterResolved(
        deadLetter,
        resolution,
        "notifications-send",
        "shop.orders.confirmed.confirmed",
        null,
        null);
  }

  @Test
  void two_charges_that_are_not_refunded_are_one_too_many() {
    List<Charge> charges = new ArrayList<>(CHARGES);
    charges.add(new Charge("pi_9", "confirmed", 6980, "EUR", "succeeded"));

    assertThat(read(WORLD).checkCharges(charges, END))
        .singleElement()
        .satisfies(
            v -> {
              assertThat(v.invariant()).isEqualTo(Invariant.I3);
              assertThat(v.orderId()).isEqualTo("confirmed");
              assertThat(v.problem()).contains("pi_1", "pi_9");
              assertThat(v.sequence())
                  .isEqualTo(WORLD.indexOf(find(EventType.PAYMENT_PROCESSED, "confirmed")) + 1);
            });
  }

  @Test
  void money_of_a_cancelled_order_is_kept_money_even_if_a_message_of_it_is_parked() {
    MessageDeadLettered letter =
        new MessageDeadLettered(
            "refunded",
            "payments-charge",
            "shop_INVENTORY",
            2,
            "shop.inventory.reserved.refunded",
            "attempts_exhausted",
            null,
            6,
            AT,
            AT,
            Map.of(),
            "{}",
            null);
    Envelope<Event> envelope = Envelope.once(letter, AT, traceOf(letter));
    List<Stored> parked = new ArrayList<>(WORLD);
    parked.add(
        new Stored(
            SUBJECTS.deadLetter("payments", "inventory.reserved.refunded"),
            encode(envelope),
            letter,
            envelope.traceId()));
    List<Charge> charges = new ArrayList<>(CHARGES);
    charges.add(new Charge("pi_9", "refunded", 6980, "EUR", "succeeded"));

    assertThat(read(parked).checkCharges(charges, END))
        .singleElement()
        .satisfies(
            v -> {
              assertThat(v.orderId()).isEqualTo("refunded");
              assertThat(v.problem()).contains("pi_9", "a message of it is parked");
            });
  }

  @Test
  void a_charge_besides_a_refunded_one_of_a_cancelled_order_is_kept_money() {
    List<Charge> charges = new ArrayList<>(CHARGES);
    charges.add(new Charge("pi_9", "refunded", 6980, "EUR", "succeeded"));

    assertThat(read(WORLD).checkCharges(charges, END))
        .extracting(Violation::invariant, Violation::orderId)
        .containsExactly(tuple(Invariant.I3, "refunded"));
  }

  @Test
  void a_confirmed_order_without_a_charge_was_given_away() {
    assertThat(read(WORLD).checkCharges(List.of(), END))
        .extracting(Violation::invariant, Violation::orderId)
        .containsExactly(tuple(Invariant.I3, "confirmed"));
  }

  @Test
  void a_charge_is_of_the_order_s_amount_and_currency() {
    for (Charge wrong :
        List.of(
            new Charge("pi_1", "confirmed", 6981, "EUR", "succeeded"),
            new Charge("pi_1", "confirmed", 6980, "USD", "succeeded"))) {
      assertThat(read(WORLD).checkCharges(List.of(wrong), END))
          .as(wrong.toString())
          .extracting(Violation::invariant, Violation::orderId)
          .containsExactly(tuple(Invariant.I3, "confirmed"));
    }
  }

  @Test
  void a_charge_of_an_order_that_nobody_knows_is_counted_apart() {
    List<Charge> charges = new ArrayList<>(CHARGES);
    charges.add(new Charge("pi_9", "of-another-system", 100, "EUR", "succeeded"));

    Books books = read(WORLD);

    assertThat(books.checkCharges(charges, END)).isEmpty();
    assertThat(books.unknownCharges()).isEqualTo(1);
  }

  @Test
  void a_level_that_does_not_follow_from_receipts_and_reservations_is_named() {
    Stored level =
        Stored.of(
            new StockLevelChanged("tea-pot", 6, 4, 2),
            traceOf(new StockLevelChanged("tea-pot", 6, 4, 2)));

    assertThat(check(with(level)))
        .extracting(Violation::invariant, Violation::subject, Violation::sequence)
        .containsExactly(tuple(Invariant.I4, "shop.stock.level.tea-pot", (long) WORLD.size() + 1));
  }

  @Test
  void a_level_below_nothing_is_named() {
    Stored first = WORLD.get(1);
    String oversold = first.json().replace("\"available\":5", "\"available\":-1");

    assertThat(check(with(new Stored(first.subject(), oversold, first.event(), first.traceId()))))
        .extracting(Violation::invariant, Violation::subject, Violation::sequence)
        .containsExactly(tuple(Invariant.I4, "shop.stock.level.tea-pot", (long) WORLD.size() + 1));
  }

  @Test
  void what_is_no_fact_of_ours_is_counted_and_accuses_nobody() {
    Books books = read(WORLD);
    books.read("shop.orders.created.x", 100, "not json".getBytes(StandardCharsets.UTF_8));
    Stored misplaced = find(EventType.ORDER_CREATED, "confirmed");
    books.read(
        "shop.orders.created.somebody-else",
        101,
        misplaced.json().getBytes(StandardCharsets.UTF_8));

    assertThat(books.foreign()).isEqualTo(2);
    assertThat(books.check(END)).isEmpty();
  }

  @Test
  void what_is_no_fact_of_ours_has_a_dead_letter_of_each_consumer_that_meets_it() {
    Books books = read(WORLD);
    byte[] poison = "not json".getBytes(StandardCharsets.UTF_8);
    books.read("shop.orders.cancelled.x", 100, poison);
    books.read("shop.stock.level.x", 101, poison); // which no consumer meets
    letter(books, "inventory-release", 100);
    letter(books, "notifications-send", 100);
    letter(books, "payments-compensate", 99);

    assertThat(books.notParked(StreamCatalog.CONSUMERS, END))
        .extracting(Violation::toString)
        .containsExactly(
            "I7  shop.orders.cancelled.x #100: is no fact of ours, and payments-compensate left no"
                + " dead letter of it");
    assertThat(books.notParked(StreamCatalog.CONSUMERS, new Until(Map.of("ORDERS", 99L))))
        .as("what came in since proves nothing yet")
        .isEmpty();
    letter(books, "payments-compensate", 100);
    assertThat(books.notParked(StreamCatalog.CONSUMERS, END)).isEmpty();
  }

  private static void letter(Books books, String consumer, long sequence) {
    MessageDeadLettered letter =
        new MessageDeadLettered(
            "x",
            consumer,
            "shop_ORDERS",
            sequence,
            "shop.orders.cancelled.x",
            "undecodable",
            null,
            1,
            AT,
            AT,
            Map.of(),
            null,
            "bm90IGpzb24=");
    books.read(
        SUBJECTS.deadLetter("some", "orders.cancelled.x"),
        1_000 + books.deadLetters(),
        encode(Envelope.once(letter, AT, traceOf(letter))).getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void a_violation_says_what_where_and_why_on_one_line() {
    Violation violation =
        new Violation(Invariant.I3, "o1", "payments.processed.o1", 7, "2 charges: pi_1, pi_2");

    assertThat(violation).hasToString("I3  o1  payments.processed.o1 #7: 2 charges: pi_1, pi_2");
    assertThat(violation.json().getString("order_id")).isEqualTo("o1");
    assertThat(violation.json().getLong("sequence")).isEqualTo(7);
  }
}
