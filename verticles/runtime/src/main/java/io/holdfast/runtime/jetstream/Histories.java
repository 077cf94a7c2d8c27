package io.holdfast.runtime.jetstream;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What the streams say of aggregates: the facts among their messages, and where the last message
 * stands, which is what an append must expect. What is there is read from any replica; that there
 * is nothing is believed of the stream's leader only.
 *
 * <p>Methods may be called on an event loop and never block; a failed future carries a {@link
 * BrokerException}.
 */
final class Histories {

  /** How often, and after how long, a replica that is behind is looked at again. */
  private static final int MAX_LOOKS = 40;

  private static final long LOOK_AGAIN_MILLIS = 25;

  /** Foreign messages on one subject that are looked behind. */
  private static final int MAX_FOREIGN = 100;

  private final Vertx vertx;
  private final DirectGet messages;
  private final JetStreamApi leader;
  private final Subjects subjects;
  private final EventCodec codec;

  Histories(
      Vertx vertx, DirectGet messages, JetStreamApi leader, Subjects subjects, EventCodec codec) {
    this.vertx = vertx;
    this.messages = messages;
    this.leader = leader;
    this.subjects = subjects;
    this.codec = codec;
  }

  /** See {@link EventStreams#load}. */
  Future<History> load(Domain domain, String aggregateId) {
    return load(domain, subjects.aggregate(domain, aggregateId), MAX_LOOKS);
  }

  /**
   * A replica that is behind may know nothing yet of what was stored a moment ago. That there is
   * nothing at all is believed of the stream's leader only.
   */
  private Future<History> load(Domain domain, String filter, int looks) {
    return read(domain, filter)
        .compose(
            history ->
                history.lastSequence() > 0
                    ? Future.succeededFuture(history)
                    : unlessTheLeaderHas(
                        leader.lastSequence(subjects.stream(domain), filter),
                        looks,
                        history,
                        () -> load(domain, filter, looks - 1)));
  }

  /** What was found, if the leader knows no more; else looks again, after a while. */
  private <T> Future<T> unlessTheLeaderHas(
      Future<Long> leadersSequence, int looks, T found, Supplier<Future<T>> lookAgain) {
    return leadersSequence.compose(
        sequence -> {
          if (sequence == 0) {
            return Future.succeededFuture(found);
          }
          if (looks == 0) {
            return Future.failedFuture(
                new BrokerException(Kind.NO_ANSWER, "a replica of the stream is behind"));
          }
          return vertx
              .timer(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)
              .compose(v -> lookAgain.get());
        });
  }

  /**
   * As one replica knows it, which may be behind. What somebody has put behind a fact does not hide
   * it; the guard counts it all the same.
   *
   * @param filter the aggregate's subjects
   */
  Future<History> read(Domain domain, String filter) {
    return messages
        .lastOfEach(subjects.stream(domain), List.of(filter))
        .compose(
            last ->
                facts(domain, last, (fact, hiddenBy) -> fact).map(facts -> history(last, facts)));
  }

  private static History history(List<RawMessage> last, List<Stored> facts) {
    List<Stored> inOrder = new ArrayList<>(facts);
    inOrder.sort(Comparator.comparingLong(Stored::sequence));
    return new History(inOrder, last.stream().mapToLong(RawMessage::sequence).max().orElse(0));
  }

