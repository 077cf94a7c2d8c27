package io.holdfast.launcher.load;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the figures are what customers saw, however bad. Method: the real orders service over a
 * broker that stands still, or without the services that bring an order to its end; then the test
 * does that.
 */
class LoadEngineTest {

  private static final Set<String> STREAMS =
      Set.of(
          "ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS", "DEADLETTERS", "REDRIVES", "AUDIT");
  private static final String CUSTOMER = "customer-0";
  private static final int STALL_MILLIS = 1_000;

  @TempDir Path folder;

  private final Vertx vertx = Vertx.vertx();
  private final Queue<String> promised = new ConcurrentLinkedQueue<>();
  private NatsServer broker;
  private Streams streams;
  private TestGroups groups;
  private LoadEngine engine;

  @BeforeEach
  void start() {
    broker = TestBroker.own(folder);
    streams = new Streams(broker.url(), "", STREAMS);
    groups = TestGroups.on(broker.url(), "");
    engine =
        engine(
            TestGroups.url(groups.start(new OrdersGroup())),
            new StreamEnds(vertx, streams.reader(), streams.subjects()));
  }

  @AfterEach
  void stop() throws Exception {
    engine.close();
    groups.close();
    streams.close();
    broker.close();
    vertx.close().await(10, TimeUnit.SECONDS);
  }

  @Test
  void a_second_in_which_nothing_is_answered_is_in_the_latencies_of_all_who_came_in_it()
      throws Exception {
    // Few connections: most of those who come meanwhile have not even sent their request.
    LoadPlan plan =
        LoadPlan.open(100, Duration.ofSeconds(3)).connections(4).endLimit(Duration.ofSeconds(2));
    Future<LoadResult> running = engine.run(plan);
    eventually("orders are accepted", () -> engine.progress().accepted() > 20);
    signal("STOP");
    LockSupport.parkNanos(Duration.ofMillis(STALL_MILLIS).toNanos());
    signal("CONT");

    LoadResult result = running.await(60, TimeUnit.SECONDS);

    assertThat(result.due()).isEqualTo(300);
    assertThat(result.accepted() + result.errorCount()).isEqualTo(300);
    assertThat(result.unsent()).isZero();
    assertThat(result.accept().count()).isEqualTo(result.accepted());
    assertThat(result.heldBack()).isGreaterThan(STALL_MILLIS / 10 / 2);
    // A third came in that second; the first of them waited for all of it, the last for nothing.
    assertThat(result.accept().max()).isGreaterThan(900_000);
    assertThat(result.accept().p99()).isGreaterThan(800_000);
    assertThat(result.accept().p90()).isGreaterThan(400_000);
    // Whoever counts from the sending sees four slow requests, and the rest as if nothing was.
    assertThat(result.wire().p90()).isLessThan(result.accept().p90());
  }

  @Test
  void in_a_closed_loop_nobody_comes_before_another_order_is_at_its_end() throws Exception {
    LoadPlan plan = LoadPlan.closed(5, Duration.ofSeconds(60)).most(8);
    Future<LoadResult> running = engine.run(plan);
    eventually("five are accepted", () -> engine.progress().accepted() == 5);
    assertThat(engine.progress().sent()).isEqualTo(5);

    for (int ended = 0; ended < 8; ended++) {
      eventually("another one is accepted", () -> !promised.isEmpty());
      cancel(promised.poll());
    }

    LoadResult result = running.await(30, TimeUnit.SECONDS);
    assertThat(result.promised()).isEqualTo(8);
    assertThat(result.cancelledCount()).isEqualTo(8);
    assertThat(result.confirmed().count()).isZero();
    assertThat(result.done()).isEqualTo(8);
    assertThat(result.end().count()).isEqualTo(8);
    assertThat(result.unfinished()).isEmpty();
  }

  @Test
  void an_order_that_does_not_come_to_its_end_is_named() throws Exception {
    LoadPlan plan = LoadPlan.open(20, Duration.ofMillis(500)).endLimit(Duration.ofMillis(500));
    LoadResult result = engine.run(plan).await(30, TimeUnit.SECONDS);

    assertThat(result.accepted()).isEqualTo(10);
    assertThat(result.done()).isZero();
    assertThat(result.unfinished()).containsExactlyInAnyOrderElementsOf(promised);
    assertThat(result.behind()).isEqualTo(10);
  }

  @Test
  void where_nobody_listens_every_customer_is_an_error() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (LoadEngine nobody = engine("http://127.0.0.1:" + port, OrderEnds.unknown())) {
      LoadResult result =
          nobody.run(LoadPlan.open(50, Duration.ofMillis(400))).await(30, TimeUnit.SECONDS);

      assertThat(result.accepted()).isZero();
      assertThat(result.errors()).containsOnlyKeys("connection refused").containsValue(20L);
      assertThat(result.errorShare()).isEqualTo(1);
    }
  }

  @Test
  void a_request_without_an_answer_is_given_up_in_time() throws Exception {
    try (ServerSocket deaf = new ServerSocket(0);
        LoadEngine unheard =
            engine("http://127.0.0.1:" + deaf.getLocalPort(), OrderEnds.unknown())) {
      LoadPlan plan = LoadPlan.open(20, Duration.ofMillis(500)).answerLimit(Duration.ofMillis(300));
      LoadResult result = unheard.run(plan).await(30, TimeUnit.SECONDS);

      assertThat(result.errors()).containsOnlyKeys("no answer within 300 ms").containsValue(10L);
    }
  }

  private LoadEngine engine(String url, OrderEnds ends) {
    return new LoadEngine(
        vertx, URI.create(url), OrderBodies.plain(1, 1), ends, promised::add, Optional.empty());
  }

  private void cancel(String orderId) {
    append(
        new OrderCancelled(orderId, CUSTOMER, CancelReason.CUSTOMER_REQUEST, null),
        Streams.get(streams.events().load(Domain.ORDERS, orderId)).lastSequence());
    append(new NotificationSent(orderId, CUSTOMER, "order_cancelled", "log"), 0);
  }

  private void append(Event fact, long expectedSequence) {
    Streams.get(
        streams
            .events()
            .append(Envelope.once(fact, Instant.now(), "a".repeat(32)), expectedSequence));
  }

  private void signal(String name) throws IOException, InterruptedException {
    assertThat(
            new ProcessBuilder("kill", "-" + name, Long.toString(broker.pid())).start().waitFor())
        .isZero();
  }
}
