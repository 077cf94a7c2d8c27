package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Eventually.throughout;
import static io.holdfast.runtime.support.Facts.cancelled;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Filter;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result.Done;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result.Refused;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.runtime.support.Facts;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: what was parked can be sent back, to the consumer that gave it up and to no other, however
 * often and by however many operators, and what was done is known. Method: consumers whose handlers
 * fail until they are mended, and an operator's desk, on a real broker.
 */
class RedriveTest {

  private static final String CONSUMER = "inventory-reserve";
  private static final String OTHER = "inventory-release";
  private static final String REDRIVEN = CONSUMER + "-redriven";
  private static final Filter OPEN = new Filter(null, null, null, null, null, false);
  private static final Filter ALL = new Filter(null, null, null, null, null, true);

  private final List<Delivery<OrderCreated>> handled = new CopyOnWriteArrayList<>();
  private final List<String> threads = new CopyOnWriteArrayList<>();
  private final List<String> handledByOther = new CopyOnWriteArrayList<>();
  private final Set<String> effects = ConcurrentHashMap.newKeySet();
  private final List<TestProcess> processes = new ArrayList<>();
  private volatile boolean broken = true;
  private TestProcess process;
  private DeadLetterDesk desk;
  private Wire wire;

  @BeforeEach
  void start() {
    process =
        TestProcess.on(TestServer.shared().url(), TestServer.newName(), "RETRY_MAX_ATTEMPTS", "2");
    processes.add(process);
    desk = process.streams().deadLetterDesk();
    wire = Wire.to(TestServer.shared().url());
    get(
        process
            .streams()
            .consume(CONSUMER, Reactions.on(OrderCreated.class, delivery -> reserve(delivery))));
    get(
        process
            .streams()
            .consume(
                OTHER,
                Reactions.on(
                    OrderCancelled.class,
                    delivery -> {
                      handledByOther.add(delivery.event().orderId());
                      return Future.failedFuture("always broken");
                    })));
  }

  @AfterEach
  void stop() {
    wire.close();
    processes.forEach(TestProcess::close);
  }

  private Future<Outcome> reserve(Delivery<OrderCreated> delivery) {
    handled.add(delivery);
    threads.add(Thread.currentThread().getName());
    if (broken) {
      return Future.failedFuture(new IllegalStateException("the shelf is locked"));
    }
    return effects.add(delivery.event().orderId())
        ? Future.succeededFuture(Outcome.DONE)
        : Future.succeededFuture(new Outcome.Ignored("was done before"));
  }

  // Sent back.

  @Test
  void a_redriven_message_has_its_effect_and_its_handler_sees_it_as_it_was() {
    Instant before = Instant.now();
    append("o0");
    append("o1");
    DeadLetter letter = parked("o1");
    mend();

    Result result = get(desk.redrive(letter.sequence(), null, "erika"));

    assertThat(result).isInstanceOfSatisfying(Done.class, d -> assertThat(d.before()).isFalse());
    eventually("it has its effect", () -> effects.contains("o1"));
    awaitNoRedrives();
    assertThat(handled)
        .singleElement()
        .satisfies(
            delivery -> {
              assertThat(delivery.envelope()).isEqualTo(handled.getFirst().envelope());
              assertThat(delivery.sequence()).isEqualTo(2);
              assertThat(delivery.redelivered()).isTrue();
              assertThat(delivery.traceId()).isEqualTo(Facts.TRACE);
              assertThat(delivery.storedAt())
                  .isEqualTo(get(stored("ORDERS", 2)).storedAt())
                  .isBetween(before.minusSeconds(5), Instant.now().plusSeconds(5));
            });
    DeadLetter after = letter(letter.sequence());
    assertThat(after.redriven()).isTrue();
    assertThat(after.resolved().orElseThrow().fact().operator()).isEqualTo("erika");
    assertThat(after.resolved().orElseThrow().fact().consumer()).isEqualTo(CONSUMER);
    assertThat(letters(OPEN)).extracting(l -> l.message().aggregateId()).containsExactly("o0");
  }

