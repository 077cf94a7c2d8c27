package io.holdfast.runtime.jetstream;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.telemetry.Traceparent;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsJetStreamMetaData;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * Where a message comes from, as its handler and its dead letter are to see it. For a redriven one
 * that is where it was when its consumer gave it up.
 *
 * @param stream full name
 * @param sequence in that stream
 * @param subject full subject
 * @param storedAt when the broker stored it there; null if that is not known any more
 * @param deliveries how often it was delivered, this time included; a redriven one was before
 * @param redrive what tells one redrive of the message from another; 0 if it is none
 */
record Provenance(
    String stream, long sequence, String subject, Instant storedAt, long deliveries, long redrive) {

  // What a redriven message bears of its first life.
  static final String PREFIX = "Redrive-";
  static final String DEAD_LETTER = PREFIX + "Dead-Letter";
  static final String STREAM = PREFIX + "Stream";
  static final String SEQUENCE = PREFIX + "Sequence";
  static final String TIME = PREFIX + "Time";

  /** Of a message as it is delivered. */
  static Provenance of(Message message, ConsumerSpec spec, Subjects subjects) {
    NatsJetStreamMetaData metaData = message.metaData();
    return of(
        new Provenance(
            metaData.getStream(),
            metaData.streamSequence(),
            message.getSubject(),
            metaData.timestamp().toInstant(),
            metaData.deliveredCount(),
            0),
        message.getHeaders(),
        spec,
        subjects);
  }

  /**
   * The original's, if the message is a redriven one that bears it.
   *
   * @param delivered where the broker has it from
   */
  static Provenance of(
      Provenance delivered, Headers headers, ConsumerSpec spec, Subjects subjects) {
    if (!spec.redrives() || headers == null) {
      return delivered;
    }
    String address = subjects.redrive(spec.group(), spec.original(), "");
    if (!delivered.subject().startsWith(address)) {
      return delivered;
    }
    try {
      String stream = headers.getFirst(STREAM);
      long sequence = Long.parseLong(headers.getFirst(SEQUENCE));
      String time = headers.getFirst(TIME);
      return stream == null
          ? delivered
          : new Provenance(
              stream,
              sequence,
              subjects.subject(delivered.subject().substring(address.length())),
              time == null ? null : Instant.parse(time),
              delivered.deliveries() + 1,
              delivered.sequence());
    } catch (NumberFormatException | DateTimeException notOurs) {
      return delivered;
    }
  }

  /** The header by which a message names the work that it comes of; null if it has none. */
  static String traceparent(Message message) {
    return message.hasHeaders() ? message.getHeaders().getFirst(Traceparent.HEADER) : null;
  }

  boolean redriven() {
    return redrive > 0;
  }
}
