package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.RawPublisher.bytes;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.EventCodec;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.runtime.support.RawPublisher;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: no bytes that somebody sends as a subject or as headers end a service's connection, and
 * what bears them is parked and can be read. Method: a publisher without a client library, and a
 * consumer and a reader on the same broker.
 */
class ForeignBytesTest {

  private static final String CONSUMER = "inventory-reserve";
  private static final byte[] BODY = "no fact".getBytes(StandardCharsets.UTF_8);
  private static final byte[] NO_HEADERS = bytes("NATS/1.0\r\n\r\n");

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final Map<Long, String> subjects = new LinkedHashMap<>();
  private final TestProcess process = TestProcess.inNewNamespace("WORKERS", "8");
  private RawPublisher raw;

  @BeforeEach
  void start() {
    raw = RawPublisher.to(TestServer.shared().url());
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
                    })));
  }

  @AfterEach
  void stop() {
    raw.close();
    process.close();
  }

  @Test
  void no_headers_stop_a_consumer_or_a_reader_and_what_bears_them_is_parked() {
    List<String> blocks =
        List.of(
            "NATS/1.0\r\nName: M\u00c3\u00b6ller\r\n\r\n",
            "NATS/1.0\r\nN\u00f6me: a\r\n\r\n",
            "NATS/1.0\r\nno colon\r\n\r\n",
            "NATS/1.0\r\n: no name\r\n\r\n",
            "NATZ/9.9\r\nA: b\r\n\r\n",
            "NATS/1.0 404 No Messages\r\n\r\n",
            "NATS/1.0 204 EOB\r\nA: b\r\n\r\n",
            "NATS/1.0 what is this\r\n\r\n",
            "NATS/1.0\r\nA: b\r\n\r\nNats-Sequence: 1\r\n\r\n",
            "NATS/1.0\r\nA: b\nC: d\r\n\r\n",
            "NATS/1.0\r\nA\u0001: \u0000\r\n\r\n",
            "NATS/1.0\r\nA: b",
            "NATS/1.0\r\n",
            "NATS/1.0",
            "x",
            "",
            "NATS/1.0\r\nA: " + "\u00ff".repeat(60_000) + "\r\n\r\n",
            "NATS/1.0\r\nNats-Subject: orders.created.o1\r\nNats-Sequence: \u00e9\r\n\r\n");
    for (String block : blocks) {
      publish("orders.created.h" + subjects.size(), bytes(block));
    }

    everythingIsParkedAndRead();
    assertThat(process.broker().headersMended()).isPositive();
    MessageDeadLettered first = letters().getFirst();
    assertThat(first.headers()).containsEntry("Name", List.of("M%C3%B6ller"));
  }

  @Test
  void no_subject_stops_a_consumer_or_a_reader_and_what_stands_there_is_parked() {
    for (String id :
        List.of(
            "b\u00f6se",
            "\u20ac\ud83d\udca3",
            "a\"b\\c",
            "a\u0001\u0000",
            "a\u007f",
            "*",
            "a%C3",
            "x".repeat(1_000),
            "x".repeat(3_900))) {
      publish("orders.created." + id, NO_HEADERS);
    }
    long broken =
        raw.publish(bytes(process.subject("orders.created.a\u00ff\u00fe")), NO_HEADERS, BODY);
    subjects.put(broken, process.subject("orders.created.a\ufffd\ufffd"));

    everythingIsParkedAndRead();
  }

  @Test
  void a_message_that_grows_when_it_is_quoted_is_parked_all_the_same() {
    int most = 256 * 1024;
    String controls = "NATS/1.0\r\nA: " + "\u0001".repeat(60_000) + "\r\n\r\n";
    String bare = "NATS/1.0\r\n" + "a\n".repeat(30_000) + "\r\n\r\n";
    String quotes = "NATS/1.0\r\nA: " + "\"".repeat(60_000) + "\r\n\r\n";
    String names = "NATS/1.0\r\n" + "\u0001:\r\n".repeat(15_000) + "\r\n";
    String longName = "NATS/1.0\r\n" + "n".repeat(60_000) + ": a\r\nShort: b\r\n\r\n";
    for (String block : List.of(controls, bare, quotes, names, longName)) {
      byte[] headers = bytes(block);
      byte[] body = bytes("{" + "\"".repeat(most - headers.length - 1));
      raw.publish(bytes(process.subject("orders.created.big")), headers, body);
      raw.publish(
          bytes(process.subject("orders.created.raw")), headers, new byte[most - headers.length]);
    }

    eventually("all are settled", this::consumer, state -> state.ackFloor() == 10);
    List<MessageDeadLettered> letters = letters();
    assertThat(letters).extracting(MessageDeadLettered::sequence).hasSize(10);
    assertThat(letters)
        .filteredOn(letter -> letter.shortenedFrom() != null)
        .isNotEmpty()
        .allSatisfy(letter -> assertThat(letter.payloadBase64()).isNotEmpty());
    assertThat(letters.getLast().headers()).containsEntry("Short", List.of("b"));
    assertThat(letters.getLast().shortenedFrom()).isNotNull();
  }

  @Test
  void a_message_of_the_brokers_limit_is_parked_in_part() {
    byte[] headers = bytes("NATS/1.0\r\nA: " + "\"".repeat(60_000) + "\r\nB: b\r\n\r\n");
    byte[] body = new byte[(1 << 20) - headers.length];
    raw.publish(
        bytes(process.subject("redrives.inventory." + CONSUMER + ".orders.created.o1")),
        headers,
        body);

    List<MessageDeadLettered> letters =
        eventually("it is parked", this::letters, all -> !all.isEmpty());
    assertThat(letters.getFirst().shortenedFrom()).isEqualTo(body.length);
    assertThat(letters.getFirst().headers()).containsOnlyKeys("B");
    DeadLetterDesk.Result result = get(process.streams().deadLetterDesk().redrive(1, null, null));
    assertThat(result).isInstanceOf(DeadLetterDesk.Result.Refused.class);
  }

  private ConsumerState consumer() {
    return get(process.streams().reader().consumer(process.stream("ORDERS"), CONSUMER));
  }

  @Test
  void a_history_is_read_past_a_subject_that_is_none_of_ours() {
    for (String fact : List.of("cre\"ated", "cr\u00f6ated", "a\\", "a\u0001")) {
      publish("orders." + fact + ".o1", NO_HEADERS);
    }

    History history = get(process.streams().load(Domain.ORDERS, "o1"));

    assertThat(history.events()).isEmpty();
    assertThat(history.lastSequence()).isEqualTo(4);
    assertThat(get(process.streams().append(created("o1"), 4)))
        .isInstanceOf(AppendResult.Appended.class);
  }

  private void publish(String subject, byte[] headers) {
    String full = process.subject(subject);
    subjects.put(raw.publish(full.getBytes(StandardCharsets.UTF_8), headers, BODY), full);
  }

  private void everythingIsParkedAndRead() {
    get(process.streams().append(created("sound"), 0));
    long last = subjects.size() + 1L;
    eventually(
        "all is settled",
        this::consumer,
        state -> state.ackFloor() == last && state.unacknowledged() == 0);
    assertThat(seen).containsExactly("sound");
    assertThat(process.broker().connections()).as("connected once, and ever since").isEqualTo(1);

    Map<Long, String> parked = new LinkedHashMap<>();
    letters().forEach(letter -> parked.put(letter.sequence(), letter.subject()));
    assertThat(parked).containsExactlyInAnyOrderEntriesOf(subjects);

    List<RawMessage> read =
        get(process.streams().reader().read(process.stream("ORDERS"), 1, 100, 4 << 20));
    assertThat(read).hasSize((int) last);
    for (RawMessage message : read.subList(0, subjects.size())) {
      assertThat(message.stream()).isEqualTo(process.stream("ORDERS"));
      assertThat(message.subject()).isEqualTo(subjects.get(message.sequence()));
      assertThat(message.body()).isEqualTo(BODY);
    }
    // As the ledger asks, one by one, and each alone.
    for (long sequence = 1; sequence <= last; sequence++) {
      assertThat(
              get(process.streams().reader().read(process.stream("ORDERS"), sequence, 1, 1 << 20)))
          .extracting(RawMessage::sequence)
          .containsExactly(sequence);
    }
  }

  private List<MessageDeadLettered> letters() {
    List<MessageDeadLettered> letters = new ArrayList<>();
    long next = 1;
    while (true) {
      List<RawMessage> page =
          get(process.streams().reader().read(process.stream("DEADLETTERS"), next, 100, 1 << 20));
      if (page.isEmpty()) {
        return letters;
      }
      page.forEach(message -> letters.add(letter(message)));
      next = page.getLast().sequence() + 1;
    }
  }

  private static MessageDeadLettered letter(RawMessage message) {
    try {
      return (MessageDeadLettered) new EventCodec().decode(message.body()).event();
    } catch (UndecodableEventException e) {
      throw new AssertionError(e);
    }
  }
}