  @Test
  void redriven_messages_come_on_the_event_loop_on_which_the_consumers_own_come() {
    append("o1");
    DeadLetter letter = parked("o1");
    redrive(letter);
    eventually("it is parked again", () -> letters(ALL).size() == 2);

    assertThat(threads).hasSize(4);
    assertThat(Set.copyOf(threads)).hasSize(1);
  }

  @Test
  void redriving_twice_changes_nothing_the_second_time() throws Exception {
    append("o1");
    DeadLetter letter = parked("o1");
    mend();

    redrive(letter);
    Result again = get(desk.redrive(letter.sequence(), null, "somebody else"));
    eventually("it has its effect", () -> effects.contains("o1"));
    awaitNoRedrives();

    assertThat(again).isInstanceOfSatisfying(Done.class, d -> assertThat(d.before()).isTrue());
    throughout("handled once", Duration.ofMillis(200), () -> handled.size() == 1);
    assertThat(resolutions()).isEqualTo(1);
    assertThat(letters(OPEN)).isEmpty();
  }

  @Test
  void many_operators_at_once_resolve_it_once() {
    append("o1");
    DeadLetter letter = parked("o1");
    mend();
    List<Future<Result>> tries =
        IntStream.range(0, 20)
            .mapToObj(
                i ->
                    i % 2 == 0
                        ? desk.redrive(letter.sequence(), null, "operator " + i)
                        : desk.discard(letter.sequence(), "no", "operator " + i))
            .toList();
    List<Result> results = tries.stream().map(TestProcess::get).toList();

    DeadLetter after = letter(letter.sequence());
    assertThat(resolutions()).isEqualTo(1);
    assertThat(results)
        .filteredOn(r -> r instanceof Done done && !done.before())
        .singleElement()
        .satisfies(
            r ->
                assertThat(((Done) r).letter().resolved().orElseThrow().fact())
                    .isEqualTo(after.resolved().orElseThrow().fact()));
    assertThat(results).filteredOn(r -> r instanceof Refused).hasSize(10);
    awaitNoRedrives();
    assertThat(effects.contains("o1")).isEqualTo(after.redriven());
  }

  @Test
  void a_second_resolution_is_refused_by_the_broker_however_late_it_comes() {
    append("o1");
    DeadLetter letter = parked("o1");
    redrive(letter);

    var second =
        new DeadLetterResolved(
            letter.sequence(), Resolution.DISCARDED, CONSUMER, "any", "too late", null);
    AppendResult result =
        get(
            process
                .streams()
                .append(Envelope.repeated(second, "late", Instant.now(), Facts.TRACE), 0));

    assertThat(result)
        .isInstanceOfSatisfying(
            AppendResult.Conflict.class,
            conflict ->
                assertThat(conflict.history().find(DeadLetterResolved.class))
                    .hasValueSatisfying(
                        first -> assertThat(first.resolution()).isEqualTo(Resolution.REDRIVEN)));
    assertThat(resolutions()).isEqualTo(1);
  }

  /** As after a crash between the two: what is to be done is stored, and it was not done. */
  @Test
  void what_was_marked_redriven_and_not_sent_is_sent_by_the_next_who_tries() {
    append("o1");
    DeadLetter letter = parked("o1");
    mend();
    wire.succeed("STREAM.DELETE." + process.stream("REDRIVES"), "");
    TestProcess.failure(desk.redrive(letter.sequence(), null, null), Duration.ofSeconds(10));
    assertThat(letter(letter.sequence()).redriven()).isTrue();

    TestProcess next = another();
    get(next.streams().consume(CONSUMER, Reactions.on(OrderCreated.class, this::reserve)));
    redrive(letter);

    eventually("it has its effect", () -> effects.contains("o1"));
    assertThat(resolutions()).isEqualTo(1);
  }

