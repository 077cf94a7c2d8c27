package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.cancelled;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.Facts.createdBySomebodyElse;
import static io.holdfast.runtime.support.TestProcess.failure;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Goal: appends that are stored together are told each its own outcome, as if it had come alone.
 * Method: many at once at a real broker, among them those that conflict, repeat, or are refused;
 * answers that are lost, and a broker that is killed.
 */
class GroupCommitTest extends AppendSetUp {

  private static final int MANY = 500;

  /** 5 s for an answer, 5 s for the look back, twice, and what a loaded machine needs. */
  private static final Duration BOUND = Duration.ofSeconds(24);

  GroupCommitTest() {
    super("GROUP_COMMIT", "true");
  }

  @Test
  void many_at_once_are_stored_in_batches_and_each_learns_its_own_sequence() {
    shared();

    List<Future<AppendResult>> appends = appendMany();

    List<RawMessage> stored = stored();
    assertThat(stored).hasSize(MANY);
    assertThat(stored.stream().filter(message -> message.header("Nats-Batch-Id").isPresent()))
        .as("those that came while others were under way")
        .hasSizeGreaterThan(MANY / 2);
    for (int i = 0; i < MANY; i++) {
      Appended appended = (Appended) get(appends.get(i));
      assertThat(appended.repeated()).isFalse();
      assertThat(stored.get((int) appended.sequence() - 1).subject())
          .isEqualTo(process.subject("orders.created.o" + i));
    }
  }

  @Test
  void one_alone_waits_for_nobody_and_is_no_batch() {
    shared();

    get(process.streams().append(created("o1"), 0));

    assertThat(stored().getFirst().header("Nats-Batch-Id")).isEmpty();
  }

  @Test
  void one_that_conflicts_is_told_so_and_the_others_of_its_batch_are_stored() {
    shared();
    get(process.streams().append(createdBySomebodyElse("o250"), 0));

    List<Future<AppendResult>> appends = appendMany();

    for (int i = 0; i < MANY; i++) {
      assertThat(get(appends.get(i))).isInstanceOf(i == 250 ? Conflict.class : Appended.class);
    }
    assertThat(stored()).hasSize(MANY);
  }

  @Test
  void what_was_stored_before_is_found_though_it_comes_again_among_others() {
    shared();
    long before = ((Appended) get(process.streams().append(created("o250"), 0))).sequence();

    List<Future<AppendResult>> appends = appendMany();

    assertThat(get(appends.get(250))).isEqualTo(new Appended(before, true));
    assertThat(stored()).hasSize(MANY);
  }

  @Test
  void of_two_facts_about_one_aggregate_at_once_one_wins_and_the_other_is_told() {
    shared();
    List<Future<AppendResult>> created = new ArrayList<>();
    List<Future<AppendResult>> cancelled = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      created.add(process.streams().append(created("o" + i), 0));
      cancelled.add(process.streams().append(cancelled("o" + i), 0));
      cancelled.add(process.streams().append(created("o" + i), 0));
    }

