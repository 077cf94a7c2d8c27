package io.holdfast.system.simulation;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One process's connection to the model of the broker: a request that takes its time to arrive, an
 * answer that takes its time to come back, and all that can happen to either. How an append ends
 * that was refused or got no answer is what the real implementation does: it reads back.
 */
final class ModelStreams implements EventStreams {

  private static final long PATIENCE = 5_000;
  private static final long[] LATE = {1, 2_000, 60_000};
  private static final int MAX_TRIES = 5;

  /** A read that misses nothing. */
  private static final long LEADERS = Long.MAX_VALUE;

  private final Replica process;
  private final ModelBroker broker;
  private final Timeline timeline;
  private final Choices choices;
  private final Faults faults;

  ModelStreams(
      Replica process, ModelBroker broker, Timeline timeline, Choices choices, Faults faults) {
    this.process = process;
    this.broker = broker;
    this.timeline = timeline;
    this.choices = choices;
    this.faults = faults;
  }

  @Override
  public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
    return append(fact, expectedSequence, 1);
  }

  private Future<AppendResult> append(Envelope<?> fact, long expectedSequence, int attempt) {
    return request(() -> stored(fact, broker.append(fact, expectedSequence)))
        .transform(
            answer -> {
              if (answer.succeeded()) {
                long sequence = answer.result();
                return sequence == ModelBroker.REFUSED
                    ? lookBack(fact, expectedSequence, attempt, null)
                    : Future.succeededFuture(new Appended(sequence, false));
              }
              return answer.cause() instanceof BrokerException failure
                      && failure.kind() == Kind.NO_ANSWER
                  ? lookBack(fact, expectedSequence, attempt, failure)
                  : Future.failedFuture(answer.cause());
            });
  }

  private Future<AppendResult> lookBack(
      Envelope<?> fact, long expectedSequence, int attempt, BrokerException unanswered) {
    Domain domain = fact.type().domain();
    String aggregateId = fact.event().aggregateId();
    return load(domain, aggregateId)
        .compose(
            history -> // one that ends too early may be that of a replica which is behind
            history.lastSequence() < expectedSequence
                    ? request(() -> read(domain, aggregateId, LEADERS))
                    : Future.succeededFuture(history))
        .recover(
            unread -> Future.failedFuture(unanswered != null ? unanswered : noAnswer("unread")))
        .compose(
            history -> {
              Optional<Stored> ours = history.byId(fact.id());
              if (ours.isPresent()) {
                return Future.succeededFuture(new Appended(ours.get().sequence(), true));
              }
              if (history.lastSequence() != expectedSequence) {
                return Future.succeededFuture(new Conflict(history));
              }
              if (unanswered != null) {
                return Future.failedFuture(unanswered);
              }
              if (attempt >= MAX_TRIES) {
                return Future.failedFuture(noAnswer("written to all the time"));
              }
              Promise<Void> pause = Promise.promise();
              process.after(20, pause::complete);
              return pause.future().compose(v -> append(fact, expectedSequence, attempt + 1));
            });
  }

  @Override
  public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
    return request(() -> storedTogether(facts, broker.appendTogether(facts)))
        .map(first -> first == ModelBroker.REFUSED ? Optional.empty() : Optional.of(first));
  }

  @Override
  public Future<History> load(Domain domain, String aggregateId) {
    return request(() -> read(domain, aggregateId, upTo(domain)));
  }

  @Override
  public Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    return request(
        () -> {
          long upTo = upTo(domain);
          List<Stored> all = new ArrayList<>();
          aggregateIds.forEach(id -> all.addAll(read(domain, id, upTo).events()));
          all.sort(Comparator.comparingLong(Stored::sequence));
          return all;
        });
  }

  @Override
  public Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds) {
    return request(
        () -> {
          long upTo = upTo(domain);
          Map<String, History> each = new HashMap<>();
          aggregateIds.forEach(
              id -> {
                History history = read(domain, id, upTo);
                if (history.lastSequence() > 0) {
                  each.put(id, history);
                }
              });
          return each;
        });
  }

  @Override
  public Future<List<String>> aggregates(EventType type, int offset) {
    throw new UnsupportedOperationException("no flow asks for that");
  }

  @Override
  public Watch watch(Domain domain, String aggregateId, Runnable onSign) {
    throw new UnsupportedOperationException("no flow asks for that");
  }

  @Override
  public Future<Void> consume(String consumer, Reactions reactions) {
    process.consumers.put(consumer, reactions);
    return Future.succeededFuture();
  }

  /** A request to the broker and its answer, either of which may be lost or late. */
  private <T> Future<T> request(Supplier<T> atTheBroker) {
    Promise<T> answered = Promise.promise();
    if (faults.happens(Fault.DISCONNECTED)) {
      told("is disconnected");
      process.soon(
          () -> answered.fail(new BrokerException(Kind.DISCONNECTED, "there is no connection")));
    } else if (faults.happens(Fault.REQUEST_LOST)) {
      told("loses a request to the broker");
      giveUp(answered);
    } else if (faults.happens(Fault.REQUEST_LATE)) {
      told("has a request to the broker that will be late");
      giveUp(answered);
      timeline.after(
          PATIENCE + LATE[choices.next(LATE.length)],
          () -> {
            var unused = atTheBroker.get(); // nobody waits for it any more
          });
    } else {
      timeline.soon(
          () -> {
            T answer = atTheBroker.get();
            if (faults.happens(Fault.ANSWER_LOST)) {
              told("does not get the broker's answer");
              giveUp(answered);
            } else {
              process.soon(() -> answered.complete(answer));
            }
          });
    }
    return answered.future();
  }

  private void giveUp(Promise<?> answered) {
    process.after(PATIENCE, () -> answered.fail(noAnswer("no answer within 5 s")));
  }

  private static BrokerException noAnswer(String why) {
    return new BrokerException(Kind.NO_ANSWER, why);
  }

  /** The end of the stream as this reader sees it. */
  private long upTo(Domain domain) {
    if (!faults.happens(Fault.STALE_READ)) {
      return LEADERS;
    }
    told("reads what is no longer true");
    return broker.lastSequence(domain) - 1 - choices.next(3);
  }

  private History read(Domain domain, String aggregateId, long upTo) {
    History history = broker.load(domain, aggregateId, upTo);
    if (timeline.told()) {
      timeline.note(
          process.name,
          "reads "
              + domain.token()
              + ".*."
              + aggregateId
              + ": "
              + history.events().stream().map(e -> e.envelope().type().typeName()).toList());
    }
    return history;
  }

  private long stored(Envelope<?> fact, long sequence) {
    if (timeline.told()) {
      timeline.note(process.name, "appends " + inWords(fact) + outcome(sequence));
    }
    return sequence;
  }

  private long storedTogether(List<Guarded> facts, long first) {
    if (timeline.told()) {
      List<String> members = facts.stream().map(member -> inWords(member.fact())).toList();
      timeline.note(process.name, "appends together " + members + outcome(first));
    }
    return first;
  }

  private static String inWords(Envelope<?> fact) {
    return fact.type().typeName() + " of " + fact.event().aggregateId();
  }

  private static String outcome(long sequence) {
    return sequence == ModelBroker.REFUSED ? ": refused" : ": #" + sequence;
  }

  private void told(String what) {
    if (timeline.told()) {
      timeline.note(process.name, "!! " + what);
    }
  }
}