  @Test
  void what_fails_again_is_a_new_dead_letter_of_the_same_message() {
    append("o1");
    DeadLetter first = parked("o1");

    redrive(first);
    DeadLetter second =
        eventually("parked again", () -> parked("o1"), l -> l.sequence() > first.sequence());
    redrive(second);
    DeadLetter third =
        eventually("and again", () -> parked("o1"), l -> l.sequence() > second.sequence());

    assertThat(List.of(second, third))
        .allSatisfy(
            letter -> {
              assertThat(letter.message().stream()).isEqualTo(process.stream("ORDERS"));
              assertThat(letter.message().sequence()).isEqualTo(1);
              assertThat(letter.message().subject()).isEqualTo(first.message().subject());
              assertThat(letter.message().consumer()).isEqualTo(CONSUMER);
              assertThat(letter.message().payload()).isEqualTo(first.message().payload());
              assertThat(letter.message().attempts()).isEqualTo(2);
              assertThat(letter.traceId()).isEqualTo(Facts.TRACE);
            });
    assertThat(first.redriveOf()).isEmpty();
    assertThat(second.redriveOf()).contains(first.sequence());
    assertThat(third.redriveOf()).contains(second.sequence());

    mend();
    redrive(third);
    eventually("it has its effect at last", () -> effects.contains("o1"));
    assertThat(handled.getLast().sequence()).isEqualTo(1);
    assertThat(letters(OPEN)).isEmpty();
    awaitNoRedrives();
  }

  @Test
  void only_the_consumer_that_gave_it_up_gets_it() throws Exception {
    TestProcess payments =
        TestProcess.of(
            "payments", TestServer.shared().url(), process.settings().subjects().namespace());
    processes.add(payments);
    List<String> compensated = new CopyOnWriteArrayList<>();
    get(
        payments
            .streams()
            .consume(
                "payments-compensate",
                Reactions.on(
                    OrderCancelled.class,
                    delivery -> {
                      compensated.add(delivery.event().orderId());
                      return Future.succeededFuture(Outcome.DONE);
                    })));
    get(process.streams().append(cancelled("o1"), 0));
    DeadLetter letter = parked("o1");
    assertThat(letter.message().consumer()).isEqualTo(OTHER);
    eventually("the well one has it", () -> compensated.size() == 1);
    handledByOther.clear();

    redrive(letter);

    eventually("the failing one has it again", () -> handledByOther.size() == 2);
    throughout("and nobody else", Duration.ofMillis(300), () -> compensated.size() == 1);
    assertThat(handled).isEmpty();
  }

  @Test
  void what_is_no_json_comes_back_byte_by_byte_and_headers_as_they_were() {
    byte[] binary = {(byte) 0xff, 0, 1, 2};
    wire.publish(
        process.subject("orders.created.binary"),
        binary,
        "X-Told-By",
        "a test",
        "traceparent",
        "00-" + Facts.TRACE + "-00f067aa0ba902b7-01");
    DeadLetter letter = parked("binary");
    assertThat(letter.payload()).isEqualTo(binary);

    redrive(letter);
    DeadLetter second =
        eventually("parked again", () -> parked("binary"), l -> l.sequence() > letter.sequence());

    assertThat(second.payload()).isEqualTo(binary);
    assertThat(second.message().reason()).isEqualTo("undecodable");
    assertThat(second.message().headers())
        .containsEntry("X-Told-By", List.of("a test"))
        .containsEntry("traceparent", List.of("00-" + Facts.TRACE + "-00f067aa0ba902b7-01"));
    assertThat(second.traceId()).isEqualTo(Facts.TRACE);
  }

  @Test
  void a_fact_whose_place_is_trimmed_comes_back_with_the_time_it_bears() {
    append("o1");
    DeadLetter letter = parked("o1");
    mend();
    wire.succeed("STREAM.PURGE." + process.stream("ORDERS"), "");

    redrive(letter);

    eventually("it has its effect", () -> effects.contains("o1"));
    assertThat(handled.getLast().sequence()).isEqualTo(1);
    assertThat(handled.getLast().storedAt()).isEqualTo(handled.getLast().envelope().timestamp());
  }

  @Test
  void another_namespace_is_not_touched() throws Exception {
    TestProcess elsewhere = TestProcess.inNewNamespace();
    processes.add(elsewhere);
    List<String> there = new CopyOnWriteArrayList<>();
    get(
        elsewhere
            .streams()
            .consume(
                CONSUMER,
                Reactions.on(
                    OrderCreated.class,
                    delivery -> {
                      there.add(delivery.event().orderId());
                      return Future.succeededFuture(Outcome.DONE);
                    })));
    append("o1");
    DeadLetter letter = parked("o1");
    mend();
    redrive(letter);

    eventually("it has its effect", () -> effects.contains("o1"));
    throughout("not there", Duration.ofMillis(200), there::isEmpty);
    assertThat(get(elsewhere.streams().deadLetterDesk().page(1)).letters()).isEmpty();
  }

