package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.Ids;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.telemetry.Traceparent;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsJetStreamMetaData;
import io.vertx.core.Future;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Parks messages that a consumer gave up, with all that is needed to understand them and to send
 * them back.
 */
final class DeadLetters {

  private static final int MAX_ERROR_LENGTH = 2_000;

  private final JetStreamEvents events;
  private final Subjects subjects;
  private final EventCodec codec;
  private final String group;

  DeadLetters(JetStreamEvents events, Subjects subjects, EventCodec codec, String group) {
    this.events = events;
    this.subjects = subjects;
    this.codec = codec;
    this.group = group;
  }

  /**
   * Completes when the dead letter is stored. A crash between that and the settlement of the
   * original parks it twice; the other order would lose it.
   */
  Future<Void> park(String consumer, Message message, Failures failures, String reason) {
    NatsJetStreamMetaData metaData = message.metaData();
    String aggregateId = Subjects.lastToken(message.getSubject());
    String text = jsonText(message.getData());
    MessageDeadLettered fact =
        new MessageDeadLettered(
            Ids.valid(aggregateId) ? aggregateId : "unknown",
            consumer,
            metaData.getStream(),
            metaData.streamSequence(),
            message.getSubject(),
            reason,
            failures.summary(MAX_ERROR_LENGTH),
            failures.count(),
            failures.firstAt(),
            failures.lastAt(),
            headers(message.getHeaders()),
            text,
            text == null ? Base64.getEncoder().encodeToString(message.getData()) : null);
    // The id names the failed delivery, not the aggregate, which may have several.
    String id =
        "dead-letter-" + consumer + "-" + metaData.getStream() + "-" + metaData.streamSequence();
    Envelope<MessageDeadLettered> envelope =
        new Envelope<>(id, fact, Instant.now(), traceId(message), Envelope.VERSION);
    return events.park(subjects.deadLetter(group, message.getSubject()), envelope);
  }

  private String traceId(Message message) {
    try {
      return codec.decode(message.getData()).traceId();
    } catch (UndecodableEventException notOurs) {
      String header =
          message.hasHeaders() ? message.getHeaders().getFirst(Traceparent.HEADER) : null;
      return Traceparent.traceId(header).orElseGet(Traceparent::newTraceId);
    }
  }

  private static Map<String, List<String>> headers(Headers headers) {
    Map<String, List<String>> all = new TreeMap<>();
    if (headers != null) {
      headers.forEach((name, values) -> all.put(name, List.copyOf(values)));
    }
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
