package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Origin;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.vertx.core.Future;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: the broker wakes a consumer when it was asked to, and the stream for that is there for
 * those who want it and nobody else. Method: timers of some tenths of a second on a real broker.
 */
class TimersTest {

  private static final String CONSUMER = "payments-expire";
  private static final String WAITS = StreamCatalog.SCHEDULED + "inventory.reserved.";
  private static final String DUE = StreamCatalog.DUE + "inventory.reserved.";

  private final String url = TestServer.shared().url();
  private final String namespace = TestServer.newName();
  private final Queue<Delivery<InventoryReserved>> woken = new ConcurrentLinkedQueue<>();
  private TestProcess process;

  @AfterEach
  void close() {
    process.close();
  }

  @Test
  void a_timer_wakes_its_consumer_once_and_not_before_its_time() {
    process = TestProcess.of("payments", url, namespace);
    consume(process);
    Instant at = Instant.now().plusMillis(400);
    schedule("o1", at, "1");

    Delivery<InventoryReserved> first = eventually("woken", woken::peek, d -> d != null);
    assertThat(first.event().orderId()).isEqualTo("o1");
    assertThat(first.storedAt()).isAfterOrEqualTo(at);
    assertThat(first.deliveries()).isEqualTo(1);
    assertThat(last(DUE + "o1").header("Says")).contains("1");
    assertThat(lastOrNone(WAITS + "o1")).isFalse();
  }

  @Test
  void a_second_timer_of_a_subject_takes_the_first_ones_place() {
    process = TestProcess.of("payments", url, namespace);
    consume(process);
    schedule("o1", Instant.now().plusMillis(300), "1");
    schedule("o1", Instant.now().plusMillis(700), "2");
    schedule(
        "o2", Instant.now().plusMillis(1_000), "3"); // fires when both of the others would have

    eventually(
        "the last is woken", () -> woken.stream().anyMatch(d -> d.event().orderId().equals("o2")));
    assertThat(woken).hasSize(2);
    assertThat(last(DUE + "o1").header("Says")).contains("2");
  }

  @Test
  void the_stream_is_made_by_its_consumer_alone_and_inspected_if_it_is_there() {
    process = TestProcess.of("payments", url, namespace);
    assertThat(get(process.streams().inspect()).problems()).noneMatch(p -> p.contains("TIMERS"));
    assertThat(exists()).isFalse();

    consume(process);

    assertThat(exists()).isTrue();
    Inspection found = get(process.streams().inspect());
    assertThat(found.problems()).noneMatch(p -> p.contains("TIMERS"));
    assertThat(found.streams()).anyMatch(s -> s.name().equals(process.stream("TIMERS")));
    assertThat(found.consumers()).anyMatch(c -> c.name().equals(CONSUMER));
  }

  @Test
  void without_the_right_to_provision_the_stream_is_named_and_not_made() {
    TestProcess.on(url, namespace).close();
    process = TestProcess.of("payments", url, namespace, "PROVISION", "false");

    assertThatThrownBy(() -> consume(process))
        .hasMessage("stream " + namespace + "_TIMERS is not there");
    assertThat(exists()).isFalse();
  }

  private void consume(TestProcess by) {
    get(
        by.streams()
            .consume(
                CONSUMER,
                Reactions.on(
                    InventoryReserved.class,
                    delivery -> {
                      woken.add(delivery);
                      return Future.succeededFuture(Outcome.DONE);
                    })));
  }

  private void schedule(String orderId, Instant at, String says) {
    InventoryReserved reserved =
        new InventoryReserved(
            orderId, "c1", BigDecimal.TEN, "EUR", List.of(), null, new Origin(1, Instant.EPOCH));
    get(
        process
            .streams()
            .reader()
            .schedule(
                process.subject(WAITS + orderId),
                process.subject(DUE + orderId),
                at,
                Duration.ofMinutes(1),
                Map.of("Says", says),
                new EventCodec()
                    .encode(
                        Envelope.once(
                            reserved, Instant.now(), "0af7651916cd43dd8448eb211c80319c"))));
  }

  private RawMessage last(String subject) {
    return get(process.streams().reader().last(process.stream("TIMERS"), process.subject(subject)))
        .orElseThrow();
  }

  private boolean lastOrNone(String subject) {
    return get(process.streams().reader().last(process.stream("TIMERS"), process.subject(subject)))
        .isPresent();
  }

  private boolean exists() {
    return get(
        process
            .streams()
            .reader()
            .state(process.stream("TIMERS"))
            .transform(state -> Future.succeededFuture(state.succeeded())));
  }
}
