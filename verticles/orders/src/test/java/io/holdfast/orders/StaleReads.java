package io.holdfast.orders;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;

/**
 * Real streams of which some reads are answered by a replica that is behind: it does not have a
 * fact, nor what came after it. Appends know everything, as only the stream's leader decides them.
 */
final class StaleReads implements EventStreams {

  private final EventStreams streams;
  private Class<? extends Event> missing;
  private int left;

  StaleReads(EventStreams streams) {
    this.streams = streams;
  }

  /** The next so many reads end before the first fact of this type. */
  void without(Class<? extends Event> type, int reads) {
    missing = type;
    left = reads;
  }

  /** Whether as many reads were made as there were to be stale ones. */
  boolean allAsked() {
    return left == 0;
  }

  @Override
  public Future<History> load(Domain domain, String aggregateId) {
    if (left == 0) {
      return streams.load(domain, aggregateId);
    }
    left--;
    return streams.load(domain, aggregateId).map(this::behind);
  }

  private History behind(History history) {
    List<Stored> seen =
        history.events().stream()
            .takeWhile(fact -> !missing.isInstance(fact.envelope().event()))
            .toList();
    return new History(seen, seen.isEmpty() ? 0 : seen.getLast().sequence());
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
  public Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    return streams.loadAll(domain, aggregateIds);
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
  public Future<Void> consume(String consumer, Reactions reactions) {
    return streams.consume(consumer, reactions);
  }
}
