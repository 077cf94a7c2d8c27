package io.holdfast.runtime.jetstream;

import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads streams as they are, message by message in order, without a consumer: the reader's own
 * position is all the state there is. For the ledger and for checks. Stream names and subjects are
 * full ones, with the namespace.
 *
 * <p>Methods may be called on an event loop and never block; a failed future carries a {@link
 * BrokerException}.
 */
public interface StreamReader {

  /**
   * The next messages of a stream.
   *
   * @param fromSequence of the first one wanted; what is missing there is passed over, so look at
   *     the sequences
   * @param maxMessages at most 1,000
   * @param maxBytes a soft limit; at least one message is returned if there is one
   * @return in stream order; empty if there is none from there on
   */
  Future<List<RawMessage>> read(String stream, long fromSequence, int maxMessages, int maxBytes);

  /** The last message of a subject. */
  Future<Optional<RawMessage>> last(String stream, String subject);

  /**
   * Stores a message as the stream's next, provided the stream has gained none.
   *
   * @param expectedLastSequence the whole stream's
   * @return its sequence, or empty if somebody else was first
   */
  Future<Optional<Long>> appendNext(
      String subject, Map<String, String> headers, byte[] body, long expectedLastSequence);

  /** First and last sequence of a stream, and how many messages it holds. */
  Future<StreamState> state(String stream);

  /**
   * Has the broker publish a message later, once. A second one for the same subject takes the first
   * one's place. It may come late, and not at all if the stream is full: a nudge, never the only
   * timer.
   *
   * @param subject where it waits, one of stream TIMERS
   * @param target the subject that it is published to, one of stream TIMERS too
   * @param kept how long it is kept there
   * @param headers others that it shall have, here and there
   */
  Future<Void> schedule(
      String subject,
      String target,
      Instant at,
      Duration kept,
      Map<String, String> headers,
      byte[] body);

  /** How often the broker was connected to; as long as it stays the same, it was not away. */
  long connections();

  /** When a durable consumer was made: what it says of deliveries begins there. */
  Future<Instant> consumerCreatedAt(String stream, String name);

  /** How far a durable consumer of a stream is. */
  Future<ConsumerState> consumer(String stream, String name);

  /**
   * How far a durable consumer is.
   *
   * @param pending messages not yet delivered
   * @param unacknowledged messages delivered and not settled
   * @param redelivered of these, those delivered more than once
   * @param ackFloor stream sequence up to which everything is settled
   * @param delivered stream sequence of the last message that was delivered
   */
  record ConsumerState(
      long pending, long unacknowledged, long redelivered, long ackFloor, long delivered) {}

  /** What a stream holds; {@code lastSequence} 0 if nothing was ever stored. */
  record StreamState(long firstSequence, long lastSequence, long messages) {}
}
