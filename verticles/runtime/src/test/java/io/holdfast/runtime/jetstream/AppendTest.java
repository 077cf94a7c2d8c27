package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.cancelled;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.Facts.createdBySomebodyElse;
import static io.holdfast.runtime.support.TestProcess.failure;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Goal: whatever the network and the broker do, a fact is stored once or not at all, and who
 * appended it learns which. Method: a real broker, answers that are lost on the way, a broker that
 * is killed, and one that is paused.
 */
class AppendTest extends AppendSetUp {

  private static final Duration AT_ONCE = Duration.ofSeconds(2);

  /** 5 s for an answer, 5 s for the look back, and what a loaded machine needs. */
  private static final Duration BOUND = Duration.ofSeconds(12);

  // One fact.

  @Test
  void a_last_fact_is_found_behind_what_somebody_else_has_put_there_and_can_be_followed() {
    EventStreams streams = shared();
    get(streams.appendTogether(List.of(new Guarded(level("cup", 7), 0))));
    for (String foreign : List.of("junk", "{}", "")) {
      process
          .broker()
          .publish(
              subject("stock.level.cup"), null, null, foreign.getBytes(StandardCharsets.UTF_8));
    }
    process.broker().publish(subject("stock.level.pot"), null, null, new byte[] {1});
    eventually(
        "all is stored",
        () -> get(process.streams().reader().state(process.stream("INVENTORY"))).messages() == 5);

    List<Stored> last = get(streams.loadAll(Domain.STOCK, List.of("cup", "pot")));

    assertThat(last).hasSize(1);
    assertThat(last.getFirst().envelope().event()).isEqualTo(new StockLevelChanged("cup", 7, 7, 0));
    assertThat(last.getFirst().sequence()).isEqualTo(4);
    assertThat(get(streams.appendTogether(List.of(new Guarded(level("cup", 9), 4))))).isPresent();
  }

  private static Envelope<StockLevelChanged> level(String sku, long pieces) {
    return Envelope.repeated(
        new StockLevelChanged(sku, pieces, pieces, 0),
        "n" + pieces,
        Instant.now(),
        "0".repeat(31) + "1");
  }

  @Test
  void a_fact_is_stored_where_the_answer_says_and_a_later_one_behind_it() {
    EventStreams streams = shared();

    long created = sequence(get(streams.append(created("o1"), 0)));
    long cancelled = sequence(get(streams.append(cancelled("o1"), created)));

    History history = get(streams.load(Domain.ORDERS, "o1"));
    assertThat(history.lastSequence()).isEqualTo(cancelled).isGreaterThan(created);
    assertThat(history.events()).extracting(Stored::sequence).containsExactly(created, cancelled);
    assertThat(history.events())
        .extracting(stored -> stored.envelope().event())
        .hasExactlyElementsOfTypes(OrderCreated.class, OrderCancelled.class);
    assertThat(history.events().getFirst().subject()).isEqualTo(subject("orders.created.o1"));
    assertThat(history.events().getFirst().stream()).isEqualTo(process.stream("ORDERS"));
  }

