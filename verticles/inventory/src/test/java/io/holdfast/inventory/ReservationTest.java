package io.holdfast.inventory;

import static io.holdfast.inventory.Inventory.item;
import static io.holdfast.inventory.Inventory.receive;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.StockEvent.Hold;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.Future;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: an order gets its stock or is told what is short, once, whatever comes twice or in the
 * wrong order. Method: the real group over a real broker; the test publishes what orders would, and
 * reads back what is stored.
 */
class ReservationTest {

  private final Inventory inventory = Inventory.inNewNamespace();

  @AfterEach
  void close() {
    inventory.assertThatSumsAddUp();
    assertThat(inventory.streams().messages("DEADLETTERS")).isEmpty();
    inventory.close();
  }

  @Test
  void a_lone_order_s_level_holds_for_it_before_its_reservation_is_stored() {
    String url = inventory.start();
    receive(url, "bulb", 10, "r1");

    long sequence = inventory.created("o1", item("bulb", 2), item("bulb", 1));

    InventoryReserved reserved = inventory.fact(InventoryReserved.class, "o1");
    assertThat(reserved.customerId()).isEqualTo("c1");
    assertThat(reserved.amount()).isEqualByComparingTo("10");
    assertThat(reserved.currency()).isEqualTo("EUR");
    assertThat(reserved.paymentMethod()).isEqualTo("pm_card_visa");
    assertThat(reserved.items()).containsExactly(item("bulb", 2), item("bulb", 1));
    assertThat(reserved.origin().sequence()).isEqualTo(sequence);
    Stored created =
        get(inventory.streams().events().load(Domain.ORDERS, "o1")).events().getFirst();
    assertThat(reserved.origin().createdAt()).isEqualTo(created.envelope().timestamp());

    List<Envelope<?>> facts = inventory.streams().facts("INVENTORY");
    assertThat(facts.getLast().event()).isEqualTo(reserved);
    assertThat(facts.getLast().traceId()).isEqualTo(Inventory.TRACE);
    long before = inventory.streams().messages("INVENTORY").getLast().sequence() - 2;
    assertThat(facts.get(facts.size() - 2).event())
        .isEqualTo(new StockLevelChanged("bulb", 10, 7, 3, List.of(new Hold("o1", 3, before))));

    inventory.created("o2", item("bulb", 1));
    inventory.fact(InventoryReserved.class, "o2");
    facts = inventory.streams().facts("INVENTORY");
    StockLevelChanged level = (StockLevelChanged) facts.get(facts.size() - 2).event();
    assertThat(level.reserved()).isEqualTo(4);
    assertThat(level.holds()).extracting(Hold::orderId).containsExactly("o2");
  }

  @Test
  void a_reservation_and_the_levels_it_changes_are_stored_side_by_side() {
    String url = inventory.start();
    receive(url, "bulb", 10, "r1");
    receive(url, "lamp", 10, "r2");

    inventory.created("o1", item("bulb", 2), item("lamp", 1));

    InventoryReserved reserved = inventory.fact(InventoryReserved.class, "o1");
    List<Envelope<?>> facts = inventory.streams().facts("INVENTORY");
    assertThat(facts.subList(facts.size() - 3, facts.size()))
        .extracting(envelope -> (Object) envelope.event())
        .containsExactlyInAnyOrder(
            reserved,
            new StockLevelChanged("bulb", 10, 8, 2),
            new StockLevelChanged("lamp", 10, 9, 1));
    List<RawMessage> messages = inventory.streams().messages("INVENTORY");
    assertThat(messages.getLast().sequence())
        .isEqualTo(messages.get(messages.size() - 2).sequence() + 1);
    assertThat(messages.getLast().header("Nats-Batch-Id"))
        .isPresent()
        .isEqualTo(messages.get(messages.size() - 2).header("Nats-Batch-Id"));
  }

