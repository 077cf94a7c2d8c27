package io.holdfast.system.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.Item;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.Future;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the model of the broker says what a real one does. Method: the same random operations on
 * both, the real one through the real implementation; every answer must be the same.
 */
class ReplayTest {

  private static final int STEPS = 150;
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final String TRACE = "0123456789abcdef0123456789abcdef";
  private static final List<Item> ITEMS = List.of(new Item("a", 1, new BigDecimal("1.00")));

  private final Choices none = Choices.scripted();
  private final Faults noFaults = new Faults(none, EnumSet.noneOf(Fault.class), 0, 1);
  private final Timeline timeline = new Timeline(none, noFaults);
  private final ModelBroker broker = new ModelBroker(timeline::instant, true);
  private final EventStreams model =
      new ModelStreams(new Replica("test", "test", timeline), broker, timeline, none, noFaults);
  private final Map<String, Integer> kinds = new HashMap<>();
  private final List<Envelope<?>> used = new ArrayList<>();
  private int levels;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void the_model_answers_as_a_real_broker_does(long seed) {
    Choices choices = Choices.seeded(seed);
    List<String> before = new ArrayList<>();
    try (Streams real =
        new Streams(TestBroker.shared().url(), TestBroker.newNamespace(), Set.of("INVENTORY"))) {
      for (int step = 1; step <= STEPS; step++) {
        Step next = next(choices);
        String expected = inModel(next.ask.apply(model));
        before.add(next.what + " -> " + expected);
        String answer = answer(next.ask.apply(real.events()));
        assertThat(answer)
            .as("seed %d, the last of:%n%s", seed, String.join("\n", before))
            .isEqualTo(expected);
        kinds.merge(expected.replaceAll("[^A-Za-z ].*", ""), 1, Integer::sum);
      }
    }
    // A comparison of nothing but one kind of answer would say little.
    assertThat(kinds)
        .containsKeys("stored", "found", "conflict", "batch stored", "batch refused", "history");
  }

  /** What the flows of a whole schedule asked the model for, asked of a real broker. */
  @ParameterizedTest
  @ValueSource(longs = {1, 6, 8, 15, 17, 39})
  void a_real_broker_answers_a_schedule_as_the_model_did(long seed) {
    Choices choices = Choices.seeded(seed);
    World world = new World(Scenario.any(choices, ""), choices, Wiring.SOUND);
    world.broker().record();
    assertThat(world.run()).as("comes to rest").isTrue();
    List<Operation> trace = world.broker().operations();
    assertThat(trace).hasSizeGreaterThan(5);
    try (Streams real =
        new Streams(TestBroker.shared().url(), TestBroker.newNamespace(), StreamCatalog.AUDITED)) {
      for (Operation operation : trace) {
        assertThat(replayed(operation, real.events()))
            .as("seed %d: %s", seed, operation)
            .isEqualTo(inModel(operation));
      }
    }
  }

  private static String inModel(Operation operation) {
    return switch (operation) {
      case Operation.Append append -> Long.toString(append.sequence());
      case Operation.AppendTogether batch -> Long.toString(batch.first());
      case Operation.Load load -> load.lastSequence() + " " + load.eventIds();
    };
  }

  /** In the same words; what was refused is here found again, or a conflict. */
  private static String replayed(Operation operation, EventStreams real) {
    return Streams.get(
        switch (operation) {
          case Operation.Append append ->
              real.append(append.fact(), append.expectedSequence())
                  .map(
                      result ->
                          result instanceof Appended stored && !stored.repeated()
                              ? Long.toString(stored.sequence())
                              : Long.toString(ModelBroker.REFUSED));
          case Operation.AppendTogether batch ->
              real.appendTogether(batch.facts())
                  .map(first -> Long.toString(first.orElse(ModelBroker.REFUSED)));
          case Operation.Load load ->
              real.load(load.domain(), load.aggregateId())
                  .map(
                      history ->
                          history.lastSequence()
                              + " "
                              + history.events().stream().map(e -> e.envelope().id()).toList());
        });
  }

