package io.holdfast.runtime.jetstream;

import io.holdfast.events.Domain;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Ids;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Looks for orders that wait too long in one state: facts that a consumer should have answered by
 * now, and has not; those that it has not settled, and those that it has parked. Needs no timer and
 * remembers nothing that it could not find again, so a restart or another replica loses nothing.
 *
 * <p>One event loop's alone, and one look at a time. Never blocks.
 */
public final class Overdue {

  private static final int PAGE = 500;
  private static final int PAGE_BYTES = 512 * 1024;

  /** Those that one look reads. */
  private static final int MAX_PAGES = 40;

  /** More than that in an outage count as that many, and are found when there is room again. */
  private static final int MAX_KNOWN = 10_000;

  private final EventStreams streams;
  private final StreamReader reader;
  private final Subjects subjects;
  private final Wait wait;
  private final ConsumerSpec consumer;
  private final EventCodec codec = new EventCodec();
  private final Map<String, Stored> open = new LinkedHashMap<>();
  private final Set<String> parked = new HashSet<>();
  private long nextFact = 1;
  private long nextDeadLetter = 1;

  /**
   * A state in which orders wait.
   *
   * @param state its name, for a person
   * @param consumer whose answer they wait for
   * @param causes the facts that put an order in this state; all are of the consumer
   * @param answers the facts that end it, all of one domain; any of them does
   */
  public record Wait(String state, String consumer, Set<EventType> causes, Set<EventType> answers) {

    public Wait {
      causes = Set.copyOf(causes);
      answers = Set.copyOf(answers);
    }

    private Domain answered() {
      return answers.iterator().next().domain();
    }

    private Domain caused() {
      return causes.iterator().next().domain();
    }
  }

  public Overdue(EventStreams streams, StreamReader reader, Subjects subjects, Wait wait) {
    this.streams = streams;
    this.reader = reader;
    this.subjects = subjects;
    this.wait = wait;
    this.consumer = StreamCatalog.consumer(wait.consumer());
  }

  /**
   * The facts, in the order in which they were found, that were stored before a time and have no
   * answer; at most 10,000.
   */
  public Future<List<Stored>> before(Instant deadline) {
    return findUnsettled(deadline)
        .compose(v -> findParked())
        .compose(v -> loadParked(deadline))
        .compose(v -> answered(List.copyOf(open.keySet())))
        .map(
            answered -> {
              open.keySet().removeAll(answered);
              return List.copyOf(open.values());
            });
  }

  /**
   * Puts one behind the others, so that one which can never be ended does not keep them waiting.
   */
  public void defer(Stored fact) {
    if (open.remove(orderId(fact)) != null) {
      open.put(orderId(fact), fact);
    }
  }

  /** Those of these orders that have an answer. */
  public Future<Set<String>> answered(List<String> orderIds) {
    return lastFacts(wait.answered(), orderIds)
        .map(
            facts ->
                facts.stream()
                    .filter(fact -> wait.answers().contains(fact.envelope().type()))
                    .map(Overdue::orderId)
                    .collect(Collectors.toSet()));
  }

  /** All that was stored before a time and lies behind the consumer's acknowledged part. */
  private Future<Void> findUnsettled(Instant deadline) {
    return reader
        .consumer(subjects.stream(consumer.stream()), consumer.name())
        .compose(
            state -> {
              nextFact = Math.max(nextFact, state.ackFloor() + 1);
              return readFacts(deadline, MAX_PAGES);
            });
  }

  private Future<Void> readFacts(Instant deadline, int pages) {
    if (pages == 0 || open.size() >= MAX_KNOWN) {
      return Future.succeededFuture();
    }
    return reader
        .read(subjects.stream(consumer.stream()), nextFact, PAGE, PAGE_BYTES)
        .compose(
            page -> {
              for (RawMessage message : page) {
                if (!message.storedAt().isBefore(deadline)) {
                  return Future.succeededFuture(); // the next look begins here
                }
                nextFact = message.sequence() + 1;
                cause(message).ifPresent(fact -> open.put(orderId(fact), fact));
              }
              return page.isEmpty() ? Future.succeededFuture() : readFacts(deadline, pages - 1);
            });
  }

  private Optional<Stored> cause(RawMessage message) {
    Optional<EventType> type = subjects.typeOf(message.subject());
    if (type.isEmpty() || !wait.causes().contains(type.get())) {
      return Optional.empty();
    }
    try {
      Stored stored =
          new Stored(
              message.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              codec.decode(message.body()));
      return stored.envelope().type() == type.get()
              && message.subject().equals(subjects.fact(stored.envelope().event()))
          ? Optional.of(stored)
          : Optional.empty();
    } catch (UndecodableEventException notOurs) {
      return Optional.empty();
    }
  }

  private Future<Void> findParked() {
    return reader
        .read(subjects.stream(Domain.DEADLETTERS.stream()), nextDeadLetter, PAGE, PAGE_BYTES)
        .compose(
            page -> {
              for (RawMessage message : page) {
                nextDeadLetter = message.sequence() + 1;
                String orderId = Subjects.lastToken(message.subject());
                if (isParkedCause(message.subject(), orderId) && parked.size() < MAX_KNOWN) {
                  parked.add(orderId);
                }
              }
              return page.isEmpty() ? Future.succeededFuture() : findParked();
            });
  }

  private boolean isParkedCause(String subject, String orderId) {
    return Ids.valid(orderId)
        && wait.causes().stream()
            .anyMatch(
                type ->
                    subject.equals(
                        subjects.deadLetter(consumer.group(), subjects.fact(type, orderId))));
  }

  /** A dead letter does not say when its fact was stored; the fact does. */
  private Future<Void> loadParked(Instant deadline) {
    return lastFacts(wait.caused(), List.copyOf(parked))
        .onSuccess(
            facts -> {
              Set<String> early = new HashSet<>();
              for (Stored fact : facts) {
                if (wait.causes().contains(fact.envelope().type())) {
                  if (fact.storedAt().isBefore(deadline)) {
                    open.put(orderId(fact), fact);
                  } else {
                    early.add(orderId(fact));
                  }
                }
              }
              parked.retainAll(early);
            })
        .mapEmpty();
  }

  private Future<List<Stored>> lastFacts(Domain domain, List<String> orderIds) {
    List<Stored> all = new ArrayList<>();
    Future<Void> each = Future.succeededFuture();
    for (int from = 0; from < orderIds.size(); from += PAGE) {
      List<String> some = orderIds.subList(from, Math.min(orderIds.size(), from + PAGE));
      each = each.compose(v -> streams.loadAll(domain, some)).onSuccess(all::addAll).mapEmpty();
    }
    return each.map(all);
  }

  private static String orderId(Stored fact) {
    return fact.envelope().event().aggregateId();
  }
}