  @Test
  void a_stranger_on_the_way_back_is_parked_and_never_handled() {
    mend();
    wire.publish(
        process.subject("redrives.inventory." + CONSUMER + ".orders.created.o1"),
        new EventCodec().encode(created("o1")));

    DeadLetter letter = parked("o1");
    assertThat(letter.message().stream()).isEqualTo(process.stream("REDRIVES"));
    assertThat(letter.message().error()).contains("where this redriven message comes from");
    assertThat(handled).isEmpty();
    awaitNoRedrives();
  }

  // Left for good.

  @Test
  void a_discarded_one_is_recorded_and_nobody_can_redrive_it_any_more() throws Exception {
    append("o1");
    DeadLetter letter = parked("o1");
    mend();

    Result discarded = get(desk.discard(letter.sequence(), "a test order", "erika"));
    Result again = get(desk.discard(letter.sequence(), "another reason", "max"));
    Result redriven = get(desk.redrive(letter.sequence(), null, "max"));

    assertThat(discarded).isInstanceOf(Done.class);
    assertThat(again).isInstanceOfSatisfying(Done.class, d -> assertThat(d.before()).isTrue());
    assertThat(redriven)
        .isInstanceOfSatisfying(
            Refused.class,
            r ->
                assertThat(r.why())
                    .contains("discarded already", "by erika", "a test order")
                    .startsWith(letter.sequence() + " "));
    DeadLetter after = letter(letter.sequence());
    assertThat(after.discarded()).isTrue();
    assertThat(after.resolved().orElseThrow().fact().reason()).isEqualTo("a test order");
    assertThat(letters(OPEN)).isEmpty();
    assertThat(letters(ALL)).hasSize(1);
    throughout("nothing is sent", Duration.ofMillis(200), handled::isEmpty);
  }

  @Test
  void what_is_no_dead_letter_is_refused_with_a_sentence() {
    append("o1");
    DeadLetter letter = parked("o1");
    get(desk.discard(letter.sequence(), "no", null));
    wire.publish(process.subject("deadletters.inventory.orders.created.o2"), "no event at all");

    assertThat(get(desk.find(4711)).problem()).isEqualTo("There is no dead letter 4711");
    assertThat(get(desk.redrive(4711, null, null)))
        .isEqualTo(new Refused("There is no dead letter 4711"));
    assertThat(get(desk.discard(letter.sequence() + 1, "no", null)))
        .isInstanceOfSatisfying(
            Refused.class,
            r ->
                assertThat(r.why())
                    .contains("is not a dead letter", "deadletters.operator.resolved"));
    assertThat(get(desk.redrive(letter.sequence() + 2, null, null)))
        .isInstanceOfSatisfying(
            Refused.class, r -> assertThat(r.why()).contains("is not a dead letter"));
  }

  // Found.

  @Test
  void pages_hold_every_dead_letter_once_with_what_became_of_it() {
    for (int i = 0; i < 600; i++) {
      wire.send(process.subject("orders.created.bad-" + i), null, "not an event");
    }
    eventually("all are parked", () -> letters(ALL).size() == 600);
    List<DeadLetter> all = letters(ALL);
    all.stream().limit(300).forEach(l -> get(desk.discard(l.sequence(), "no", null)));

    assertThat(letters(ALL)).extracting(DeadLetter::sequence).doesNotHaveDuplicates().hasSize(600);
    assertThat(letters(OPEN))
        .extracting(DeadLetter::sequence)
        .containsExactlyElementsOf(all.stream().skip(300).map(DeadLetter::sequence).toList());
  }

