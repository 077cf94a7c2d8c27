package io.holdfast.inventory;

import static io.holdfast.inventory.Inventory.item;
import static io.holdfast.inventory.Inventory.receive;
import static io.holdfast.testkit.Streams.get;
import static io.holdfast.testkit.Together.atOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: stock is not oversold, and not held back either, with two replicas that each remember
 * levels of their own. Method: both in one namespace of a real broker, each with a connection of
 * its own.
 */
class ReplicasTest {

  private static final String BROKER = TestBroker.shared().url();

  private final Inventory inventory = Inventory.inNewNamespace();
  private final TestGroups elsewhere = TestGroups.on(BROKER, inventory.namespace());

  @AfterEach
  void close() {
    inventory.assertThatSumsAddUp();
    assertThat(inventory.streams().messages("DEADLETTERS")).isEmpty();
    elsewhere.close();
    inventory.close();
  }

  @Test
  void a_thousand_orders_for_two_hundred_pieces_get_two_hundred() {
    String url = inventory.start();
    elsewhere.start(new InventoryGroup());
    receive(url, "hot", 200, "r1");
    long begun = System.nanoTime();

    List<Future<?>> published = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      published.add(inventory.publishCreated("o" + i, item("hot", 1)));
    }
    get(Future.all(published));
    inventory.awaitSettled();

    System.out.printf(
        "1,000 orders for one sku, two replicas: %d ms%n",
        Duration.ofNanos(System.nanoTime() - begun).toMillis());
    assertThat(inventory.count(InventoryReserved.class)).isEqualTo(200);
    assertThat(inventory.count(InventoryRejected.class)).isEqualTo(800);
    assertThat(inventory.level("hot")).containsExactly(200L, 0L, 200L);
  }

  @Test
  void what_one_replica_received_the_other_one_gives_out() {
    String here = inventory.start();
    receive(here, "bulb", 1, "r1");
    inventory.created("first", item("bulb", 1));
    inventory.fact(InventoryReserved.class, "first"); // and this replica remembers: sold out
    String there = TestGroups.url(elsewhere.start(new InventoryGroup()));

    for (int i = 0; i < 8; i++) { // whichever of the two each order comes to
      receive(i % 2 == 0 ? here : there, "bulb", 1, "more" + i);
      inventory.created("o" + i, item("bulb", 1));
      inventory.fact(InventoryReserved.class, "o" + i);
    }
  }

  @Test
  void receipts_at_both_replicas_at_once_all_come_in() {
    String here = inventory.start();
    String there = TestGroups.url(elsewhere.start(new InventoryGroup()));

    assertThat(atOnce(60, i -> receive(i % 2 == 0 ? here : there, "bulb", 1, "r" + i).status()))
        .containsOnly(201);
    assertThat(inventory.level("bulb")).containsExactly(60L, 60L, 0L);
  }

  @Test
  void one_key_at_both_replicas_at_once_is_one_receipt() {
    String here = inventory.start();
    String there = TestGroups.url(elsewhere.start(new InventoryGroup()));

    assertThat(atOnce(20, i -> receive(i % 2 == 0 ? here : there, "bulb", 5, "r1").status()))
        .containsOnly(201);
    assertThat(inventory.level("bulb")).containsExactly(5L, 5L, 0L);
  }

  @Test
  void orders_and_their_cancellations_at_both_replicas_leave_nothing_held() {
    String url = inventory.start();
    elsewhere.start(new InventoryGroup());
    receive(url, "bulb", 40, "r1");
    receive(url, "lamp", 40, "r2");

    atOnce(
        100,
        i -> {
          Item[] items =
              i % 2 == 0
                  ? new Item[] {item("bulb", 1), item("lamp", 2)}
                  : new Item[] {item("lamp", 1), item("bulb", 1)};
          inventory.cancelled("o" + i, inventory.created("o" + i, items));
          return i;
        });
    inventory.awaitSettled();

    long reserved = inventory.count(InventoryReserved.class);
    long rejected = inventory.count(InventoryRejected.class);
    assertThat(inventory.count(InventoryReleased.class)).isEqualTo(100 - rejected);
    assertThat(reserved + rejected).isLessThanOrEqualTo(100);
    assertThat(inventory.level("bulb")).containsExactly(40L, 40L, 0L);
    assertThat(inventory.level("lamp")).containsExactly(40L, 40L, 0L);
  }
}