  @Test
  void an_order_that_is_short_of_something_holds_nothing_and_is_told_all_of_it() {
    String url = inventory.start();
    receive(url, "bulb", 3, "r1");
    receive(url, "lamp", 9, "r2");

    long sequence =
        inventory.created("o1", item("bulb", 4), item("lamp", 1), item("never-came", 1));

    InventoryRejected rejected = inventory.fact(InventoryRejected.class, "o1");
    assertThat(rejected.reason()).isEqualTo("out_of_stock");
    assertThat(rejected.customerId()).isEqualTo("c1");
    assertThat(rejected.shortages())
        .containsExactlyInAnyOrder(new Shortage("bulb", 4, 3), new Shortage("never-came", 1, 0));
    assertThat(rejected.origin().sequence()).isEqualTo(sequence);
    assertThat(inventory.level("bulb")).containsExactly(3L, 3L, 0L);
    assertThat(inventory.level("lamp")).containsExactly(9L, 9L, 0L);
  }

  @Test
  void what_is_no_fact_does_not_stop_an_order_nor_those_beside_it() throws Exception {
    String url = inventory.start();
    receive(url, "bulb", 100, "r1");
    Connection attacker = Nats.connect(TestBroker.shared().url());
    for (String subject :
        List.of(
            "inventory.reserved.o3",
            "inventory.reserved.o3",
            "inventory.rejected.o5",
            "inventory.whatever.o7",
            "inventory.released.alone",
            "inventory.reserved.later")) {
      attacker.jetStream().publish(inventory.streams().subjects().subject(subject), new byte[] {1});
    }
    attacker.close();

    List<Future<?>> published = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      published.add(inventory.publishCreated("o" + i, item("bulb", 1)));
    }
    get(Future.all(published));
    inventory.created("alone"); // no level changes: it is stored without a batch
    inventory.awaitSettled();
    long later = inventory.created("later", item("bulb", 1));
    inventory.fact(InventoryReserved.class, "later");
    inventory.cancelled("later", later);