    for (int i = 0; i < 50; i++) {
      List<AppendResult> results =
          List.of(get(created.get(i)), get(cancelled.get(2 * i)), get(cancelled.get(2 * i + 1)));
      assertThat(results.stream().filter(one -> one instanceof Appended a && !a.repeated()))
          .as("o%d: %s", i, results)
          .hasSize(1);
      assertThat(results.stream().filter(Conflict.class::isInstance)).hasSizeBetween(1, 2);
    }
    assertThat(stored()).hasSize(50);
  }

  @Test
  void one_that_the_broker_does_not_take_fails_and_harms_no_other() {
    shared();
    List<Future<AppendResult>> appends = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      appends.add(process.streams().append(created("o" + i), 0));
    }
    Future<AppendResult> overStream =
        process.streams().append(cancelled("big", "x".repeat(300_000)), 0);
    Future<AppendResult> overBroker =
        process.streams().append(cancelled("bigger", "x".repeat(1_100_000)), 0);
    for (int i = 20; i < 40; i++) {
      appends.add(process.streams().append(created("o" + i), 0));
    }

    assertThat(failure(overStream, BOUND).kind()).isEqualTo(Kind.REFUSED);
    assertThat(failure(overBroker, BOUND).kind()).isEqualTo(Kind.REFUSED);
    appends.forEach(append -> assertThat(get(append)).isInstanceOf(Appended.class));
    assertThat(stored()).hasSize(40);
  }

  @Test
  void those_whose_message_id_somebody_has_used_are_stored_all_the_same() {
    shared();
    try (Wire wire = Wire.to(TestServer.shared().url())) {
      wire.publish(
          process.subject("orders.vandalised.x"), "junk", "Nats-Msg-Id", created("o250").id());
    }

    List<Future<AppendResult>> appends = appendMany();

    appends.forEach(append -> assertThat(get(append)).isInstanceOf(Appended.class));
    assertThat(stored()).hasSize(MANY + 1);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void one_whose_answer_is_lost_finds_its_own_fact_and_those_behind_it_come_in_time_or_never() {
    overALine();
    line.loseAnswers(true);
    List<Future<AppendResult>> appends =
        IntStream.range(0, 100)
            .mapToObj(i -> process.streams().append(created("o" + i), 0))
            .toList();
    eventually("answers are lost", () -> line.lost() > 0);
    line.loseAnswers(false);

    assertThat(get(appends.getFirst())).isEqualTo(new Appended(1, true));
    for (int i = 0; i < appends.size(); i++) {
      Future<AppendResult> append = appends.get(i);
      eventually("it is answered", append::isComplete);
      if (append.failed()) {
        assertThat(((BrokerException) append.cause()).kind()).isEqualTo(Kind.OVERLOADED);
      }
    }
    long told = appends.stream().filter(Future::succeeded).count();
    assertThat(stored()).hasSize((int) told);
  }

  @Test
  void a_broker_that_is_killed_leaves_none_undecided_and_repeating_them_stores_each_once() {
    EventStreams streams = withABrokerOfItsOwn();
    List<Future<AppendResult>> appends =
        IntStream.range(0, 2_000).mapToObj(i -> streams.append(created("o" + i), 0)).toList();
    eventually("the first are stored", () -> appends.getFirst().isComplete());

    server.kill();

    eventually(
        "each is answered", BOUND, () -> appends.stream().allMatch(Future::isComplete), all -> all);
    server.restart();
    eventually("connected again", () -> process.broker().usable());
    for (int i = 0; i < appends.size(); i++) {
      AppendResult again = get(streams.append(created("o" + i), 0));
      assertThat(again).as("o%d", i).isInstanceOf(Appended.class);
      if (appends.get(i).succeeded()) {
        long told = ((Appended) appends.get(i).result()).sequence();
        assertThat(again).as("o%d", i).isEqualTo(new Appended(told, true));
      }
    }
    assertThat(stored()).hasSize(2_000);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void a_broker_that_hangs_makes_all_fail_within_their_bound_and_repeating_them_is_safe() {
    withABrokerOfItsOwn();
    get(process.streams().append(created("before"), 0));
    server.pause();

    List<Future<AppendResult>> appends =
        IntStream.range(0, MANY)
            .mapToObj(i -> process.streams().append(created("o" + i), 0))
            .toList();

    appends.forEach(append -> failure(append, BOUND));
    server.resume();
    eventually("connected again", () -> process.broker().usable());
    for (int i = 0; i < MANY; i++) {
      assertThat(get(process.streams().append(created("o" + i), 0))).isInstanceOf(Appended.class);
    }
    assertThat(get(process.streams().load(Domain.ORDERS, "o1")).events()).hasSize(1);
    assertThat(stored()).hasSize(MANY + 1);
  }

  private List<Future<AppendResult>> appendMany() {
    List<Future<AppendResult>> appends =
        IntStream.range(0, MANY)
            .mapToObj(i -> process.streams().append(created("o" + i), 0))
            .toList();
    get(Future.join(appends).otherwiseEmpty());
    return appends;
  }

  private List<RawMessage> stored() {
    List<RawMessage> all = new ArrayList<>();
    List<RawMessage> page;
    do {
      page =
          get(
              process
                  .streams()
                  .reader()
                  .read(process.stream("ORDERS"), all.size() + 1, 1_000, 8 << 20));
      all.addAll(page);
    } while (!page.isEmpty());
    return all;
  }
}
