package io.holdfast.runtime;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Eventually.throughout;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerVersion;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.holdfast.runtime.support.Wire.Answer;
import io.holdfast.runtime.support.Wire.Inbox;
import io.nats.client.Message;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker upgrade that changes what our promises rest on fails here, under a name that says
 * which. Method: each behaviour that our code relies on, traps included, tried over the bare wire
 * on the real server; nothing of ours takes part.
 */
@Tag("broker-contract")
class BrokerContractTest {

  private static final String GUARD = "Nats-Expected-Last-Subject-Sequence";
  private static final String GUARDED_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";
  private static final String STREAM_GUARD = "Nats-Expected-Last-Sequence";
  private static final String ID = "Nats-Msg-Id";
  private static final String BATCH = "Nats-Batch-Id";
  private static final String MEMBER = "Nats-Batch-Sequence";
  private static final String COMMIT = "Nats-Batch-Commit";

  private static final int WRONG_LAST_SEQUENCE = 10071;
  private static final int WRONG_LAST_SEQUENCE_IN_FLIGHT = 10164;
  private static final int KNOWN_ID_IN_BATCH = 10201;
  private static final int MAX_BYTES_REACHED = 10077;
  private static final int MESSAGE_TOO_LARGE = 10054;
  private static final int INVALID_JSON = 10025;

  private static final Duration AT_ONCE = Duration.ofSeconds(5);

  private static Wire wire;

  /** Streams and subjects of this test alone. */
  private final String own = TestServer.newName();

  @TempDir Path folder;

  @BeforeAll
  static void connect() {
    wire = Wire.to(TestServer.shared().url());
  }

  @AfterAll
  static void disconnect() {
    wire.close();
  }

  // The server itself.

  @Test
  void the_server_is_new_enough() {
    assertThat(NatsServerVersion.parse(wire.serverVersion()))
        .isGreaterThanOrEqualTo(NatsServerVersion.parse("2.12.7"));
  }

  @Test
  void a_request_with_a_field_that_the_server_does_not_know_is_refused() {
    Answer answer =
        wire.api(
            "STREAM.CREATE." + own,
            "{\"name\":\"%s\",\"subjects\":[\"%s.>\"],\"keep_for_ever\":true}".formatted(own, own));

    assertThat(answer.error()).isEqualTo(INVALID_JSON);
  }

  @Test
  void nothing_answers_a_publish_that_no_stream_takes() {
    Message answer = wire.ask(own + ".created.o1", "{}");

    assertThat(answer.isStatusMessage()).isTrue();
    assertThat(answer.getStatus().getCode()).isEqualTo(503);
  }

  @Test
  void a_stream_s_promises_are_read_back_as_they_were_asked_for() {
    facts();

    JsonNode config = wire.succeed("STREAM.INFO." + own, "").path("config");

    assertThat(config.path("discard").asText()).isEqualTo("new");
    assertThat(config.path("allow_atomic").asBoolean()).isTrue();
    assertThat(config.path("allow_direct").asBoolean()).isTrue();
    assertThat(config.path("deny_delete").asBoolean()).isTrue();
    assertThat(config.path("max_bytes").asLong()).isEqualTo(16 << 20);
  }

  // One append and its guard.

  @Test
  void the_first_append_of_an_aggregate_expects_sequence_0_and_is_stored() {
    facts();
    append("created", "other", 0);

    assertThat(append("created", "o1", 0).sequence()).isEqualTo(2);
  }

