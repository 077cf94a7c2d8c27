package io.holdfast.events;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A consumer gave a message up and parked it; stream DEADLETTERS, subject {@code
 * deadletters.<service>.<original subject>}. Holds all that is needed to understand the message and
 * to send it back.
 *
 * @param aggregateId the last token of the original subject, or {@code unknown} if that is no id
 * @param consumer the durable consumer that failed it
 * @param stream the stream it came from, with its namespace
 * @param sequence its sequence in that stream
 * @param subject its subject, with its namespace
 * @param reason a short stable word: {@code undecodable}, {@code unknown_type}, {@code
 *     unsupported_version}, {@code invalid}, {@code rejected}, {@code attempts_exhausted} or {@code
 *     max_deliveries}
 * @param error the failure's summary, for a person
 * @param attempts how often a handler reported a failure
 * @param headers the message's headers
 * @param payload the message's bytes if they are JSON text, else null
 * @param payloadBase64 the message's bytes if they are not, else null
 * @param shortenedFrom how many bytes the message had, if it is quoted in part only because the
 *     whole would not fit into one message: of the bytes the beginning, of the headers some; null
 *     if all is there
 */
public record MessageDeadLettered(
    String aggregateId,
    String consumer,
    String stream,
    long sequence,
    String subject,
    String reason,
    String error,
    int attempts,
    Instant firstFailedAt,
    Instant lastFailedAt,
    Map<String, List<String>> headers,
    String payload,
    String payloadBase64,
    Integer shortenedFrom)
    implements Event {

  /** Of a message that is quoted as a whole. */
  public MessageDeadLettered(
      String aggregateId,
      String consumer,
      String stream,
      long sequence,
      String subject,
      String reason,
      String error,
      int attempts,
      Instant firstFailedAt,
      Instant lastFailedAt,
      Map<String, List<String>> headers,
      String payload,
      String payloadBase64) {
    this(
        aggregateId,
        consumer,
        stream,
        sequence,
        subject,
        reason,
        error,
        attempts,
        firstFailedAt,
        lastFailedAt,
        headers,
        payload,
        payloadBase64,
        null);
  }

  public MessageDeadLettered {
    Ids.check("aggregate_id", aggregateId);
    Objects.requireNonNull(consumer, "consumer");
    Objects.requireNonNull(stream, "stream");
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(reason, "reason");
    headers = headers == null ? Map.of() : copyOf(headers);
  }

  /** In their order, so that the same dead letter is always the same bytes. */
  private static Map<String, List<String>> copyOf(Map<String, List<String>> headers) {
    Map<String, List<String>> copy = new LinkedHashMap<>();
    headers.forEach((name, values) -> copy.put(name, List.copyOf(values)));
    return Collections.unmodifiableMap(copy);
  }
}
