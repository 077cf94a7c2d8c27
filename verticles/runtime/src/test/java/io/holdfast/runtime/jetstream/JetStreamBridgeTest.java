package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Eventually.throughout;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.EventCodec;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.support.Facts;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Tracing;
import io.nats.client.Statistics;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a message that was delivered ends acknowledged after its effect, or in DEADLETTERS with all
 * that is known of it; nothing else can happen to it. Method: every outcome that a handler can
 * have, and those that it should not have, over a real broker whose own books are looked into.
 */
class JetStreamBridgeTest {

  private static final String CONSUMER = "inventory-reserve";
  private static final int ATTEMPTS = 4;

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final List<TestProcess> processes = new ArrayList<>();
  private final String namespace = TestServer.newName();
  private TestProcess process;
  private Wire wire;

  @BeforeEach
  void start() {
    process = another("WORKERS", "8");
    wire = Wire.to(TestServer.shared().url());
  }

  @AfterEach
  void stop() {
    wire.close();
    processes.forEach(TestProcess::close);
  }

  // What the broker refuses.

  @Test
  void a_broker_that_has_nothing_to_deliver_from_is_asked_ever_more_slowly() throws Exception {
    consume(order -> Future.succeededFuture(Outcome.DONE));
    append("o1");
    awaitSettled(1);

    wire.succeed("CONSUMER.DELETE." + process.stream("ORDERS") + "." + CONSUMER, "");
    eventually("it is noticed", () -> !process.streams().silentConsumers().isEmpty());

    Statistics sent = process.broker().connection().getStatistics();
    long before = sent.getOutMsgs();
    throughout("not in a hurry", Duration.ofSeconds(2), () -> sent.getOutMsgs() - before < 60);
    assertThat(process.streams().silentConsumers().getFirst()).startsWith(CONSUMER + " (503");
  }

  // Acknowledged, and when.