  private record Step(String what, Function<EventStreams, Future<String>> ask) {}

  private Step next(Choices choices) {
    switch (choices.next(4)) {
      case 0 -> {
        String id = choices.once(2) ? "a" : "o1";
        Domain domain = id.equals("a") ? Domain.STOCK : Domain.INVENTORY;
        return new Step(
            "load " + domain + " " + id,
            streams -> streams.load(domain, id).map(ReplayTest::inWords));
      }
      case 1 -> {
        List<Guarded> batch = new ArrayList<>();
        for (Envelope<?> fact : List.of(fact("a", choices), fact("b", choices))) {
          batch.add(new Guarded(fact, expected(fact, choices)));
        }
        if (choices.once(2)) {
          Envelope<?> fact = fact("o" + (1 + choices.next(8)), choices);
          batch.add(new Guarded(fact, expected(fact, choices)));
        }
        return new Step(
            "append together " + batch.stream().map(ReplayTest::inWords).toList(),
            streams -> streams.appendTogether(batch).map(ReplayTest::inWords));
      }
      default -> {
        String id = choices.once(3) ? "o" + (1 + choices.next(8)) : choices.once(2) ? "a" : "b";
        Envelope<?> fact = fact(id, choices);
        long expected = expected(fact, choices);
        return new Step(
            "append " + inWords(new Guarded(fact, expected)),
            streams -> streams.append(fact, expected).map(ReplayTest::inWords));
      }
    }
  }

  /** A new one, or one whose message id the broker has perhaps seen. */
  private Envelope<?> fact(String id, Choices choices) {
    if (choices.once(6)) {
      List<Envelope<?>> again =
          used.stream().filter(fact -> fact.event().aggregateId().equals(id)).toList();
      if (!again.isEmpty()) {
        return again.get(choices.next(again.size()));
      }
    }
    Envelope<?> fact =
        id.startsWith("o")
            ? Envelope.once(new InventoryReleased(id, ITEMS), NOW, TRACE)
            : Envelope.repeated(
                new StockLevelChanged(id, 9, 9, 0), Integer.toString(++levels), NOW, TRACE);
    used.add(fact);
    return fact;
  }

  /** Mostly what is true, and at times what was true, or never was. */
  private long expected(Envelope<?> fact, Choices choices) {
    long last =
        broker
            .load(fact.type().domain(), fact.event().aggregateId(), Long.MAX_VALUE)
            .lastSequence();
    return choices.once(5) ? Math.max(0, last - 1 + choices.next(3)) : last;
  }

  /** Runs the model until it has an answer. */
  private String inModel(Future<String> asked) {
    while (!asked.isComplete() && timeline.step()) {}
    return answer(asked);
  }

  private static String answer(Future<String> asked) {
    return Streams.get(asked.recover(ReplayTest::failed));
  }

  private static Future<String> failed(Throwable failure) {
    return failure instanceof BrokerException broken
        ? Future.succeededFuture("failed: " + broken.kind())
        : Future.failedFuture(failure);
  }

  private static String inWords(Guarded member) {
    return member.fact().id() + " expecting " + member.expectedSequence();
  }

  private static String inWords(AppendResult result) {
    return switch (result) {
      case Appended appended ->
          (appended.repeated() ? "found: " : "stored: ") + appended.sequence();
      case Conflict conflict -> "conflict: " + inWords(conflict.history());
    };
  }

  private static String inWords(Optional<Long> first) {
    return first.map(sequence -> "batch stored: " + sequence).orElse("batch refused");
  }

  private static String inWords(History history) {
    return "history: "
        + history.lastSequence()
        + history.events().stream().map(ReplayTest::inWords).toList();
  }

  private static String inWords(Stored stored) {
    return stored.sequence() + " " + stored.envelope().id();
  }
}