  @Test
  void a_stale_expectation_is_a_conflict_that_brings_what_is_there_and_stores_nothing() {
    EventStreams streams = shared();
    long first = sequence(get(streams.append(createdBySomebodyElse("o1"), 0)));

    AppendResult result = get(streams.append(cancelled("o1"), 0));

    assertThat(result)
        .isInstanceOfSatisfying(
            Conflict.class,
            conflict -> {
              assertThat(conflict.history().lastSequence()).isEqualTo(first);
              assertThat(conflict.history().find(OrderCreated.class)).isPresent();
            });
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void the_same_fact_again_is_told_to_be_there_and_is_not_stored_twice() {
    EventStreams streams = shared();
    long first = sequence(get(streams.append(created("o1"), 0)));
    get(streams.append(cancelled("o1"), first));

    assertThat(get(streams.append(created("o1"), 0))).isEqualTo(new Appended(first, true));
    assertThat(get(streams.append(createdBySomebodyElse("o1"), 0))).isInstanceOf(Conflict.class);
    assertThat(messages()).isEqualTo(2);
  }

  @Test
  void of_many_at_once_one_is_stored_and_all_others_learn_of_a_conflict() {
    EventStreams streams = shared();
    List<Future<AppendResult>> racers =
        IntStream.range(0, 40)
            .mapToObj(
                i -> streams.append(i % 2 == 0 ? created("o1") : createdBySomebodyElse("o1"), 0))
            .toList();

    List<AppendResult> results = racers.stream().map(TestProcess::get).toList();

    assertThat(results.stream().filter(r -> r instanceof Appended a && !a.repeated())).hasSize(1);
    // Those that meant the very fact that won are told that it is there, the others of a conflict.
    assertThat(results.stream().filter(Conflict.class::isInstance)).hasSize(20);
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_message_that_is_no_fact_of_ours_counts_for_the_expectation_and_is_left_out_of_events() {
    EventStreams streams = shared();
    long first = sequence(get(streams.append(created("o1"), 0)));
    long foreign;
    try (Wire wire = Wire.to(TestServer.shared().url())) {
      foreign = wire.publish(subject("orders.vandalised.o1"), "not json").sequence();
    }

    assertThat(get(streams.append(cancelled("o1"), first))).isInstanceOf(Conflict.class);
    History history = get(streams.load(Domain.ORDERS, "o1"));
    assertThat(history.lastSequence()).isEqualTo(foreign);
    assertThat(history.events()).hasSize(1);
  }

  @Test
  void a_fact_about_another_aggregate_is_no_part_of_a_history() {
    EventStreams streams = shared();
    try (Wire wire = Wire.to(TestServer.shared().url())) {
      wire.publish(subject("orders.created.victim"), new EventCodec().encode(created("attacker")));
    }

    History history = get(streams.load(Domain.ORDERS, "victim"));
    assertThat(history.events()).isEmpty();
    assertThat(history.lastSequence()).isEqualTo(1);
  }

  @Test
  void an_aggregate_without_facts_has_an_empty_history() {
    EventStreams streams = shared();

    assertThat(get(streams.load(Domain.ORDERS, "nobody"))).isEqualTo(History.EMPTY);
    assertThat(get(streams.loadAll(Domain.ORDERS, List.of("nobody", "either")))).isEmpty();
    assertThat(get(streams.aggregates(EventType.ORDER_CREATED, 0))).isEmpty();
  }

  @Test
  void a_fact_that_is_larger_than_the_broker_takes_fails_and_harms_no_other() {
    EventStreams streams = shared();

    Future<AppendResult> overStream = streams.append(cancelled("o1", "x".repeat(300_000)), 0);
    Future<AppendResult> overBroker = streams.append(cancelled("o2", "x".repeat(1_100_000)), 0);

    assertThat(failure(overStream, AT_ONCE).kind()).isEqualTo(Kind.REFUSED);
    assertThat(failure(overBroker, AT_ONCE).kind()).isEqualTo(Kind.REFUSED);
    assertThat(get(streams.append(created("o1"), 0))).isInstanceOf(Appended.class);
  }

  // Batches.

  @Test
  void a_batch_is_stored_without_a_gap_in_its_order() {
    EventStreams streams = shared();
    get(streams.append(created("before"), 0));

    Optional<Long> first = get(streams.appendTogether(batch("o1", "o2", "o3")));

    assertThat(first).contains(2L);
    assertThat(get(streams.loadAll(Domain.ORDERS, List.of("o3", "o1", "o2"))))
        .extracting(stored -> stored.envelope().event().aggregateId(), Stored::sequence)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("o1", 2L),
            org.assertj.core.groups.Tuple.tuple("o2", 3L),
            org.assertj.core.groups.Tuple.tuple("o3", 4L));
  }

  @Test
  void as_many_aggregates_as_may_be_asked_for_are_found_however_many_facts_they_have() {
    EventStreams streams = shared();
    List<String> ids =
        IntStream.range(0, EventStreams.MAX_BATCH).mapToObj(i -> "many" + i).toList();
    long first = get(streams.appendTogether(batch(ids.toArray(String[]::new)))).orElseThrow();
    get(
        streams.appendTogether(
            IntStream.range(0, ids.size())
                .mapToObj(i -> new Guarded(cancelled(ids.get(i)), first + i))
                .toList()));

    assertThat(get(streams.loadAll(Domain.ORDERS, ids)))
        .hasSize(2 * ids.size())
        .extracting(Stored::sequence)
        .isSorted();
    assertThat(get(streams.loadEach(Domain.ORDERS, ids)))
        .hasSize(ids.size())
        .allSatisfy((id, history) -> assertThat(history.events()).hasSize(2));
  }

  @Test
  void one_contested_member_and_nothing_of_a_batch_is_stored() {
    EventStreams streams = shared();
    get(streams.append(createdBySomebodyElse("o2"), 0));

    assertThat(get(streams.appendTogether(batch("o1", "o2", "o3")))).isEmpty();

    assertThat(messages()).isEqualTo(1);
    // What conflicted is found by who looks: it bears an id that is not ours.
    assertThat(get(streams.loadAll(Domain.ORDERS, List.of("o1", "o2", "o3"))))
        .singleElement()
        .satisfies(stored -> assertThat(stored.envelope().id()).isEqualTo("theirs-o2"));
  }

  @Test
  void a_batch_of_an_earlier_attempt_is_refused_as_a_whole_and_recognised_by_its_ids() {
    EventStreams streams = shared();
    get(streams.appendTogether(batch("o1", "o2")));

    assertThat(get(streams.appendTogether(batch("o1", "o2")))).isEmpty();

    assertThat(messages()).isEqualTo(2);
    assertThat(get(streams.loadAll(Domain.ORDERS, List.of("o1", "o2"))))
        .extracting(stored -> stored.envelope().id())
        .containsExactly(created("o1").id(), created("o2").id());
  }

  // Message ids that somebody else has used.

  @Test
  void a_fact_is_stored_though_somebody_has_used_its_message_id() {
    EventStreams streams = shared();
    try (Wire wire = Wire.to(TestServer.shared().url())) {
      wire.publish(subject("orders.vandalised.x"), "junk", "Nats-Msg-Id", created("o1").id());
      wire.publish(subject("orders.created.o2"), "junk", "Nats-Msg-Id", created("o2").id());
    }

    assertThat(get(streams.append(created("o1"), 0))).isEqualTo(new Appended(3, false));
    assertThat(get(streams.append(created("o1"), 0))).isEqualTo(new Appended(3, true));
    assertThat(get(streams.append(created("o2"), 0))).isInstanceOf(Conflict.class);
    assertThat(get(streams.append(created("o2"), 2))).isEqualTo(new Appended(4, false));
    assertThat(messages()).isEqualTo(4);
  }

  // Answers that are lost.

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void an_append_whose_answer_is_lost_finds_its_own_fact_and_succeeds() {
    EventStreams streams = overALine();
    get(streams.append(created("before"), 0));
    line.loseAnswers(true);

    Future<AppendResult> append = streams.append(created("o1"), 0);
    eventually("it is stored", () -> messages() == 2);
    eventually("its answer is lost", () -> line.lost() > 0);
    line.loseAnswers(false);

    assertThat(get(append)).isEqualTo(new Appended(2, true));
    assertThat(messages()).isEqualTo(2);
  }

  @Test
  void an_append_whose_connection_is_cut_is_unsure_and_its_repetition_finds_the_fact() {
    EventStreams streams = overALine();
    line.loseAnswers(true);
    Future<AppendResult> append = streams.append(created("o1"), 0);
    eventually("it is stored", () -> messages() == 1);

    line.cut();

    assertThat(failure(append, AT_ONCE).kind())
        .as("nobody may take it for not stored")
        .isEqualTo(Kind.NO_ANSWER);
    line.loseAnswers(false);
    eventually("connected again", () -> process.broker().usable());
    assertThat(get(streams.append(created("o1"), 0))).isEqualTo(new Appended(1, true));
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_batch_whose_connection_is_cut_is_unsure_and_stored_once_whatever_is_repeated() {
    EventStreams streams = overALine();
    line.loseAnswers(true);
    Future<Optional<Long>> append = streams.appendTogether(batch("o1", "o2"));
    eventually("it is stored", () -> messages() == 2);

    line.cut();

    assertThat(failure(append, AT_ONCE).kind()).isEqualTo(Kind.NO_ANSWER);
    line.loseAnswers(false);
    eventually("connected again", () -> process.broker().usable());
    assertThat(get(streams.appendTogether(batch("o1", "o2")))).isEmpty();
    assertThat(get(streams.loadAll(Domain.ORDERS, List.of("o1", "o2")))).hasSize(2);
    assertThat(messages()).isEqualTo(2);
  }

  // A broker that is not there.

  @Test
  void while_the_broker_is_down_appends_fail_at_once_and_none_turns_up_later() {
    EventStreams streams = withABrokerOfItsOwn();
    get(streams.append(created("before"), 0));
    server.kill();
    eventually("noticed", () -> !process.broker().usable());

    assertThat(failure(streams.append(created("o1"), 0), AT_ONCE).kind())
        .isEqualTo(Kind.DISCONNECTED);
    assertThat(failure(streams.appendTogether(batch("o1", "o2")), AT_ONCE).kind())
        .isEqualTo(Kind.DISCONNECTED);
    assertThat(failure(streams.load(Domain.ORDERS, "o1"), AT_ONCE).kind())
        .isEqualTo(Kind.DISCONNECTED);
    server.restart();
    eventually("connected again", () -> process.broker().usable());

    // In stream order behind anything that could have been kept back.
    assertThat(sequence(get(streams.append(created("after"), 0)))).isEqualTo(2);
    assertThat(get(streams.load(Domain.ORDERS, "o1"))).isEqualTo(History.EMPTY);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void a_broker_that_hangs_makes_an_append_fail_within_its_bound_and_repeating_it_is_safe() {
    EventStreams streams = withABrokerOfItsOwn();
    get(streams.append(created("before"), 0));
    server.pause();

    Future<AppendResult> append = streams.append(created("o1"), 0);

    assertThat(failure(append, BOUND).kind()).isEqualTo(Kind.NO_ANSWER);
    server.resume();
    eventually("connected again", () -> process.broker().usable());
    assertThat(get(streams.append(created("o1"), 0))).isInstanceOf(Appended.class);
    assertThat(get(streams.load(Domain.ORDERS, "o1")).events()).hasSize(1);
  }

  private String subject(String name) {
    return process.subject(name);
  }

  /** How many the stream holds, asked for beside the connection under test. */
  private long messages() {
    try (Wire wire = Wire.to(TestServer.shared().url())) {
      return wire.succeed("STREAM.INFO." + process.stream("ORDERS"), "")
          .path("state")
          .path("messages")
          .asLong();
    }
  }

  private static List<Guarded> batch(String... orderIds) {
    return java.util.Arrays.stream(orderIds).map(id -> new Guarded(created(id), 0)).toList();
  }

  private static long sequence(AppendResult result) {
    assertThat(result)
        .isInstanceOfSatisfying(
            Appended.class, appended -> assertThat(appended.repeated()).isFalse());
    return ((Appended) result).sequence();
  }
}