  @Test
  void a_message_is_acknowledged_after_its_effect_and_not_before() throws Exception {
    Promise<Outcome> effect = Promise.promise();
    consume(order -> effect.future());
    append("o1");
    eventually("it is at work", () -> seen.size() == 1);

    throughout("not acknowledged", Duration.ofMillis(400), () -> consumer().unacknowledged() == 1);
    effect.complete(Outcome.DONE);

    awaitSettled(1);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void what_a_handler_ignores_rightly_is_acknowledged() {
    consume(order -> Future.succeededFuture(new Outcome.Ignored("not for us")));
    append("o1", "o2");

    awaitSettled(2);
    assertThat(seen).containsExactly("o1", "o2");
  }

  @Test
  void no_more_than_workers_messages_are_in_process_and_the_others_wait_at_the_broker()
      throws Exception {
    Map<String, Promise<Outcome>> inProcess = new ConcurrentHashMap<>();
    AtomicInteger most = new AtomicInteger();
    consume(
        order -> {
          Promise<Outcome> promise = Promise.promise();
          inProcess.put(order.orderId(), promise);
          most.accumulateAndGet(inProcess.size(), Math::max);
          return promise.future();
        });
    append(orders(40));

    eventually("as many as may", () -> inProcess.size() == 8);
    throughout(
        "the others wait",
        Duration.ofMillis(300),
        () -> inProcess.size() == 8 && consumer().unacknowledged() == 8);
    assertThat(consumer().pending()).isEqualTo(32);

    eventually(
        "all come by and by",
        () -> {
          inProcess.keySet().forEach(id -> inProcess.remove(id).complete(Outcome.DONE));
          return consumer().ackFloor() == 40;
        });
    assertThat(most.get()).isEqualTo(8);
    assertThat(seen).hasSize(40).doesNotHaveDuplicates();
  }

  // Failures.

  @Test
  void a_failing_message_is_tried_so_often_and_then_parked_with_all_that_is_known_of_it() {
    consume(order -> Future.failedFuture(new IllegalStateException("the gateway is on fire")));
    byte[] body = new EventCodec().encode(created("o1"));
    wire.publish(
        process.subject("orders.created.o1"),
        body,
        "traceparent",
        "00-" + Facts.TRACE + "-00f067aa0ba902b7-01",
        "X-Told-By",
        "a test");

    awaitSettled(1);
    assertThat(seen).hasSize(ATTEMPTS);
    RawMessage parked = onlyDeadLetter();
    assertThat(parked.subject())
        .isEqualTo(process.subject("deadletters.inventory.orders.created.o1"));
    MessageDeadLettered letter = letter(parked);
    assertThat(letter.consumer()).isEqualTo(CONSUMER);
    assertThat(letter.stream()).isEqualTo(process.stream("ORDERS"));
    assertThat(letter.sequence()).isEqualTo(1);
    assertThat(letter.reason()).isEqualTo("attempts_exhausted");
    assertThat(letter.attempts()).isEqualTo(ATTEMPTS);
    assertThat(letter.error()).contains("the gateway is on fire");
    assertThat(letter.payload()).isEqualTo(new String(body, StandardCharsets.UTF_8));
    assertThat(letter.headers())
        .containsEntry("X-Told-By", List.of("a test"))
        .containsEntry("traceparent", List.of("00-" + Facts.TRACE + "-00f067aa0ba902b7-01"));
    assertThat(letter.lastFailedAt()).isAfter(letter.firstFailedAt());
    assertThat(parked.header("traceparent"))
        .hasValueSatisfying(h -> assertThat(h).contains(Facts.TRACE));
    assertThat(process.platform().meters().scrape())
        .contains(
            "dead_letters_total{consumer=\"inventory-reserve\",reason=\"attempts_exhausted\"} 1.0")
        .contains("event_retries_total{consumer=\"inventory-reserve\"} 3.0");
  }

  @Test
  void a_message_that_recovers_is_not_parked() {
    consume(
        order ->
            seen.size() < ATTEMPTS
                ? Future.failedFuture("not yet")
                : Future.succeededFuture(Outcome.DONE));
    append("o1");

    awaitSettled(1);
    assertThat(seen).hasSize(ATTEMPTS);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void failures_are_spaced_out() {
    TestProcess patient = another("RETRY_BASE_MS", "400", "RETRY_CAP_MS", "400");
    List<Long> times = new CopyOnWriteArrayList<>();
    consume(
        patient,
        order -> {
          times.add(System.nanoTime());
          return Future.failedFuture("no");
        });
    append("o1", "o2", "o3", "o4", "o5");

    awaitSettled(5);
    // Five times three waits, each anywhere up to 400 ms: together about 3 s, and if not spaced 0.
    long together = times.getLast() - times.getFirst();
    assertThat(Duration.ofNanos(together)).isGreaterThan(Duration.ofMillis(300));
  }

  @Test
  void what_a_handler_rejects_is_parked_at_once() {
    consume(
        order ->
            Future.succeededFuture(
                new Outcome.Reject(new IllegalArgumentException("nobody can do this"))));
    append("o1");

    awaitSettled(1);
    assertThat(seen).hasSize(1);
    assertThat(letter(onlyDeadLetter()))
        .satisfies(letter -> assertThat(letter.reason()).isEqualTo("rejected"))
        .satisfies(letter -> assertThat(letter.error()).contains("nobody can do this"))
        .satisfies(letter -> assertThat(letter.attempts()).isEqualTo(1));
  }

  @Test
  void handlers_that_throw_or_give_nothing_spend_attempts_and_do_not_stop_the_others() {
    consume(
        order ->
            switch (order.orderId()) {
              case "throws" -> throw new IllegalStateException("a bug");
              case "breaks" -> throw new StackOverflowError("a worse bug");
              case "null-future" -> null;
              case "null-outcome" -> Future.succeededFuture(null);
              default -> Future.succeededFuture(Outcome.DONE);
            });
    append("throws", "breaks", "null-future", "null-outcome", "well");

    awaitSettled(5);
    assertThat(reasons())
        .containsOnlyKeys("throws", "breaks", "null-future", "null-outcome")
        .values()
        .containsOnly("attempts_exhausted");
  }

  @Test
  void a_handler_that_never_gives_an_outcome_counts_as_failed_when_its_time_is_up() {
    AtomicInteger calls = new AtomicInteger();
    wire.succeed(
        "CONSUMER.CREATE." + process.stream("ORDERS") + "." + CONSUMER,
        ("{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":\"explicit\","
                + "\"ack_wait\":30000000000}}")
            .formatted(process.stream("ORDERS"), CONSUMER));
    JetStreamBridge bridge =
        new JetStreamBridge(
            process.broker(),
            StreamCatalog.consumer(CONSUMER),
            Reactions.on(
                OrderCreated.class,
                delivery ->
                    calls.incrementAndGet() == 1
                        ? Promise.<Outcome>promise().future()
                        : Future.succeededFuture(Outcome.DONE)),
            process.settings(),
            new EventCodec(),
            process.streams().deadLetters(),
            process.platform().meters(),
            Tracing.OFF,
            Logging.of("inventory", JetStreamBridge.class),
            () -> 0L,
            new JetStreamBridge.Patience(
                Duration.ofMillis(300), Duration.ofSeconds(9), Duration.ofSeconds(15)));
    get(process.platform().vertx().deployVerticle(bridge));
    append("o1");

    awaitSettled(1);
    assertThat(calls.get()).isEqualTo(2);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void postponing_spends_no_attempt_however_often() {
    consume(
        order -> {
          int time = seen.size();
          return time <= 3 * ATTEMPTS
              ? Future.succeededFuture(new Outcome.Postpone(Duration.ofMillis(5), "an outage"))
              : time < 4 * ATTEMPTS
                  ? Future.failedFuture("and this is a failure")
                  : Future.succeededFuture(Outcome.DONE);
        });
    append("o1");

    awaitSettled(1);
    assertThat(seen).hasSize(4 * ATTEMPTS);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void what_the_broker_cannot_do_spends_no_attempt_either() {
    consume(
        order -> {
          int time = seen.size();
          return time <= 2 * ATTEMPTS
              ? Future.failedFuture(new BrokerException(Kind.REFUSED, "the stream is full"))
              : time < 3 * ATTEMPTS
                  ? Future.failedFuture("and this is a failure")
                  : Future.succeededFuture(Outcome.DONE);
        });
    append("o1");

    awaitSettled(1);
    assertThat(seen).hasSize(3 * ATTEMPTS);
    assertThat(deadLetters()).isEmpty();
  }

  // What is no fact of ours.

  @Test
  void what_cannot_be_decoded_is_parked_at_once_each_for_its_reason_and_the_stream_goes_on() {
    consume(order -> Future.succeededFuture(Outcome.DONE));
    String sound = new String(new EventCodec().encode(created("o1")), StandardCharsets.UTF_8);
    byte[] binary = {(byte) 0xff, 0, 1, 2};
    wire.publish(process.subject("orders.created.binary"), binary);
    wire.publish(process.subject("orders.created.text"), "hello");
    wire.publish(process.subject("orders.created.empty"), "");
    wire.publish(process.subject("orders.created.half"), sound.substring(0, 50));
    wire.publish(
        process.subject("orders.created.future"), sound.replace("\"version\":1", "\"version\":2"));
    wire.publish(
        process.subject("orders.created.new"), sound.replace("OrderCreated", "OrderTeleported"));
    wire.publish(
        process.subject("orders.created.bad"), sound.replace("\"amount\":10", "\"amount\":-10"));
    wire.publish(
        process.subject("orders.created.other"),
        new EventCodec()
            .encode(Facts.cancelled("other"))); // of a type that the subject does not promise
    append("sound");

    awaitSettled(9);
    assertThat(seen).containsExactly("sound");
    assertThat(reasons())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "binary", "undecodable",
                "text", "undecodable",
                "empty", "undecodable",
                "half", "undecodable",
                "future", "unsupported_version",
                "new", "unknown_type",
                "bad", "invalid",
                "other", "invalid"));
    assertThat(
            deadLetters().stream()
                .map(JetStreamBridgeTest::letter)
                .filter(letter -> letter.aggregateId().equals("binary"))
                .map(letter -> Base64.getDecoder().decode(letter.payloadBase64())))
        .containsExactly(binary);
  }

  @Test
  void a_fact_under_another_aggregate_s_subject_is_parked_and_never_handled() {
    consume(order -> Future.succeededFuture(Outcome.DONE));
    wire.publish(
        process.subject("orders.created.victim"), new EventCodec().encode(created("attacker")));
    append("sound");

    awaitSettled(2);
    assertThat(seen).containsExactly("sound");
    assertThat(reasons()).containsExactlyEntriesOf(Map.of("victim", "invalid"));
  }

  @Test
  void a_message_that_cannot_be_parked_yet_is_kept_until_it_can() {
    String deadLetters = process.stream("DEADLETTERS");
    wire.succeed("STREAM.DELETE." + deadLetters, "");
    consume(order -> Future.succeededFuture(new Outcome.Reject(new IllegalStateException("no"))));
    append("o1");
    eventually("tried", () -> seen.size() > 2);

    assertThat(consumer().ackFloor()).isZero();
    TestProcess provisioner = another();
    awaitSettled(1);
    assertThat(get(provisioner.streams().reader().read(deadLetters, 1, 10, 1 << 20))).hasSize(1);
  }

  // Stopping.

  @Test
  void a_drain_finishes_what_is_in_process_and_leaves_the_rest_to_another_at_once()
      throws Exception {
    Map<String, Promise<Outcome>> inProcess = new ConcurrentHashMap<>();
    consume(
        order -> {
          Promise<Outcome> promise = Promise.promise();
          inProcess.put(order.orderId(), promise);
          return promise.future();
        });
    append(orders(30));
    eventually("at work", () -> inProcess.size() == 8);

    Future<Void> drained = process.streams().drain();
    List<String> elsewhere = new CopyOnWriteArrayList<>();
    consumeElsewhere(elsewhere);
    eventually("the rest is done elsewhere", Duration.ofSeconds(5), elsewhere::size, n -> n == 22);
    throughout("waits", Duration.ofMillis(200), () -> !drained.isComplete());
    inProcess.values().forEach(promise -> promise.complete(Outcome.DONE));

    get(drained);
    awaitSettled(30);
    assertThat(elsewhere).doesNotContainAnyElementsOf(inProcess.keySet());
    assertThat(seen).hasSize(8);
  }

  @Test
  void what_has_arrived_and_was_not_begun_is_given_back_at_once() throws Exception {
    TestProcess orders = another();
    CountDownLatch held = new CountDownLatch(1);
    consume(
        order -> {
          try { // holds the event loop, which never should be, so that the others pile up behind it
            assertThat(held.await(10, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return Future.succeededFuture(Outcome.DONE);
        });
    for (String id : orders(6)) {
      get(orders.streams().append(created(id), 0));
    }
    eventually(
        "all are delivered",
        () -> get(orders.streams().reader().consumer(orders.stream("ORDERS"), CONSUMER)),
        state -> state.unacknowledged() == 6);

    Future<Void> drained = process.streams().drain();
    held.countDown();
    get(drained);

    List<String> elsewhere = new CopyOnWriteArrayList<>();
    consumeElsewhere(elsewhere);
    eventually("done elsewhere", Duration.ofSeconds(5), elsewhere::size, n -> n == 5);
    awaitSettled(6);
    assertThat(seen).hasSize(1).doesNotContainAnyElementsOf(elsewhere);
  }

  @Test
  void what_is_not_finished_when_time_is_up_is_given_back_at_once() {
    consume(order -> Promise.<Outcome>promise().future());
    append(orders(5));
    eventually("at work", () -> seen.size() == 5);
    Future<Void> drained = process.streams().drain();

    assertThat(get(process.streams().giveBack())).isEqualTo(5);

    List<String> elsewhere = new CopyOnWriteArrayList<>();
    consumeElsewhere(elsewhere);
    eventually("done elsewhere", Duration.ofSeconds(5), elsewhere::size, n -> n == 5);
    awaitSettled(5);
    get(drained);
  }

  @Test
  void a_consumer_that_was_deleted_makes_itself_noticed() {
    consume(order -> Future.succeededFuture(Outcome.DONE));
    append("o1");
    awaitSettled(1);
    assertThat(process.streams().silentConsumers()).isEmpty();

    wire.succeed("CONSUMER.DELETE." + process.stream("ORDERS") + "." + CONSUMER, "");

    eventually(
        "not ready",
        () -> process.streams().silentConsumers(),
        silent -> silent.stream().anyMatch(one -> one.startsWith(CONSUMER)));
  }

  // Below: words for the above.

  // At the pace of somebody outside.

  @Test
  void while_somebody_outside_bears_nothing_nothing_is_asked_for_and_no_attempt_is_spent()
      throws Exception {
    AtomicInteger limit = new AtomicInteger(0);
    get(
        process
            .streams()
            .consume(
                CONSUMER,
                Reactions.on(
                        OrderCreated.class,
                        delivery -> {
                          seen.add(delivery.event().orderId());
                          return Future.succeededFuture(Outcome.DONE);
                        })
                    .atPace(pace(limit))));
    append(orders(20));

    throughout(
        "all wait at the broker, undelivered",
        Duration.ofMillis(1_500),
        () -> consumer().pending() == 20 && consumer().unacknowledged() == 0);
    assertThat(process.streams().silentConsumers()).isEmpty();

    limit.set(1);
    awaitSettled(20);
    assertThat(seen).hasSize(20).doesNotHaveDuplicates();
  }

  @Test
  void no_more_are_in_process_than_somebody_outside_bears() throws Exception {
    AtomicInteger limit = new AtomicInteger(8);
    Map<String, Promise<Outcome>> inProcess = new ConcurrentHashMap<>();
    get(
        process
            .streams()
            .consume(
                CONSUMER,
                Reactions.on(
                        OrderCreated.class,
                        delivery -> {
                          Promise<Outcome> outcome = Promise.promise();
                          inProcess.put(delivery.event().orderId(), outcome);
                          return outcome.future();
                        })
                    .atPace(pace(limit))));
    append(orders(12));
    eventually("as many as may", () -> inProcess.size() == 8);

    limit.set(2);
    for (String done : List.copyOf(inProcess.keySet())) {
      inProcess.remove(done).complete(Outcome.DONE);
    }

    eventually("there are two again", () -> inProcess.size() == 2);
    throughout("and no more", Duration.ofMillis(1_500), () -> inProcess.size() == 2);
    limit.set(8);
    eventually(
        "all come by and by",
        () -> {
          inProcess.keySet().forEach(id -> inProcess.remove(id).complete(Outcome.DONE));
          return consumer().ackFloor() == 12;
        });
    assertThat(deadLetters()).isEmpty();
  }

  private static Pace pace(AtomicInteger limit) {
    return new Pace() {
      @Override
      public int limit() {
        return limit.get();
      }

      @Override
      public Duration untilMore() {
        return Duration.ZERO;
      }
    };
  }

  @Test
  void a_message_is_parked_though_somebody_has_used_its_dead_letters_message_id() {
    String id = "dead-letter-" + CONSUMER + "-" + process.stream("ORDERS") + "-1";
    wire.publish(process.subject("deadletters.inventory.x"), "junk", "Nats-Msg-Id", id);
    consume(order -> Future.succeededFuture(Outcome.DONE));
    wire.publish(process.subject("orders.created.o1"), "junk");

    awaitSettled(1);
    assertThat(deadLetters()).hasSize(2);
    assertThat(letter(deadLetters().getLast()).subject())
        .isEqualTo(process.subject("orders.created.o1"));
  }

  private TestProcess another(String... variables) {
    List<String> all = new ArrayList<>(List.of("RETRY_MAX_ATTEMPTS", Integer.toString(ATTEMPTS)));
    all.addAll(List.of(variables));
    TestProcess another =
        TestProcess.on(TestServer.shared().url(), namespace, all.toArray(String[]::new));
    processes.add(another);
    return another;
  }

  private void consume(Function<OrderCreated, Future<Outcome>> handler) {
    consume(process, handler);
  }

  private void consume(TestProcess by, Function<OrderCreated, Future<Outcome>> handler) {
    get(
        by.streams()
            .consume(
                CONSUMER,
                Reactions.on(
                    OrderCreated.class,
                    delivery -> {
                      seen.add(delivery.event().orderId());
                      return handler.apply(delivery.event());
                    })));
  }

  private void consumeElsewhere(List<String> done) {
    get(
        another()
            .streams()
            .consume(
                CONSUMER,
                Reactions.on(
                    OrderCreated.class,
                    delivery -> {
                      done.add(delivery.event().orderId());
                      return Future.succeededFuture(Outcome.DONE);
                    })));
  }

  private void append(String... orderIds) {
    List<Future<AppendResult>> appends = new ArrayList<>();
    for (String id : orderIds) {
      appends.add(process.streams().append(created(id), 0));
    }
    appends.forEach(TestProcess::get);
  }

  private static String[] orders(int count) {
    return IntStream.range(0, count).mapToObj(i -> "o" + i).toArray(String[]::new);
  }

  private ConsumerState consumer() {
    return get(process.streams().reader().consumer(process.stream("ORDERS"), CONSUMER));
  }

  private void awaitSettled(long upTo) {
    eventually(
        "all " + upTo + " are settled",
        this::consumer,
        state -> state.ackFloor() == upTo && state.pending() == 0 && state.unacknowledged() == 0);
  }

  private List<RawMessage> deadLetters() {
    return get(process.streams().reader().read(process.stream("DEADLETTERS"), 1, 100, 1 << 20));
  }

  private RawMessage onlyDeadLetter() {
    List<RawMessage> all = deadLetters();
    assertThat(all).hasSize(1);
    return all.getFirst();
  }

  private Map<String, String> reasons() {
    return deadLetters().stream()
        .map(JetStreamBridgeTest::letter)
        .collect(Collectors.toMap(MessageDeadLettered::aggregateId, MessageDeadLettered::reason));
  }

  private static MessageDeadLettered letter(RawMessage message) {
    try {
      return (MessageDeadLettered) new EventCodec().decode(message.body()).event();
    } catch (io.holdfast.events.UndecodableEventException e) {
      throw new AssertionError(e);
    }
  }
}