  @Test
  void a_second_append_of_the_same_subject_is_refused() {
    facts();
    append("created", "o1", 0);

    assertThat(append("created", "o1", 0).error()).isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_guard_over_a_wildcard_refuses_another_fact_of_the_same_aggregate() {
    facts();
    append("processed", "o1", 0);

    assertThat(append("voided", "o1", 0).error()).isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_guard_that_names_the_aggregate_s_last_sequence_lets_the_next_fact_in() {
    facts();
    long first = append("processed", "o1", 0).sequence();
    append("processed", "o2", 0);

    assertThat(append("refunded", "o1", first).sequence()).isEqualTo(3);
    assertThat(append("refunded", "o1", first).error()).isEqualTo(WRONG_LAST_SEQUENCE);
  }

  @Test
  void a_guard_beyond_what_is_stored_is_refused() {
    facts();
    append("created", "o1", 0);

    assertThat(append("confirmed", "o1", 7).error()).isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(append("created", "o2", 1).error()).isEqualTo(WRONG_LAST_SEQUENCE);
  }

  @Test
  void of_many_who_append_to_one_aggregate_at_once_one_wins() {
    facts();
    List<CompletableFuture<Answer>> racers =
        IntStream.range(0, 30)
            .mapToObj(i -> CompletableFuture.supplyAsync(() -> append("fact" + i, "o1", 0)))
            .toList();

    List<Integer> errors = racers.stream().map(racer -> racer.join().error()).toList();

    assertThat(errors).filteredOn(error -> error == 0).hasSize(1);
    assertThat(errors).isSubsetOf(List.of(0, WRONG_LAST_SEQUENCE, WRONG_LAST_SEQUENCE_IN_FLIGHT));
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_repeated_append_inside_the_window_is_refused_by_its_guard_not_called_a_duplicate() {
    facts();
    assertThat(append("created", "o1", 0, ID, "event-1").sequence()).isEqualTo(1);

    Answer again = append("created", "o1", 0, ID, "event-1");

    assertThat(again.error()).isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(again.duplicate()).isFalse();
  }

  @Test
  void a_repeated_append_after_the_window_is_refused_by_its_guard() {
    facts("\"duplicate_window\":100000000");
    append("created", "o1", 0, ID, "event-1");
    wire.publish(subject("created", "clock"), "{}", ID, "event-2");
    eventually(
        "the window is over",
        () -> !wire.publish(subject("created", "clock"), "{}", ID, "event-2").duplicate());

    assertThat(append("created", "o1", 0, ID, "event-1").error()).isEqualTo(WRONG_LAST_SEQUENCE);
  }

  @Test
  void a_message_id_is_known_to_the_whole_stream_whatever_subject_and_body_come_with_it() {
    facts();
    wire.publish(subject("created", "o1"), "first", ID, "event-1");

    Answer again = wire.publish(subject("created", "o2"), "second", ID, "event-1");

    assertThat(again.error()).isZero();
    assertThat(again.duplicate()).isTrue();
    assertThat(again.sequence()).isEqualTo(1);
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_guard_over_the_whole_stream_keeps_a_chain_linear() {
    facts();
    assertThat(wire.publish(own + ".audit.block", "1", STREAM_GUARD, "0").sequence()).isEqualTo(1);

    assertThat(wire.publish(own + ".audit.block", "2", STREAM_GUARD, "0").error())
        .isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(wire.publish(own + ".audit.block", "2", STREAM_GUARD, "1").sequence()).isEqualTo(2);
  }

  // Atomic batches.

  @Test
  void a_batch_is_stored_without_a_gap_and_its_one_answer_names_the_last_sequence_and_the_count() {
    facts();
    append("created", "before", 0);

    Answer commit = batch(member("o1"), member("o2"), member("o3"));

    assertThat(commit.sequence()).isEqualTo(4);
    assertThat(commit.json().path("count").asInt()).isEqualTo(3);
    assertThat(subjects(2, 10)).containsExactly(fact("o1"), fact("o2"), fact("o3"));
  }

  @Test
  void a_batch_of_one_is_stored() {
    facts();

    assertThat(batch(member("o1")).sequence()).isEqualTo(1);
  }

  @Test
  void one_stale_guard_anywhere_in_a_batch_and_nothing_of_it_is_stored() {
    facts();
    append("created", "o2", 0);

    assertThat(batch(member("o1"), member("o2"), member("o3")).error())
        .isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(batch(member("o2"), member("o3")).error()).isEqualTo(WRONG_LAST_SEQUENCE);
    assertThat(batch(member("o1"), member("o2")).error()).isEqualTo(WRONG_LAST_SEQUENCE);

    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void a_known_message_id_refuses_the_whole_batch() {
    facts();
    wire.publish(subject("created", "o1"), "{}", ID, "event-1");

    Answer commit = batch(member("o2"), new Member("received", "o3", 0, Optional.of("event-1")));

    assertThat(commit.error()).isEqualTo(KNOWN_ID_IN_BATCH);
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void message_ids_of_a_batch_are_known_afterwards() {
    facts();
    batch(member("o1"), new Member("received", "o2", 0, Optional.of("event-1")));

    Answer again = wire.publish(subject("created", "o3"), "{}", ID, "event-1");

    assertThat(again.duplicate()).isTrue();
    assertThat(again.sequence()).isEqualTo(2);
  }

  @Test
  void trap_guards_are_not_checked_between_members_so_two_facts_of_one_aggregate_are_both_stored() {
    facts();

    Answer commit =
        batch(
            new Member("reserved", "o1", 0, Optional.empty()),
            new Member("rejected", "o1", 0, Optional.empty()));

    assertThat(commit.error()).isZero();
    assertThat(messages()).isEqualTo(2);
  }

  @Test
  void trap_even_the_same_subject_twice_in_a_batch_is_stored_under_a_guard_over_a_wildcard() {
    facts();

    assertThat(batch(member("o1"), member("o1")).error()).isZero();
    assertThat(messages()).isEqualTo(2);
  }

  @Test
  void a_batch_holds_1000_messages_and_not_one_more() {
    facts();
    Member[] tooMany =
        IntStream.rangeClosed(1, 1_001).mapToObj(i -> member("o" + i)).toArray(Member[]::new);

    assertThat(batch(tooMany).json().has("error")).isTrue();
    assertThat(messages()).isZero();

    Answer full = batch(java.util.Arrays.copyOf(tooMany, 1_000));
    assertThat(full.sequence()).isEqualTo(1_000);
    assertThat(full.json().path("count").asInt()).isEqualTo(1_000);
  }

  @Test
  void a_batch_without_its_commit_stores_nothing_and_is_in_nobody_s_way() {
    facts();
    sendMember(member("o1"), "abandoned", 1);
    sendMember(member("o2"), "abandoned", 2);

    assertThat(append("received", "o1", 0).sequence()).isEqualTo(1);
    assertThat(batch(member("o2"), member("o3")).sequence()).isEqualTo(3);
    assertThat(messages()).isEqualTo(3);
  }

  @Test
  void a_batch_that_lost_a_member_on_the_way_is_refused() {
    facts();
    sendMember(member("o1"), "gap", 1);

    Answer commit = commit(member("o3"), "gap", 3);

    assertThat(commit.json().has("error")).isTrue();
    assertThat(messages()).isZero();
  }

  @Test
  void a_stream_that_does_not_allow_batches_refuses_them() {
    facts("\"allow_atomic\":false");

    assertThat(batch(member("o1"), member("o2")).json().has("error")).isTrue();
    assertThat(messages()).isZero();
  }

  // Reads.

  @Test
  void multi_last_gives_the_last_message_of_each_subject_in_stream_order_and_ends_with_204() {
    facts();
    append("created", "o2", 0);
    append("created", "o1", 0);
    append("created", "o3", 0);
    append("confirmed", "o2", 1);

    List<Message> answers =
        direct("{\"multi_last\":[\"%s.*.o1\",\"%s.*.o2\"]}".formatted(own, own));

    assertThat(answers.stream().limit(3).map(m -> m.getHeaders().getFirst("Nats-Sequence")))
        .containsExactly("1", "2", "4");
    assertThat(answers).hasSize(4).last().satisfies(end -> assertStatus(end, 204));
  }

  @Test
  void a_direct_get_tells_stream_subject_time_and_the_stored_headers() {
    facts();
    append("created", "o1", 0, ID, "event-1", "traceparent", "00-trace");

    Message message = direct("{\"multi_last\":[\"%s.*.o1\"]}".formatted(own)).getFirst();

    assertThat(message.getHeaders().getFirst("Nats-Stream")).isEqualTo(own);
    assertThat(message.getHeaders().getFirst("Nats-Subject")).isEqualTo(subject("created", "o1"));
    assertThat(message.getHeaders().getFirst("Nats-Time-Stamp")).endsWith("Z");
    assertThat(message.getHeaders().getFirst("traceparent")).isEqualTo("00-trace");
    assertThat(message.getData()).asString().isEqualTo("{}");
  }

  @Test
  void multi_last_that_finds_nothing_answers_404() {
    facts();
    append("created", "o1", 0);

    List<Message> answers = direct("{\"multi_last\":[\"%s.*.o2\"]}".formatted(own));

    assertThat(answers).singleElement().satisfies(end -> assertStatus(end, 404));
  }

  @Test
  void multi_last_takes_1000_filters_at_once() {
    facts();
    Member[] all =
        IntStream.rangeClosed(1, 1_000).mapToObj(i -> member("o" + i)).toArray(Member[]::new);
    batch(all);
    String filters =
        String.join("\",\"", Stream.of(all).map(m -> own + ".*." + m.aggregate()).toList());

    List<Message> answers = direct("{\"multi_last\":[\"" + filters + "\"]}");

    assertThat(answers).hasSize(1_001).last().satisfies(end -> assertStatus(end, 204));
  }

  @Test
  void trap_multi_last_refuses_what_would_answer_more_than_1024_messages() {
    facts();
    batch(IntStream.range(0, 1_000).mapToObj(i -> member("a" + i)).toArray(Member[]::new));
    batch(IntStream.range(0, 25).mapToObj(i -> member("b" + i)).toArray(Member[]::new));

    List<Message> answers = direct("{\"multi_last\":[\"%s.received.*\"]}".formatted(own));

    assertThat(answers).singleElement().satisfies(end -> assertStatus(end, 413));
  }

  @Test
  void a_stream_is_read_in_order_from_a_sequence_on_up_to_so_many_messages() {
    facts();
    batch(IntStream.rangeClosed(1, 10).mapToObj(i -> member("o" + i)).toArray(Member[]::new));

    List<Message> answers = direct("{\"seq\":4,\"next_by_subj\":\">\",\"batch\":3}");

    assertThat(answers.stream().limit(3).map(m -> m.getHeaders().getFirst("Nats-Sequence")))
        .containsExactly("4", "5", "6");
    assertThat(answers).hasSize(4).last().satisfies(end -> assertStatus(end, 204));
  }

  @Test
  void a_read_that_is_limited_in_bytes_gives_at_least_one_message_and_ends_with_204() {
    facts();
    for (int i = 1; i <= 4; i++) {
      wire.publish(subject("created", "o" + i), "x".repeat(1_000));
    }

    List<Message> one = direct("{\"seq\":1,\"next_by_subj\":\">\",\"batch\":9,\"max_bytes\":10}");
    List<Message> some =
        direct("{\"seq\":1,\"next_by_subj\":\">\",\"batch\":9,\"max_bytes\":2500}");

    assertThat(one).hasSize(2).last().satisfies(end -> assertStatus(end, 204));
    assertThat(some).hasSizeBetween(3, 4).last().satisfies(end -> assertStatus(end, 204));
  }

  @Test
  void a_read_beyond_the_end_answers_404() {
    facts();
    append("created", "o1", 0);

    List<Message> answers = direct("{\"seq\":2,\"next_by_subj\":\">\",\"batch\":9}");

    assertThat(answers).singleElement().satisfies(end -> assertStatus(end, 404));
  }

  @Test
  void the_last_message_of_a_subject_is_found_and_404_says_that_there_is_none() {
    facts();
    append("created", "o1", 0);
    append("created", "o2", 0);

    Message found = direct("{\"last_by_subj\":\"%s\"}".formatted(subject("created", "o1")), 1);
    Message none = direct("{\"last_by_subj\":\"%s\"}".formatted(subject("created", "o3")), 1);

    assertThat(found.getHeaders().getFirst("Nats-Sequence")).isEqualTo("1");
    assertStatus(none, 404);
  }

  @Test
  void stream_info_lists_subjects_page_by_page_with_nothing_twice_or_left_out() {
    facts();
    batch(IntStream.range(0, 50).mapToObj(i -> member("o" + i)).toArray(Member[]::new));
    append("created", "o1", 2);

    List<String> first = subjectsOfInfo(0);
    List<String> rest = subjectsOfInfo(30);

    assertThat(first).hasSize(50).doesNotContain(subject("created", "o1"));
    assertThat(rest).isEqualTo(first.subList(30, 50));
    assertThat(subjectsOfInfo(50)).isEmpty();
  }

  // Limits, and what nobody may do.

  @Test
  void deny_delete_refuses_to_delete_a_message() {
    facts();
    append("created", "o1", 0);

    Answer answer = wire.api("STREAM.MSG.DELETE." + own, "{\"seq\":1}");

    assertThat(answer.json().has("error")).isTrue();
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void deny_purge_refuses_to_purge() {
    facts("\"deny_purge\":true");
    append("created", "o1", 0);

    Answer answer = wire.api("STREAM.PURGE." + own, "");

    assertThat(answer.json().has("error")).isTrue();
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void an_update_cannot_allow_deletion_again() {
    facts();

    Answer answer = wire.api("STREAM.UPDATE." + own, config("\"deny_delete\":false"));

    assertThat(answer.json().has("error")).isTrue();
  }

  @Test
  void a_full_stream_refuses_more_and_loses_nothing() {
    facts("\"max_bytes\":4096");
    int stored = 0;
    Answer answer = wire.publish(subject("created", "o0"), "x".repeat(1_000));
    while (answer.error() == 0) {
      stored++;
      answer = wire.publish(subject("created", "o" + stored), "x".repeat(1_000));
    }

    assertThat(answer.error()).isEqualTo(MAX_BYTES_REACHED);
    assertThat(stored).isBetween(2, 4);
    assertThat(messages()).isEqualTo(stored);
    assertThat(subjects(1, 10).getFirst()).isEqualTo(subject("created", "o0"));
  }

  @Test
  void a_message_over_the_stream_s_limit_is_refused() {
    facts("\"max_msg_size\":1000");

    assertThat(wire.publish(subject("created", "o1"), "x".repeat(1_001)).error())
        .isEqualTo(MESSAGE_TOO_LARGE);
    assertThat(messages()).isZero();
  }

  // Consumers.

  @Test
  void a_nak_with_a_delay_is_honoured_without_a_backoff_list() {
    facts();
    consumer("\"ack_wait\":30000000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    Message first = inbox.next();
    long nakked = System.nanoTime();
    settle(first, "-NAK {\"delay\":300000000}");

    Message second = inbox.next();

    assertThat(Duration.ofNanos(System.nanoTime() - nakked))
        .isBetween(Duration.ofMillis(290), Duration.ofMillis(300).plus(AT_ONCE));
    assertThat(second.metaData().deliveredCount()).isEqualTo(2);
    assertThat(second.metaData().streamSequence()).isEqualTo(1);
  }

  @Test
  void a_bare_nak_brings_the_message_back_at_once() {
    facts();
    consumer("\"ack_wait\":30000000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    settle(inbox.next(), "-NAK");

    assertThat(inbox.next(AT_ONCE).metaData().deliveredCount()).isEqualTo(2);
  }

  @Test
  void in_progress_restarts_the_time_that_a_message_is_ours() throws Exception {
    facts();
    consumer("\"ack_wait\":600000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    Message message = inbox.next();

    for (int i = 0; i < 4; i++) {
      throughout("ours", Duration.ofMillis(300), () -> inbox.poll(Duration.ofMillis(10)) == null);
      settle(message, "+WPI");
    }
    settle(message, "+ACK");

    eventually("it is settled", () -> unacknowledged() == 0);
    assertThat(inbox.poll(Duration.ofMillis(50))).isNull();
  }

  @Test
  void a_message_that_nobody_settles_comes_again_after_its_time() {
    facts();
    consumer("\"ack_wait\":300000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    inbox.next();
    long delivered = System.nanoTime();

    Message again = inbox.next();

    assertThat(again.metaData().deliveredCount()).isEqualTo(2);
    assertThat(Duration.ofNanos(System.nanoTime() - delivered))
        .isGreaterThan(Duration.ofMillis(200));
  }

  @Test
  void the_late_acknowledgement_of_an_earlier_delivery_settles_the_message() {
    facts();
    consumer("\"ack_wait\":200000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    Message first = inbox.next();
    inbox.next(); // a second worker has it now
    settle(first, "+ACK");

    eventually("it is settled", () -> unacknowledged() == 0);
    assertThat(consumerInfo().path("ack_floor").path("stream_seq").asLong()).isEqualTo(1);
  }

  @Test
  void a_terminated_message_is_settled_and_does_not_come_again() {
    facts();
    consumer("\"ack_wait\":200000000");
    append("created", "o1", 0);
    Inbox inbox = pull(5);
    settle(inbox.next(), "+TERM");

    eventually("it is settled", () -> unacknowledged() == 0);
    assertThat(inbox.poll(Duration.ofMillis(400))).isNull();
    assertThat(messages()).isEqualTo(1);
  }

  @Test
  void consumer_info_counts_what_waits_and_what_is_not_settled() {
    facts();
    consumer("\"ack_wait\":30000000000");
    for (int i = 1; i <= 5; i++) {
      append("created", "o" + i, 0);
    }
    Inbox inbox = pull(3);
    settle(inbox.next(), "+ACK");
    inbox.next();
    inbox.next();

    JsonNode info =
        eventually(
            "one is settled", BrokerContractTest.this::consumerInfo, this::twoAreUnacknowledged);

    assertThat(info.path("num_pending").asLong()).isEqualTo(2);
    assertThat(info.path("ack_floor").path("stream_seq").asLong()).isEqualTo(1);
  }

  @Test
  void a_pull_that_expires_says_408_and_how_much_of_it_was_not_delivered() {
    facts();
    consumer("\"ack_wait\":30000000000");
    append("created", "o1", 0);
    Inbox inbox = wire.inbox();
    wire.send(next(), inbox.subject(), "{\"batch\":10,\"expires\":300000000}");
    inbox.next();

    Message end = inbox.next();

    assertStatus(end, 408);
    assertThat(end.getHeaders().getFirst("Nats-Pending-Messages")).isEqualTo("9");
  }

  @Test
  void a_pull_that_was_served_in_full_ends_without_a_status() {
    facts();
    consumer("\"ack_wait\":30000000000");
    append("created", "o1", 0);
    Inbox inbox = wire.inbox();
    wire.send(next(), inbox.subject(), "{\"batch\":1,\"expires\":200000000}");
    inbox.next();

    assertThat(inbox.poll(Duration.ofMillis(400))).isNull();
  }

  @Test
  void a_pull_that_waits_is_told_so_by_heartbeats() {
    facts();
    consumer("\"ack_wait\":30000000000");
    Inbox inbox = wire.inbox();
    wire.send(
        next(),
        inbox.subject(),
        "{\"batch\":10,\"expires\":5000000000,\"idle_heartbeat\":100000000}");

    for (int i = 0; i < 3; i++) {
      assertStatus(inbox.next(AT_ONCE), 100);
    }
  }

  @Test
  void several_pulls_of_one_client_may_wait_at_a_time_and_all_are_served() {
    facts();
    consumer("\"ack_wait\":30000000000");
    Inbox inbox = wire.inbox();
    for (int batch : new int[] {2, 3, 1}) {
      wire.send(next(), inbox.subject(), "{\"batch\":" + batch + ",\"expires\":20000000000}");
    }
    batch(IntStream.range(0, 7).mapToObj(i -> member("o" + i)).toArray(Member[]::new));

    for (int i = 1; i <= 6; i++) {
      assertThat(inbox.next().metaData().streamSequence()).isEqualTo(i);
    }
    assertThat(inbox.poll(Duration.ofMillis(50))).isNull();
  }

  @Test
  void what_waits_for_an_inbox_that_is_gone_is_delivered_to_nobody() {
    facts();
    consumer("\"ack_wait\":30000000000");
    Inbox gone = wire.inbox();
    wire.send(next(), gone.subject(), "{\"batch\":10,\"expires\":20000000000}");
    gone.close();
    wire.flush();
    append("created", "o1", 0);

    Message message = pull(1).next(AT_ONCE);

    assertThat(message.metaData().deliveredCount()).isEqualTo(1);
  }

  @Test
  void a_pull_learns_that_its_consumer_is_deleted_and_a_later_one_that_nothing_answers() {
    facts();
    consumer("\"ack_wait\":30000000000");
    Inbox inbox = wire.inbox();
    wire.send(
        next(),
        inbox.subject(),
        "{\"batch\":5,\"expires\":20000000000,\"idle_heartbeat\":100000000}");
    assertStatus(inbox.next(), 100); // or the deletion could be faster than the pull
    wire.succeed("CONSUMER.DELETE." + own + ".c", "");

    eventually("told", () -> inbox.next().getStatus().getCode() == 409);
    assertStatus(pull(5).next(AT_ONCE), 503);
  }

  // Crashes.

  @Test
  void with_every_write_synced_kill_9_right_after_the_answers_loses_nothing() {
    try (NatsServer server = TestServer.own(folder);
        Wire doomed = Wire.to(server.url())) {
      doomed.succeed("STREAM.CREATE." + own, config());
      for (int i = 1; i <= 100; i++) {
        Answer answer =
            doomed.publish(
                subject("created", "o" + i),
                "{}",
                GUARD,
                "0",
                GUARDED_SUBJECT,
                own + ".*.o" + i,
                ID,
                "event-" + i);
        assertThat(answer.sequence()).isEqualTo(i);
      }
      server.kill();
      server.restart();
      eventually("connected again", doomed::connected);

      assertThat(doomed.askMany("$JS.API.DIRECT.GET." + own, everything(1, 200))).hasSize(101);
      assertThat(
              doomed
                  .publish(
                      subject("voided", "o7"), "{}", GUARD, "0", GUARDED_SUBJECT, own + ".*.o7")
                  .error())
          .as("guards hold after the restart")
          .isEqualTo(WRONG_LAST_SEQUENCE);
      assertThat(doomed.publish(subject("created", "again"), "{}", ID, "event-9").duplicate())
          .as("message ids are known after the restart")
          .isTrue();
    }
  }

  // Below: words for the above.

  private record Member(String fact, String aggregate, long expected, Optional<String> id) {}

  private static Member member(String aggregate) {
    return new Member("received", aggregate, 0, Optional.empty());
  }

  private void facts(String... overrides) {
    wire.succeed("STREAM.CREATE." + own, config(overrides));
  }

  /** Our stream of facts, with single options said otherwise. */
  private String config(String... overrides) {
    List<String> options =
        new ArrayList<>(
            List.of(
                "\"name\":\"" + own + "\"",
                "\"subjects\":[\"" + own + ".*.*\"]",
                "\"storage\":\"file\"",
                "\"retention\":\"limits\"",
                "\"discard\":\"new\"",
                "\"max_bytes\":" + (16 << 20),
                "\"duplicate_window\":120000000000",
                "\"allow_direct\":true",
                "\"allow_atomic\":true",
                "\"deny_delete\":true"));
    for (String override : overrides) {
      String key = override.substring(0, override.indexOf(':') + 1);
      options.removeIf(option -> option.startsWith(key));
      options.add(override);
    }
    return "{" + String.join(",", options) + "}";
  }

  private String subject(String fact, String aggregate) {
    return own + "." + fact + "." + aggregate;
  }

  private String fact(String aggregate) {
    return subject("received", aggregate);
  }

  private Answer append(String fact, String aggregate, long expected, String... headers) {
    return wire.publish(
        subject(fact, aggregate),
        "{}",
        Stream.concat(
                Stream.of(GUARD, Long.toString(expected), GUARDED_SUBJECT, own + ".*." + aggregate),
                Stream.of(headers))
            .toArray(String[]::new));
  }

  private Answer batch(Member... members) {
    String id = TestServer.newName();
    for (int i = 0; i < members.length - 1; i++) {
      sendMember(members[i], id, i + 1);
    }
    return commit(members[members.length - 1], id, members.length);
  }

  private void sendMember(Member member, String batch, int number) {
    wire.send(subject(member.fact, member.aggregate), null, "{}", headers(member, batch, number));
  }

  private Answer commit(Member member, String batch, int number) {
    String[] headers =
        Stream.concat(Stream.of(headers(member, batch, number)), Stream.of(COMMIT, "1"))
            .toArray(String[]::new);
    return wire.publish(subject(member.fact, member.aggregate), "{}", headers);
  }

  private String[] headers(Member member, String batch, int number) {
    List<String> headers =
        new ArrayList<>(
            List.of(
                GUARD,
                Long.toString(member.expected),
                GUARDED_SUBJECT,
                own + ".*." + member.aggregate,
                BATCH,
                batch,
                MEMBER,
                Integer.toString(number)));
    member.id.ifPresent(id -> headers.addAll(List.of(ID, id)));
    return headers.toArray(String[]::new);
  }

  private List<Message> direct(String query) {
    return wire.askMany("$JS.API.DIRECT.GET." + own, query);
  }

  /** For a query that has one answer, and no end after it. */
  private Message direct(String query, int answers) {
    assertThat(answers).isEqualTo(1);
    return wire.ask("$JS.API.DIRECT.GET." + own, query);
  }

  private static String everything(long from, int batch) {
    return "{\"seq\":" + from + ",\"next_by_subj\":\">\",\"batch\":" + batch + "}";
  }

  private List<String> subjects(long from, int batch) {
    return direct(everything(from, batch)).stream()
        .filter(message -> !message.isStatusMessage())
        .map(message -> message.getHeaders().getFirst("Nats-Subject"))
        .toList();
  }

  private List<String> subjectsOfInfo(int offset) {
    List<String> names = new ArrayList<>();
    wire.succeed(
            "STREAM.INFO." + own,
            "{\"subjects_filter\":\"%s.received.*\",\"offset\":%d}".formatted(own, offset))
        .path("state")
        .path("subjects")
        .fieldNames()
        .forEachRemaining(names::add);
    return names;
  }

  private long messages() {
    return wire.succeed("STREAM.INFO." + own, "").path("state").path("messages").asLong();
  }

  private void consumer(String option) {
    wire.succeed(
        "CONSUMER.CREATE." + own + ".c",
        ("{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"c\",\"name\":\"c\","
                + "\"ack_policy\":\"explicit\",\"deliver_policy\":\"all\",\"max_deliver\":-1,"
                + "\"max_ack_pending\":65536,%s}}")
            .formatted(own, option));
  }

  private String next() {
    return "$JS.API.CONSUMER.MSG.NEXT." + own + ".c";
  }

  private Inbox pull(int batch) {
    Inbox inbox = wire.inbox();
    wire.send(next(), inbox.subject(), "{\"batch\":" + batch + ",\"expires\":20000000000}");
    return inbox;
  }

  private static void settle(Message message, String how) {
    wire.send(message.getReplyTo(), null, how);
  }

  private JsonNode consumerInfo() {
    return wire.succeed("CONSUMER.INFO." + own + ".c", "");
  }

  private long unacknowledged() {
    return consumerInfo().path("num_ack_pending").asLong();
  }

  private boolean twoAreUnacknowledged(JsonNode info) {
    return info.path("num_ack_pending").asLong() == 2;
  }

  private static void assertStatus(Message message, int code) {
    assertThat(message.isStatusMessage()).as("a status").isTrue();
    assertThat(message.getStatus().getCode()).isEqualTo(code);
  }
}
