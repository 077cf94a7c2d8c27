package io.holdfast.runtime.jetstream;

import io.nats.client.impl.Headers;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** A message as it stands in its stream, not looked into. */
public final class RawMessage {

  /** The names of the headers that a message has only as an answer to who asked for it. */
  static final Set<String> BROKERS =
      Set.of(
          "Nats-Stream",
          "Nats-Sequence",
          "Nats-Subject",
          "Nats-Time-Stamp",
          "Nats-Last-Sequence",
          "Nats-Num-Pending",
          "Nats-UpTo-Sequence");

  private final String stream;
  private final long sequence;
  private final String subject;
  private final Instant storedAt;
  private final Headers headers;
  private final byte[] body;

  RawMessage(
      String stream,
      long sequence,
      String subject,
      Instant storedAt,
      Headers headers,
      byte[] body) {
    this.stream = stream;
    this.sequence = sequence;
    this.subject = subject;
    this.storedAt = storedAt;
    this.headers = headers;
    this.body = body == null ? new byte[0] : body;
  }

  /** The stream's full name, with its namespace. */
  public String stream() {
    return stream;
  }

  public long sequence() {
    return sequence;
  }

  /** The full subject, with its namespace. */
  public String subject() {
    return subject;
  }

  /** The broker's time. */
  public Instant storedAt() {
    return storedAt;
  }

  /** The header's first value. */
  public Optional<String> header(String name) {
    return headers == null ? Optional.empty() : Optional.ofNullable(headers.getFirst(name));
  }

  /** All headers, the broker's own among them; null if there are none. */
  Headers headers() {
    return headers;
  }

  /** The stored bytes; not copied, not to be changed. */
  public byte[] body() {
    return body;
  }
}
