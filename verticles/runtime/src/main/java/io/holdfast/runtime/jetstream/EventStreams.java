package io.holdfast.runtime.jetstream;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.vertx.core.Future;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The streams of facts, in our words: append under a guard, load, consume.
 *
 * <p>Methods may be called on an event loop and never block; futures complete on the caller's
 * Vert.x context. A failed future carries a {@link BrokerException}.
 */
public interface EventStreams {

  /**
   * Stores a fact, provided its aggregate has gained none since it was loaded. There is no time
   * window: however late it comes, a second fact in the same place is refused.
   *
   * @param expectedSequence stream sequence of the aggregate's last message when it was loaded; 0
   *     if it had none
   * @return {@code Appended} or {@code Conflict}. Fails with {@link BrokerException} if the broker
   *     could not be asked or gave no answer within 5 s and nothing of ours is found: the fact may
   *     be stored or not, and appending it again is safe
   * @see <a
   *     href="https://docs.nats.io/nats-concepts/jetstream/headers">Nats-Expected-Last-Subject-Sequence-Subject</a>
   */
  Future<AppendResult> append(Envelope<?> fact, long expectedSequence);

  /**
   * Stores several facts of one stream, all or none. Guards are checked against the stream before
   * the batch, not between its members: at most one fact per aggregate.
   *
   * @param facts 1 to {@value #MAX_BATCH}
   * @return the stream sequence of the first one, the others following it without gap; or empty if
   *     the broker refused: at least one aggregate has gained a message, perhaps by an earlier
   *     attempt of ours. Fails with {@link BrokerException} if it is unknown whether the batch was
   *     stored
   */
  Future<Optional<Long>> appendTogether(List<Guarded> facts);

  /** The most facts that one batch can hold. */
  int MAX_BATCH = 1_000;

  /** All facts about one aggregate, in one request. */
  Future<History> load(Domain domain, String aggregateId);

  /**
   * The last fact about each of several aggregates of one domain, for which at most one type of
   * fact exists or counts.
   *
   * @param aggregateIds at most {@value #MAX_BATCH}
   * @return in stream order, only those that exist
   */
  Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds);

  /**
   * What each of several aggregates of one domain has, as {@link #load} tells it of one, but from
   * whichever replica answers: one that is behind may tell less.
   *
   * @param aggregateIds at most {@value #MAX_BATCH}
   * @return by id, only those that have anything
   */
  Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds);

  /**
   * Ids of the aggregates that have a fact of this type, some thousands at a time.
   *
   * @param offset how many to pass over
   * @return empty if there are no more
   */
  Future<List<String>> aggregates(EventType type, int offset);

  /**
   * Calls back whenever somebody publishes about this aggregate. A sign to look, not a promise:
   * what was published may be refused, or not be stored yet, and a sign may be lost with the
   * connection. So look now and then anyway.
   *
   * @param onSign runs on the caller's Vert.x context
   */
  Watch watch(Domain domain, String aggregateId, Runnable onSign);

  /** An open watch. */
  interface Watch {
    /** Ends it; may be called more than once. */
    void close();
  }

  /**
   * Why no new work should be taken in: a stream that it would need is nearly full. Whoever takes
   * work in asks this first, so that what was accepted finds room for its end and its place in the
   * ledger.
   *
   * @return for a person; empty if there is room, or nobody knows
   */
  default Optional<String> noRoom() {
    return Optional.empty();
  }

  /**
   * Begins to deliver a durable consumer's messages to its handlers, and ends with the group. Those
   * that it gave up and an operator sends back come to the same handlers, on the same event loop.
   *
   * @param consumer a name of {@link StreamCatalog}
   * @return completes when the consumer exists and messages are asked for
   */
  Future<Void> consume(String consumer, Reactions reactions);
}
