package io.holdfast.inventory;

import static io.holdfast.inventory.Inventory.item;
import static io.holdfast.inventory.Inventory.receive;
import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker that is killed in the middle of a sale loses and doubles nothing. Method: kill -9
 * of a broker of its own while orders come in and batches are under way, then a restart on the same
 * store.
 */
class BrokerCrashTest {

  private static final int ORDERS = 300;
  private static final int PIECES = 120;

  @TempDir Path folder;

  @Test
  void after_a_crash_in_the_middle_of_a_sale_every_order_is_decided_once_and_sums_add_up()
      throws Exception {
    try (NatsServer broker = TestBroker.own(folder);
        Inventory inventory = Inventory.on(broker.url())) {
      RunningGroup group = inventory.startGroup();
      String url = TestGroups.url(group);
      receive(url, "hot", PIECES, "r1");

      CompletableFuture<Void> published = CompletableFuture.runAsync(() -> publish(inventory));
      eventually(
          "the sale is under way", () -> inventory.level("hot").getLast(), held -> held > 20);
      broker.kill();
      assertThat(Http.get(url + "/stock/hot").status()).isEqualTo(503);
      assertThat(Http.get(url + "/health").status()).isEqualTo(200);
      assertThat(Http.get(url + "/ready").status()).isEqualTo(503);
      broker.restart();
      published.join();
      eventually("ready again", () -> Http.get(url + "/ready").status() == 200);
      // What was in process when the broker died comes again after 30 s; a new consumer is faster.
      assertThat(group.drain().await(15, TimeUnit.SECONDS)).isTrue();
      inventory.streams().forgetConsumer("ORDERS", "inventory-reserve");
      inventory.start();
      inventory.awaitSettled();

      eventually(
          "every order is decided",
          () -> inventory.count(InventoryReserved.class) + inventory.count(InventoryRejected.class),
          decided -> decided == ORDERS);
      assertThat(inventory.count(InventoryReserved.class)).isEqualTo(PIECES);
      assertThat(inventory.level("hot")).containsExactly((long) PIECES, 0L, (long) PIECES);
      inventory.assertThatSumsAddUp();
      assertThat(inventory.streams().messages("DEADLETTERS")).isEmpty();
    }
  }

  /** One after the other, each until it is stored, however often the broker goes away meanwhile. */
  private static void publish(Inventory inventory) {
    for (int i = 0; i < ORDERS; i++) {
      String orderId = "o" + i;
      eventually(
          orderId + " is stored",
          () -> {
            try {
              get(inventory.publishCreated(orderId, item("hot", 1)));
              return true;
            } catch (BrokerException away) {
              return false;
            }
          });
    }
  }
}
