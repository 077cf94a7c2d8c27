package io.holdfast.launcher;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.launcher.OrderCommand.AcceptedOrders;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: {@code order --count} forgets no promise, whatever it meets. Method: real orders over a
 * broker that is killed meanwhile; the test tells the customers, or does not.
 */
class OrderBurstTest {

  private static final Set<String> STREAMS =
      Set.of(
          "ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS", "DEADLETTERS", "REDRIVES", "AUDIT");
  private static final JsonObject ORDER =
      new JsonObject().put("customer_id", "c1").put("amount", 5);

  @TempDir Path folder;

  private NatsServer broker;
  private Streams streams;
  private TestGroups groups;
  private String url;

  @BeforeEach
  void start() {
    broker = TestBroker.own(folder.resolve("nats"));
    streams = new Streams(broker.url(), "", STREAMS);
    groups = TestGroups.on(broker.url(), "");
    url = TestGroups.url(groups.start(new OrdersGroup()));
  }

  @AfterEach
  void stop() {
    groups.close();
    streams.close();
    broker.close();
  }

  @Test
  void what_was_promised_is_noted_while_it_goes_on_and_a_broker_that_stays_away_ends_in_a_report()
      throws Exception {
    int count = 1_000;
    CompletableFuture<Integer> burst = burst(count, 1, Duration.ofSeconds(5));
    // Long before the time for placing them is up.
    eventually("some are noted", Duration.ofSeconds(3), this::noted, some -> !some.isEmpty());
    assertThat(burst).isNotDone();
    broker.kill();

    assertThat(burst.get(30, TimeUnit.SECONDS)).isEqualTo(1);
    broker.restart();
    eventually("it can be read again", () -> streams.events().problems().isEmpty());
    List<String> stored =
        streams.facts("ORDERS").stream().map(fact -> fact.event().aggregateId()).toList();
    assertThat(noted()).doesNotHaveDuplicates().hasSizeLessThan(count);
    assertThat(stored).containsAll(noted());
    // One may have been stored whose answer was lost with the broker.
    assertThat(noted().size()).isBetween(stored.size() - 1, stored.size());
  }

  @Test
  void a_broker_that_comes_back_is_waited_for() throws Exception {
    CompletableFuture<Integer> burst = burst(20, 4, Duration.ofSeconds(30));
    eventually("all are accepted", () -> noted().size() == 20);
    broker.kill();
    broker.restart();
    eventually("it can be read again", () -> streams.events().problems().isEmpty());
    assertThat(burst).isNotDone();

    for (String orderId : noted()) {
      append(
          new OrderCancelled(orderId, "c1", CancelReason.CUSTOMER_REQUEST, null),
          get(streams.events().load(Domain.ORDERS, orderId)).lastSequence());
      append(new NotificationSent(orderId, "c1", "order_cancelled", "log"), 0);
    }

    assertThat(burst.get(30, TimeUnit.SECONDS)).isZero();
  }

  private void append(Event fact, long expectedSequence) {
    get(
        streams
            .events()
            .append(Envelope.once(fact, Instant.now(), "a".repeat(32)), expectedSequence));
  }

  private CompletableFuture<Integer> burst(int count, int concurrency, Duration limit) {
    RunningSystem system =
        new RunningSystem(
            broker.url(), "", Map.of("orders", url), Map.of("nats-server", broker.pid()));
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return OrderBurst.run(
                url,
                ORDER,
                count,
                concurrency,
                limit,
                system,
                new AcceptedOrders(Optional.of(folder)));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private List<String> noted() throws IOException {
    Path file = folder.resolve(AcceptedOrders.FILE);
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }
}