    assertThat(inventory.fact(InventoryReleased.class, "later").items()).hasSize(1);
    assertThat(inventory.count(InventoryReserved.class)).isEqualTo(12);
    assertThat(inventory.level("bulb")).containsExactly(100L, 90L, 10L);
  }

  @Test
  void an_order_that_is_an_amount_alone_is_reserved_without_a_level() {
    inventory.start();

    inventory.created("o1");

    assertThat(inventory.fact(InventoryReserved.class, "o1").items()).isEmpty();
    assertThat(inventory.streams().facts("INVENTORY")).hasSize(1);
  }

  @Test
  void of_two_hundred_orders_at_once_one_gets_the_last_piece() {
    String url = inventory.start();
    receive(url, "bulb", 1, "r1");

    List<Future<?>> published = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      published.add(inventory.publishCreated("o" + i, item("bulb", 1)));
    }
    get(Future.all(published));
    inventory.awaitSettled();

    assertThat(inventory.count(InventoryReserved.class)).isEqualTo(1);
    assertThat(inventory.count(InventoryRejected.class)).isEqualTo(199);
    assertThat(inventory.level("bulb")).containsExactly(1L, 0L, 1L);
  }

  @Test
  void a_cancelled_order_frees_what_it_held_for_the_next_one() {
    String url = inventory.start();
    receive(url, "bulb", 2, "r1");
    long sequence = inventory.created("o1", item("bulb", 2));
    inventory.fact(InventoryReserved.class, "o1");

    inventory.cancelled("o1", sequence);

    assertThat(inventory.fact(InventoryReleased.class, "o1").items())
        .containsExactly(item("bulb", 2));
    assertThat(inventory.level("bulb")).containsExactly(2L, 2L, 0L);
    inventory.created("o2", item("bulb", 2));
    inventory.fact(InventoryReserved.class, "o2");
  }

  @Test
  void a_cancellation_that_is_seen_first_leaves_a_tombstone_and_nothing_is_reserved_after_it() {
    String url = inventory.start();
    receive(url, "bulb", 5, "r1");

    long cancelled = inventory.cancelled("o1", 0);
    assertThat(inventory.fact(InventoryReleased.class, "o1").items()).isEmpty();
    inventory.created("o1", cancelled, item("bulb", 2));
    inventory.awaitSettled();

    assertThat(inventory.history("o1").events()).hasSize(1);
    assertThat(inventory.level("bulb")).containsExactly(5L, 5L, 0L);
  }

  @Test
  void redelivered_and_repeated_events_change_nothing() throws Exception {
    RunningGroup first = inventory.startGroup();
    receive(TestGroups.url(first), "bulb", 5, "r1");
    inventory.created("kept", item("bulb", 2));
    long gone = inventory.created("gone", item("bulb", 1));
    inventory.created("short", item("bulb", 9));
    inventory.awaitSettled();
    inventory.cancelled("gone", gone);
    inventory.awaitSettled();
    inventory.fact(InventoryReleased.class, "gone");
    assertThat(first.drain().await(15, TimeUnit.SECONDS)).isTrue();
    List<Event> before = facts();

    inventory.streams().forgetConsumer("ORDERS", "inventory-reserve");
    inventory.streams().forgetConsumer("ORDERS", "inventory-release");
    inventory.startGroup();
    inventory.awaitSettled();

    assertThat(facts()).isEqualTo(before);
    assertThat(inventory.level("bulb")).containsExactly(5L, 3L, 2L);
  }

  /** All but levels, which may be told again. */
  private List<Event> facts() {
    return inventory.streams().facts("INVENTORY").stream()
        .map(envelope -> (Event) envelope.event())
        .filter(event -> !(event instanceof StockLevelChanged))
        .toList();
  }

  @Test
  void orders_that_were_decided_before_do_not_hold_up_new_ones_when_they_all_come_again()
      throws Exception {
    RunningGroup first = inventory.startGroup();
    receive(TestGroups.url(first), "bulb", 2_000, "r1");
    List<Future<?>> published = new ArrayList<>();
    for (int i = 0; i < 1_500; i++) {
      published.add(inventory.publishCreated("o" + i, item("bulb", 1)));
    }
    get(Future.all(published));
    inventory.awaitSettled();
    assertThat(first.drain().await(15, TimeUnit.SECONDS)).isTrue();

    inventory.streams().forgetConsumer("ORDERS", "inventory-reserve");
    inventory.startGroup();
    inventory.created("new", item("bulb", 1));

    inventory.fact(InventoryReserved.class, "new");
    inventory.awaitSettled();
    assertThat(inventory.count(InventoryReserved.class)).isEqualTo(1_501);
  }

  @Test
  void a_release_decided_on_a_level_that_another_replica_has_changed_costs_no_attempt() {
    inventory.with("RETRY_MAX_ATTEMPTS", "1");
    String url = inventory.start();
    receive(url, "bulb", 5, "r1"); // from now on this replica remembers 5 available, 0 reserved
    reservedByAnotherReplica("o1", 2);

    inventory.cancelled("o1", 0);

    assertThat(inventory.fact(InventoryReleased.class, "o1").items())
        .containsExactly(item("bulb", 2));
    assertThat(inventory.level("bulb")).containsExactly(5L, 5L, 0L);
  }

  private void reservedByAnotherReplica(String orderId, int quantity) {
    Streams streams = inventory.streams();
    Stored level = get(streams.events().loadAll(Domain.STOCK, List.of("bulb"))).getFirst();
    StockLevelChanged before = (StockLevelChanged) level.envelope().event();
    InventoryReserved reserved =
        new InventoryReserved(
            orderId, "c1", BigDecimal.TEN, "EUR", List.of(item("bulb", quantity)), null, null);
    StockLevelChanged after =
        new StockLevelChanged(
            "bulb", before.received(), before.available() - quantity, before.reserved() + quantity);
    Instant now = Instant.now();
    assertThat(
            get(
                streams
                    .events()
                    .appendTogether(
                        List.of(
                            new Guarded(Envelope.once(reserved, now, Inventory.TRACE), 0),
                            new Guarded(
                                Envelope.repeated(after, "other", now, Inventory.TRACE),
                                level.sequence())))))
        .isPresent();
  }
}
