package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.Ids;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.telemetry.Traceparent;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Parks messages that a consumer gave up, with all that is needed to understand them and to send
 * them back.
 */
final class DeadLetters {

  /** The reason if it was the broker that gave a message up. */
  static final String MAX_DELIVERIES = "max_deliveries";

  private static final int MAX_ERROR_LENGTH = 2_000;

  /** What the broker takes is 1 MiB, its own headers and ours included. */
  private static final int MAX_BYTES = 1_000_000;

  /** Of a message that does not fit, quoted as Base64 it does; six times its length at the most. */
  private static final int PART = 400_000;

  private static final int PART_OF_HEADERS = 16_000;
  private static final int MAX_NAME = 8_000;

  private final Appends appends;
  private final Histories histories;
  private final Subjects subjects;
  private final EventCodec codec;
  private final String group;

  DeadLetters(
      Appends appends, Histories histories, Subjects subjects, EventCodec codec, String group) {
    this.appends = appends;
    this.histories = histories;
    this.subjects = subjects;
    this.codec = codec;
    this.group = group;
  }

  /**
   * Completes when the dead letter is stored. A crash between that and the settlement of the
   * original parks it twice; the other order would lose it.
   */
  Future<Void> park(
      String consumer,
      Provenance from,
      Headers headers,
      byte[] body,
      Failures failures,
      String reason) {
    String text = jsonText(body);
    String base64 = text == null ? Base64.getEncoder().encodeToString(body) : null;
    MessageDeadLettered whole =
        quoting(consumer, from, failures, reason, all(headers), text, base64, null);
    // The id names the failed delivery, not the aggregate, which may have several.
    String id =
        "dead-letter-"
            + consumer
            + "-"
            + from.stream()
            + "-"
            + from.sequence()
            + (from.redriven() ? "-redriven-" + from.redrive() : "");
    Envelope<MessageDeadLettered> letter =
        new Envelope<>(id, whole, Instant.now(), traceId(headers, body), Envelope.VERSION);
    String subject = subjects.deadLetter(group, from.subject());
    byte[] bytes = codec.encode(letter);
    if (bytes.length <= MAX_BYTES && readable(whole.headers())) {
      return appends.park(subject, letter, bytes);
    }
    MessageDeadLettered part =
        quoting(
            consumer,
            from,
            failures,
            reason,
            some(whole.headers()),
            null,
            Base64.getEncoder().encodeToString(Arrays.copyOf(body, Math.min(body.length, PART))),
            body.length);
    Envelope<MessageDeadLettered> shortened =
        new Envelope<>(id, part, letter.timestamp(), letter.traceId(), Envelope.VERSION);
    return appends.park(subject, shortened, codec.encode(shortened));
  }

  private static MessageDeadLettered quoting(
      String consumer,
      Provenance from,
      Failures failures,
      String reason,
      Map<String, List<String>> headers,
      String text,
      String base64,
      Integer shortenedFrom) {
    String aggregateId = Subjects.lastToken(from.subject());
    return new MessageDeadLettered(
        Ids.valid(aggregateId) ? aggregateId : "unknown",
        consumer,
        from.stream(),
        from.sequence(),
        from.subject(),
        reason,
        failures.summary(MAX_ERROR_LENGTH),
        failures.count(),
        failures.firstAt(),
        failures.lastAt(),
        headers,
        text,
        base64,
        shortenedFrom);
  }

  /** A parser takes a name of so many characters at most, and would not read the letter. */
  private static boolean readable(Map<String, List<String>> headers) {
    return headers.keySet().stream().allMatch(name -> name.length() <= MAX_NAME);
  }

  /** Those that are short, as far as they are not too many. */
  private static Map<String, List<String>> some(Map<String, List<String>> headers) {
    Map<String, List<String>> some = new TreeMap<>();
    int room = PART_OF_HEADERS;
    for (Map.Entry<String, List<String>> header : headers.entrySet()) {
      int length =
          header.getKey().length()
              + header.getValue().stream().mapToInt(value -> value.length() + 1).sum();
      if (length <= MAX_NAME && length <= room) {
        room -= length;
        some.put(header.getKey(), header.getValue());
      }
    }
    return some;
  }

  /** As {@link #park}, for a message that is not delivered any more. */
  Future<Void> parkStored(ConsumerSpec spec, long sequence, long deliveries, Failures failures) {
    return histories
        .at(subjects.stream(spec.stream()), sequence)
        .compose(
            found -> {
              if (found.isEmpty()) {
                return Future.succeededFuture(); // somebody has taken it away
              }
              RawMessage message = found.get();
              Provenance from =
                  new Provenance(
                      message.stream(),
                      sequence,
                      message.subject(),
                      message.storedAt(),
                      deliveries,
                      0);
              return park(
                  spec.original(),
                  Provenance.of(from, message.headers(), spec, subjects),
                  message.headers(),
                  message.body(),
                  failures,
                  MAX_DELIVERIES);
            });
  }

  private String traceId(Headers headers, byte[] body) {
    try {
      return codec.decode(body).traceId();
    } catch (UndecodableEventException notOurs) {
      String header = headers == null ? null : headers.getFirst(Traceparent.HEADER);
      return Traceparent.traceId(header).orElseGet(Traceparent::newTraceId);
    }
  }

  /** Those that the broker adds to what it is asked for were never the message's own. */
  private static Map<String, List<String>> all(Headers headers) {
    Map<String, List<String>> all = new TreeMap<>();
    if (headers != null) {
      headers.forEach((name, values) -> all.put(name, List.copyOf(values)));
    }
    all.keySet().removeAll(RawMessage.BROKERS);
    return all;
  }

  /** The body as text if it looks like JSON and quoting it costs little, else null. */
  private static String jsonText(byte[] body) {
    if (body == null || body.length == 0 || (body[0] != '{' && body[0] != '[')) {
      return null;
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
      return text.chars().allMatch(c -> c >= ' ') ? text : null;
    } catch (CharacterCodingException notText) {
      return null;
    }
  }
}
