package io.holdfast.orders;

import io.holdfast.events.Domain;
import io.holdfast.events.Event;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.testkit.ForwardingStreams;
import io.vertx.core.Future;
import java.util.List;

/**
 * Real streams of which some reads are answered by a replica that is behind: it does not have a
 * fact, nor what came after it. Appends know everything, as only the stream's leader decides them.
 */
final class StaleReads extends ForwardingStreams {

  private Class<? extends Event> missing;
  private int left;

  StaleReads(EventStreams streams) {
    super(streams);
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
      return super.load(domain, aggregateId);
    }
    left--;
    return super.load(domain, aggregateId).map(this::behind);
  }

  private History behind(History history) {
    List<Stored> seen =
        history.events().stream()
            .takeWhile(fact -> !missing.isInstance(fact.envelope().event()))
            .toList();
    return new History(seen, seen.isEmpty() ? 0 : seen.getLast().sequence());
  }
}
