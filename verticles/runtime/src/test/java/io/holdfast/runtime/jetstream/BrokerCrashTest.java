package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.Domain;
import io.holdfast.events.EventCodec;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.support.Line;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Tracing;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker that is killed, or a connection that is cut, while messages flow loses none and
 * leaves none behind. Method: kill -9 in the middle, a restart on the same store, and a look into
 * the broker's own books. What was delivered and not acknowledged comes again when the consumer's
 * time for it is up: 2 s here, where groups have 30.
 */
class BrokerCrashTest {

  private static final String CONSUMER = "inventory-reserve";
  private static final int ORDERS = 240;

  @TempDir Path folder;

  private final Set<String> handled = ConcurrentHashMap.newKeySet();
  private final AtomicInteger inProcess = new AtomicInteger();
  private final AtomicInteger mostInProcess = new AtomicInteger();

  @Test
  void after_kill_9_and_restart_every_message_ends_acknowledged_and_every_append_is_there()
      throws Exception {
    try (NatsServer server = TestServer.own(folder);
        TestProcess process = TestProcess.on(server.url(), TestServer.newName(), "WORKERS", "16")) {
      consume(process, server.url());

      CompletableFuture<Void> published = inBackground(() -> publish(process));
      for (int crash = 1; crash <= 2; crash++) {
        int next = crash * 70;
        eventually("in the middle", () -> handled.size() >= next);
        server.kill();
        eventually("noticed", () -> !process.broker().usable());
        server.restart();
      }
      published.join();

      assertAllAreSettled(process);
    }
  }

  @Test
  void after_the_connection_was_cut_again_and_again_every_message_ends_acknowledged()
      throws Exception {
    String broker = TestServer.shared().url();
    Line line = Line.to(broker);
    try (TestProcess process = TestProcess.on(line.url(), TestServer.newName(), "WORKERS", "16")) {
      consume(process, broker);

      CompletableFuture<Void> published = inBackground(() -> publish(process));
      for (int cut = 1; cut <= 3; cut++) {
        int next = cut * 50;
        eventually("in the middle", () -> handled.size() >= next);
        line.cut();
      }
      published.join();

      assertAllAreSettled(process);
    }
    line.close();
  }

  private void assertAllAreSettled(TestProcess process) throws Exception {
    eventually(
        "all are settled",
        Duration.ofSeconds(25),
        () -> get(process.streams().reader().consumer(process.stream("ORDERS"), CONSUMER)),
        state -> state.ackFloor() == ORDERS && state.unacknowledged() == 0);
    assertThat(handled).hasSize(ORDERS);
    assertThat(mostInProcess.get()).isLessThanOrEqualTo(16);
    assertThat(get(process.streams().reader().state(process.stream("ORDERS"))).messages())
        .as("stored once, however often the append was repeated")
        .isEqualTo(ORDERS);
    assertThat(get(process.streams().reader().state(process.stream("DEADLETTERS"))).messages())
        .isZero();
  }

  private void consume(TestProcess process, String brokerUrl) {
    String stream = process.stream("ORDERS");
    try (Wire wire = Wire.to(brokerUrl)) {
      wire.succeed(
          "CONSUMER.CREATE." + stream + "." + CONSUMER,
          ("{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":\"explicit\","
                  + "\"ack_wait\":2000000000,\"max_deliver\":-1}}")
              .formatted(stream, CONSUMER));
    }
    Reactions reactions =
        Reactions.on(
            OrderCreated.class,
            delivery -> {
              mostInProcess.accumulateAndGet(inProcess.incrementAndGet(), Math::max);
              return process
                  .streams()
                  .load(Domain.ORDERS, delivery.event().orderId())
                  .<Outcome>map(
                      history -> {
                        handled.add(delivery.event().orderId());
                        return Outcome.DONE;
                      })
                  .onComplete(done -> inProcess.decrementAndGet());
            });
    JetStreamBridge bridge =
        new JetStreamBridge(
            process.broker(),
            StreamCatalog.consumer(CONSUMER),
            reactions,
            process.settings(),
            new EventCodec(),
            process.streams().deadLetters(),
            process.platform().meters(),
            Tracing.OFF,
            Logging.of("inventory", JetStreamBridge.class));
    get(process.platform().vertx().deployVerticle(bridge));
  }

  /** Not in the common pool, which the JDK needs to notice that a process has ended. */
  private static CompletableFuture<Void> inBackground(Runnable task) {
    return CompletableFuture.runAsync(task, command -> Thread.ofVirtual().start(command));
  }

  /** Some at a time, each repeated until it is stored. */
  private static void publish(TestProcess process) {
    for (int from = 0; from < ORDERS; from += 10) {
      List<String> open = new ArrayList<>();
      for (int i = from; i < from + 10; i++) {
        open.add("o" + i);
      }
      eventually(
          "stored from " + from,
          () -> {
            List<Future<AppendResult>> appends =
                open.stream().map(id -> process.streams().append(created(id), 0)).toList();
            List<String> stored = new ArrayList<>();
            for (int i = 0; i < appends.size(); i++) {
              try {
                assertThat(get(appends.get(i))).isInstanceOf(AppendResult.Appended.class);
                stored.add(open.get(i));
              } catch (BrokerException away) {
                // again
              }
            }
            open.removeAll(stored);
            return open.isEmpty();
          });
    }
  }
}
