package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Eventually.throughout;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.EventCodec;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.jetstream.JetStreamBridge.Patience;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.support.DeafLine;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/**
 * Goal: a consumer that gets nothing although messages wait mends what it can, says so if that does
 * not help, and is not mistaken for one that is held back on purpose. Method: a real broker whose
 * consumer is paused, and a network that loses what is for one subscription.
 */
class StalledConsumerTest {

  private static final String CONSUMER = "inventory-reserve";
  private static final Duration SOON = Duration.ofSeconds(30);

  /** Heartbeats come every 3 s. */
  private static final Patience IMPATIENT =
      new Patience(Duration.ofMinutes(2), Duration.ofSeconds(5), Duration.ofMillis(900));

  private final String namespace = TestServer.newName();
  private final Set<String> handled = ConcurrentHashMap.newKeySet();

  @Test
  void what_the_broker_holds_back_makes_the_consumer_unready_until_it_comes() {
    try (TestProcess process = TestProcess.on(TestServer.shared().url(), namespace);
        Wire wire = Wire.to(TestServer.shared().url())) {
      JetStreamBridge bridge = consume(process, wire, Pace.UNBOUNDED);
      append(process, "before");
      eventually("it works", SOON, () -> handled, all -> all.contains("before"));

      pause(process, wire, Instant.now().plusSeconds(3_600));
      append(process, "o1", "o2");
      eventually("it says so", SOON, bridge::pulling, pulling -> !pulling);
      assertThat(bridge.trouble()).isEqualTo("messages wait and none is delivered");

      pause(process, wire, Instant.EPOCH);
      eventually("they come", SOON, () -> handled, all -> all.containsAll(List.of("o1", "o2")));
      eventually("it is well again", SOON, bridge::pulling, pulling -> pulling);
      assertThat(bridge.trouble()).isEmpty();
    }
  }

  @Test
  void a_subscription_at_which_nothing_arrives_is_given_up_for_a_new_one() {
    try (DeafLine line = DeafLine.to(TestServer.shared().url());
        TestProcess process = TestProcess.on(line.url(), namespace);
        Wire wire = Wire.to(TestServer.shared().url())) {
      JetStreamBridge bridge = consume(process, wire, Pace.UNBOUNDED);
      append(process, "before");
      eventually("it works", SOON, () -> handled, all -> all.contains("before"));

      line.loseAllForThoseDeliveredTo();
      append(process, "o1", "o2", "o3");

      eventually("they come", SOON, () -> handled, all -> all.size() == 4);
      eventually("it is well again", SOON, bridge::pulling, pulling -> pulling);
      assertThat(process.broker().usable()).as("the connection was well all the time").isTrue();
    }
  }

  @Test
  void who_takes_nothing_because_somebody_outside_is_out_has_not_stalled() throws Exception {
    try (TestProcess process = TestProcess.on(TestServer.shared().url(), namespace);
        Wire wire = Wire.to(TestServer.shared().url())) {
      JetStreamBridge bridge =
          consume(
              process,
              wire,
              new Pace() {
                @Override
                public int limit() {
                  return 0;
                }

                @Override
                public Duration untilMore() {
                  return Duration.ofMinutes(1);
                }
              });
      append(process, "o1", "o2");
      eventually("they wait", SOON, () -> gauge(process, "consumer_pending"), n -> n == 2);

      throughout("it is well", IMPATIENT.stall().multipliedBy(4), bridge::pulling);
    }
  }

  @Test
  void who_is_still_at_work_on_all_that_he_may_have_has_not_stalled() throws Exception {
    try (TestProcess process =
            TestProcess.on(TestServer.shared().url(), namespace, "WORKERS", "2");
        Wire wire = Wire.to(TestServer.shared().url())) {
      JetStreamBridge bridge =
          bridge(process, wire, Pace.UNBOUNDED, Promise.<Outcome>promise().future());
      append(process, "o1", "o2", "o3", "o4", "o5");
      eventually("they wait", SOON, () -> gauge(process, "consumer_pending"), n -> n == 3);

      throughout("it is well", IMPATIENT.stall().multipliedBy(4), bridge::pulling);
      assertThat(gauge(process, "consumer_unacknowledged")).isEqualTo(2);
      assertThat(gauge(process, "consumer_lag")).isEqualTo(5);
    }
  }

  private JetStreamBridge consume(TestProcess process, Wire wire, Pace pace) {
    return bridge(process, wire, pace, Future.succeededFuture(Outcome.DONE));
  }

  private JetStreamBridge bridge(
      TestProcess process, Wire wire, Pace pace, Future<Outcome> outcome) {
    // What is lost on its way comes again after 2 s; groups have 30.
    wire.succeed(
        "CONSUMER.CREATE." + process.stream("ORDERS") + "." + CONSUMER,
        ("{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":\"explicit\","
                + "\"ack_wait\":2000000000,\"max_deliver\":-1}}")
            .formatted(process.stream("ORDERS"), CONSUMER));
    JetStreamBridge bridge =
        new JetStreamBridge(
            process.broker(),
            StreamCatalog.consumer(CONSUMER),
            Reactions.on(
                    OrderCreated.class,
                    delivery -> {
                      handled.add(delivery.event().orderId());
                      return outcome;
                    })
                .atPace(pace),
            process.settings(),
            new EventCodec(),
            process.streams().deadLetters(),
            process.platform().meters(),
            Tracing.OFF,
            Logging.of("inventory", JetStreamBridge.class),
            () -> 0L,
            IMPATIENT);
    get(process.platform().vertx().deployVerticle(bridge));
    eventually("it asks for messages", SOON, bridge::pulling, pulling -> pulling);
    return bridge;
  }

  private static void pause(TestProcess process, Wire wire, Instant until) {
    wire.succeed(
        "CONSUMER.PAUSE." + process.stream("ORDERS") + "." + CONSUMER,
        "{\"pause_until\":\"" + until + "\"}");
  }

  private static void append(TestProcess process, String... orderIds) {
    for (String id : orderIds) {
      get(process.streams().append(created(id), 0));
    }
  }

  private static double gauge(TestProcess process, String name) {
    String series = name + "{consumer=\"" + CONSUMER + "\"} ";
    return process
        .platform()
        .meters()
        .scrape()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
        .findFirst()
        .orElse(-1);
  }
}
