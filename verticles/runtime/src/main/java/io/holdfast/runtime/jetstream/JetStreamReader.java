package io.holdfast.runtime.jetstream;

import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@link StreamReader} over JetStream: messages by direct get, figures from the leaders. What it
 * promises, and on which threads, stands there.
 */
final class JetStreamReader implements StreamReader {

  private static final String EXPECTED_STREAM_SEQUENCE = "Nats-Expected-Last-Sequence";

  private final Broker broker;
  private final DirectGet messages;
  private final JetStreamApi api;

  JetStreamReader(Broker broker, DirectGet messages, JetStreamApi api) {
    this.broker = broker;
    this.messages = messages;
    this.api = api;
  }

  @Override
  public Future<List<RawMessage>> read(
      String stream, long fromSequence, int maxMessages, int maxBytes) {
    return messages.read(stream, fromSequence, maxMessages, maxBytes);
  }

  @Override
  public Future<Optional<RawMessage>> last(String stream, String subject) {
    return messages.last(stream, subject);
  }

  @Override
  public Future<Optional<Long>> appendNext(
      String subject, Map<String, String> headers, byte[] body, long expectedLastSequence) {
    Headers all = new Headers().put(EXPECTED_STREAM_SEQUENCE, Long.toString(expectedLastSequence));
    headers.forEach(all::put);
    return broker
        .store(subject, all, body)
        .map(ack -> ack.contested() ? Optional.empty() : Optional.of(ack.orThrow().sequence()));
  }

  @Override
  public Future<Void> schedule(
      String subject,
      String target,
      Instant at,
      Duration kept,
      Map<String, String> headers,
      byte[] body) {
    Headers all =
        new Headers()
            .put("Nats-Schedule", "@at " + at)
            .put("Nats-Schedule-Target", target)
            .put("Nats-Schedule-TTL", kept.toSeconds() + "s");
    headers.forEach(all::put);
    return broker.store(subject, all, body).map(PubAck::orThrow).mapEmpty();
  }

  @Override
  public Future<StreamState> state(String stream) {
    return api.state(stream);
  }

  @Override
  public long connections() {
    return broker.connections();
  }

  @Override
  public Future<Instant> consumerCreatedAt(String stream, String name) {
    return api.consumerCreatedAt(stream, name);
  }

  @Override
  public Future<ConsumerState> consumer(String stream, String name) {
    return api.consumer(stream, name);
  }
}
