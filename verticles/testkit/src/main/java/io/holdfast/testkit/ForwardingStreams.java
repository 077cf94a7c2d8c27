package io.holdfast.testkit;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Streams that do what others do; a test overrides what it wants otherwise. */
public class ForwardingStreams implements EventStreams {

  private final EventStreams streams;

  public ForwardingStreams(EventStreams streams) {
    this.streams = streams;
  }

  @Override
  public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
    return streams.append(fact, expectedSequence);
  }

  @Override
  public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
    return streams.appendTogether(facts);
  }

  @Override
  public Future<History> load(Domain domain, String aggregateId) {
    return streams.load(domain, aggregateId);
  }

  @Override
  public Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    return streams.loadAll(domain, aggregateIds);
  }

  @Override
  public Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds) {
    return streams.loadEach(domain, aggregateIds);
  }

  @Override
  public Future<List<String>> aggregates(EventType type, int offset) {
    return streams.aggregates(type, offset);
  }

  @Override
  public Watch watch(Domain domain, String aggregateId, Runnable onSign) {
    return streams.watch(domain, aggregateId, onSign);
  }

  @Override
  public Optional<String> noRoom() {
    return streams.noRoom();
  }

  @Override
  public Future<Void> consume(String consumer, Reactions reactions) {
    return streams.consume(consumer, reactions);
  }
}