  /** See {@link EventStreams#loadEach}. */
  Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds) {
    if (aggregateIds.isEmpty()) {
      return Future.succeededFuture(Map.of());
    }
    return messages
        .lastOfEach(subjects.stream(domain), filters(domain, aggregateIds))
        .compose(
            last ->
                facts(domain, last, (fact, hiddenBy) -> fact)
                    .map(
                        facts -> {
                          Map<String, List<RawMessage>> all = by(RawMessage::subject, last);
                          Map<String, List<Stored>> ofThese = by(Stored::subject, facts);
                          Map<String, History> each = new HashMap<>();
                          all.forEach(
                              (id, some) ->
                                  each.put(id, history(some, ofThese.getOrDefault(id, List.of()))));
                          return each;
                        }));
  }

  private static <T> Map<String, List<T>> by(Function<T, String> subject, List<T> all) {
    return all.stream()
        .collect(Collectors.groupingBy(one -> Subjects.lastToken(subject.apply(one))));
  }

  /** See {@link EventStreams#loadAll}. */
  Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    return aggregateIds.isEmpty()
        ? Future.succeededFuture(List.of())
        : lastFacts(domain, filters(domain, aggregateIds));
  }

  private List<String> filters(Domain domain, List<String> aggregateIds) {
    return aggregateIds.stream().map(id -> subjects.aggregate(domain, id)).toList();
  }

  /**
   * The last fact of each subject that one of the filters matches, in stream order. Where somebody
   * has put something else behind it, it is the fact all the same, under the sequence of what is
   * last: that is what an append must expect.
   */
  Future<List<Stored>> lastFacts(Domain domain, List<String> filters) {
    return messages
        .lastOfEach(subjects.stream(domain), filters)
        .compose(last -> facts(domain, last, (fact, hiddenBy) -> at(hiddenBy.sequence(), fact)));
  }

  private static Stored at(long sequence, Stored fact) {
    return new Stored(fact.stream(), sequence, fact.subject(), fact.storedAt(), fact.envelope());
  }

  /**
   * The facts among these, and those behind what is none.
   *
   * @param found makes what is wanted of such a hidden fact and the message that hides it
   */
  private Future<List<Stored>> facts(
      Domain domain, List<RawMessage> last, BiFunction<Stored, RawMessage, Stored> found) {
    List<Stored> facts = new ArrayList<>(last.size());
    List<Future<?>> hidden = new ArrayList<>(0);
    for (RawMessage message : last) {
      Optional<Stored> fact = Stored.in(message, codec, subjects);
      if (fact.isPresent()) {
        facts.add(fact.get());
      } else if (subjects.typeOf(message.subject()).isPresent()) { // else none can be there
        hidden.add(
            factBehind(domain, message, message.sequence(), MAX_FOREIGN)
                .onSuccess(
                    behind -> behind.ifPresent(one -> facts.add(found.apply(one, message)))));
      }
    }
    return hidden.isEmpty() ? Future.succeededFuture(facts) : Future.all(hidden).map(facts);
  }

  private Future<Optional<Stored>> factBehind(
      Domain domain, RawMessage last, long before, int tries) {
    if (tries == 0) {
      return Future.failedFuture(
          new BrokerException(
              Kind.REFUSED, "too much on subject " + last.subject() + " is no fact of ours"));
    }
    if (before <= 1) {
      return Future.succeededFuture(Optional.empty());
    }
    return messages
        .lastOfEach(subjects.stream(domain), List.of(last.subject()), before - 1)
        .compose(
            found -> {
              if (found.isEmpty()) {
                return Future.succeededFuture(Optional.<Stored>empty());
              }
              RawMessage earlier = found.getFirst();
              Optional<Stored> fact = Stored.in(earlier, codec, subjects);
              return fact.isPresent()
                  ? Future.succeededFuture(fact)
                  : factBehind(domain, last, earlier.sequence(), tries - 1);
            });
  }

  /**
   * The message that the broker has stored there; empty if it is gone, which is believed of the
   * stream's leader only.
   */
  Future<Optional<RawMessage>> at(String stream, long sequence) {
    return at(stream, sequence, MAX_LOOKS);
  }

  private Future<Optional<RawMessage>> at(String stream, long sequence, int looks) {
    return messages
        .read(stream, sequence, 1, 1)
        .compose(
            read -> {
              Optional<RawMessage> found =
                  read.stream().filter(message -> message.sequence() == sequence).findFirst();
              return found.isPresent()
                  ? Future.succeededFuture(found)
                  : unlessTheLeaderHas(
                      leader.sequence(stream, sequence),
                      looks,
                      Optional.empty(),
                      () -> at(stream, sequence, looks - 1));
            });
  }

  /** Whether what stands there is this fact, and not another message that bears its id. */
  Future<Boolean> holds(Envelope<?> fact, String subject, long sequence) {
    return at(subjects.stream(fact.type().domain()), sequence)
        .map(
            found ->
                found
                    .filter(message -> message.subject().equals(subject))
                    .flatMap(message -> Stored.in(message, codec, subjects))
                    .filter(stored -> stored.envelope().id().equals(fact.id()))
                    .isPresent());
  }
}