  @Test
  void a_filter_means_what_it_says() {
    wire.publish(process.subject("orders.created.bad"), "not an event");
    append("o1");
    DeadLetter bad = parked("bad");
    DeadLetter tried = parked("o1");

    assertThat(letters(new Filter("inventory", null, null, null, null, false))).hasSize(2);
    assertThat(letters(new Filter("payments", null, null, null, null, false))).isEmpty();
    assertThat(letters(new Filter(null, CONSUMER, "undecodable", null, null, false)))
        .containsExactly(bad);
    assertThat(letters(new Filter(null, OTHER, null, null, null, false))).isEmpty();
    assertThat(letters(new Filter(null, null, null, "o1", null, false))).containsExactly(tried);
    assertThat(letters(new Filter(null, null, null, null, tried.parkedAt(), false)))
        .contains(tried);
    assertThat(letters(new Filter(null, null, null, null, Instant.now().plusSeconds(60), false)))
        .isEmpty();
  }

  // Given up by the broker.

  /** Consumers are made without a limit, and checked for that; this one is changed behind us. */
  @Test
  void what_the_broker_gives_up_by_itself_is_parked_too() {
    String config =
        wire.succeed("CONSUMER.INFO." + process.stream("ORDERS") + "." + CONSUMER, "")
            .path("config")
            .toString();
    wire.succeed(
        "CONSUMER.DURABLE.CREATE." + process.stream("ORDERS") + "." + CONSUMER,
        "{\"stream_name\":\"%s\",\"config\":%s}"
            .formatted(
                process.stream("ORDERS"),
                config.replaceAll("\"max_deliver\":-?\\d+", "\"max_deliver\":1")));
    append("o1");

    DeadLetter letter = parked("o1");

    assertThat(letter.message().reason()).isEqualTo("max_deliveries");
    assertThat(letter.message().error()).contains("the shelf is locked");
    assertThat(letter.message().sequence()).isEqualTo(1);
    assertThat(letter.message().headers()).doesNotContainKeys("Nats-Stream", "Nats-Time-Stamp");
    assertThat(get(process.streams().inspect()).problems())
        .anyMatch(p -> p.contains(CONSUMER) && p.contains("max_deliver 1, needed is -1"));
    mend();
    redrive(letter);
    eventually("it has its effect", () -> effects.contains("o1"));
  }

  // Below: words for the above.

  private void mend() {
    broken = false;
    handled.clear();
  }

  private void append(String orderId) {
    get(process.streams().append(created(orderId), 0));
  }

  private void redrive(DeadLetter letter) {
    assertThat(get(desk.redrive(letter.sequence(), null, null))).isInstanceOf(Done.class);
  }

  private TestProcess another() {
    TestProcess another =
        TestProcess.on(TestServer.shared().url(), process.settings().subjects().namespace());
    processes.add(another);
    return another;
  }

  private Future<RawMessage> stored(String stream, long sequence) {
    return process
        .streams()
        .reader()
        .read(process.stream(stream), sequence, 1, 1 << 20)
        .map(List::getFirst);
  }

  private List<DeadLetter> letters(Filter filter) {
    List<DeadLetter> all = new ArrayList<>();
    for (long next = 1; next > 0; ) {
      DeadLetterDesk.Page page = get(desk.page(next));
      page.letters().stream().filter(filter::matches).forEach(all::add);
      next = page.next();
    }
    return all;
  }

  private DeadLetter letter(long sequence) {
    return get(desk.find(sequence)).letter().orElseThrow();
  }

  /** The newest dead letter about it, waited for. */
  private DeadLetter parked(String aggregateId) {
    Filter about = new Filter(null, null, null, aggregateId, null, true);
    return eventually(aggregateId + " is parked", () -> letters(about), l -> !l.isEmpty())
        .getLast();
  }

  private long resolutions() {
    return get(
            process
                .streams()
                .reader()
                .read(process.stream(Domain.DEADLETTERS.stream()), 1, 1_000, 1 << 20))
        .stream()
        .filter(m -> new String(m.body(), StandardCharsets.UTF_8).contains("DeadLetterResolved"))
        .count();
  }

  private void awaitNoRedrives() {
    eventually(
        "nothing is on its way back",
        () -> get(process.streams().reader().consumer(process.stream("REDRIVES"), REDRIVEN)),
        RedriveTest::settled);
    eventually(
        "and nothing is kept",
        () -> get(process.streams().reader().state(process.stream("REDRIVES"))).messages() == 0);
  }

  private static boolean settled(ConsumerState state) {
    return state.pending() == 0 && state.unacknowledged() == 0;
  }
}
