package io.holdfast.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.testkit.Eventually;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the bare chain does all that the services' messages have to do, and cheats nowhere. Method:
 * a real broker with our own streams, which is looked at afterwards.
 */
class CeilingTest {

  private static final int ORDERS = 3_000;
  private static final Set<String> STREAMS =
      Set.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS");

  @TempDir Path folder;

  @Test
  void every_order_has_its_five_facts_under_guards_and_nothing_is_left_unacknowledged()
      throws Exception {
    try (NatsServer broker = TestBroker.unsynced(folder);
        Streams streams = new Streams(broker.url(), "", STREAMS)) {
      JsonObject figures =
          Ceiling.measure(
              new JsonObject()
                  .put("broker", URI.create(broker.url()).toString())
                  .put("warm_up", ORDERS / 2)
                  .put("orders", ORDERS / 2)
                  .put("in_flight", 200)
                  .put("pids", new JsonObject().put("nats-server", broker.pid())));

      assertThat(figures.getDouble("orders_per_min")).isPositive();
      assertThat(figures.getDouble("cpu_s.nats-server")).isPositive();
      List<Envelope<?>> facts = new ArrayList<>();
      STREAMS.forEach(stream -> facts.addAll(streams.facts(stream)));
      assertThat(facts).hasSize(5 * ORDERS);
      assertThat(facts).extracting(Envelope::id).doesNotHaveDuplicates();
      for (Stage stage : Stage.all()) {
        assertThat(facts).filteredOn(fact -> fact.type() == stage.type()).hasSize(ORDERS);
        ConsumerState consumer =
            Eventually.eventually(
                stage.consumer() + " has settled everything",
                () -> Streams.get(streams.reader().consumer(stage.stream(), stage.consumer())),
                state -> state.pending() == 0 && state.unacknowledged() == 0);
        assertThat(consumer.redelivered()).isZero();
      }
      for (RawMessage message : streams.messages("ORDERS")) {
        EventType type = streams.subjects().typeOf(message.subject()).orElseThrow();
        String expected = message.header("Nats-Expected-Last-Subject-Sequence").orElseThrow();
        assertThat(Long.parseLong(expected) > 0).isEqualTo(type == EventType.ORDER_CONFIRMED);
        assertThat(message.header("traceparent").orElseThrow()).hasSize(55);
      }
    }
  }
}
