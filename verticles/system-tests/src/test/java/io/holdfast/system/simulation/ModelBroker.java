package io.holdfast.system.simulation;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What the streams hold, and by which rules they take more: the guard over an aggregate, the atomic
 * batch whose guards look at what was there before it, the message ids that are known for a while.
 */
final class ModelBroker {

  /** What an append answers that was not stored. */
  static final long REFUSED = 0;

  /** An expectation that everything fulfils: an append without a guard. */
  static final long ANY = -1;

  static final Subjects SUBJECTS = new Subjects("");

  private final Supplier<Instant> clock;
  private final boolean knowsIds;
  private final Map<String, List<Stored>> streams = new LinkedHashMap<>();
  private final Map<Aggregate, List<Stored>> aggregates = new HashMap<>();
  private final Set<String> ids = new HashSet<>();
  private Consumer<Stored> onStored = stored -> {};
  private List<Operation> operations;

  private record Aggregate(Domain domain, String id) {
    static Aggregate of(Envelope<?> fact) {
      return new Aggregate(fact.type().domain(), fact.event().aggregateId());
    }
  }

  /**
   * @param knowsIds false once the window is over in which the broker notices a message id that
   *     comes again
   */
  ModelBroker(Supplier<Instant> clock, boolean knowsIds) {
    this.clock = clock;
    this.knowsIds = knowsIds;
  }

  void onStored(Consumer<Stored> listener) {
    onStored = listener;
  }

  /** From now on, what is asked for is written down. */
  void record() {
    operations = new ArrayList<>();
  }

  List<Operation> operations() {
    return operations;
  }

  /** The stream sequence, or {@link #REFUSED}: its aggregate has gained a message, or its id. */
  long append(Envelope<?> fact, long expectedSequence) {
    boolean stored = fits(fact, expectedSequence);
    long sequence = stored ? store(fact) : REFUSED;
    if (operations != null) {
      operations.add(new Operation.Append(fact, expectedSequence, sequence));
    }
    return sequence;
  }

  /** All or none: the first one's stream sequence, or {@link #REFUSED}. */
  long appendTogether(List<Guarded> facts) {
    long first = REFUSED;
    if (facts.stream().allMatch(member -> fits(member.fact(), member.expectedSequence()))) {
      for (Guarded member : facts) {
        long sequence = store(member.fact());
        first = first == REFUSED ? sequence : first;
      }
    }
    if (operations != null) {
      operations.add(new Operation.AppendTogether(List.copyOf(facts), first));
    }
    return first;
  }

  /**
   * The last message of each subject of an aggregate.
   *
   * @param upTo the last sequence of the stream that the reader gets to see
   */
  History load(Domain domain, String aggregateId, long upTo) {
    List<Stored> events = lastOfEachType(domain, aggregateId, upTo);
    long last = events.isEmpty() ? 0 : events.getLast().sequence();
    if (operations != null && upTo == Long.MAX_VALUE) {
      operations.add(
          new Operation.Load(
              domain, aggregateId, last, events.stream().map(e -> e.envelope().id()).toList()));
    }
    return new History(events, last);
  }

  private List<Stored> lastOfEachType(Domain domain, String aggregateId, long upTo) {
    List<Stored> all = aggregates.getOrDefault(new Aggregate(domain, aggregateId), List.of());
    List<Stored> newestFirst = new ArrayList<>(4);
    Set<EventType> seen = EnumSet.noneOf(EventType.class);
    for (int i = all.size() - 1; i >= 0; i--) {
      Stored stored = all.get(i);
      if (stored.sequence() <= upTo && seen.add(stored.envelope().type())) {
        newestFirst.add(stored);
      }
    }
    return newestFirst.reversed();
  }

  /** How many messages the stream of a domain has. */
  long lastSequence(Domain domain) {
    return stream(domain).size();
  }

  List<Stored> stream(Domain domain) {
    return streams.getOrDefault(domain.stream(), List.of());
  }

  Collection<List<Stored>> streams() {
    return streams.values();
  }

  private boolean fits(Envelope<?> fact, long expectedSequence) {
    if (knowsIds && ids.contains(fact.id())) {
      return false;
    }
    if (expectedSequence == ANY) {
      return true;
    }
    List<Stored> there = aggregates.get(Aggregate.of(fact));
    return expectedSequence == (there == null ? 0 : there.getLast().sequence());
  }

  private long store(Envelope<?> fact) {
    Domain domain = fact.type().domain();
    List<Stored> stream = streams.computeIfAbsent(domain.stream(), s -> new ArrayList<>());
    Stored stored =
        new Stored(
            domain.stream(), stream.size() + 1L, SUBJECTS.fact(fact.event()), clock.get(), fact);
    stream.add(stored);
    aggregates.computeIfAbsent(Aggregate.of(fact), a -> new ArrayList<>()).add(stored);
    ids.add(fact.id());
    onStored.accept(stored);
    return stored.sequence();
  }
}
