package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Stores facts, each under its guard: the sequence that its aggregate's last message must have.
 * What is stored decides whether one of ours was, never the error code of a refusal alone.
 *
 * <p>Methods may be called on an event loop and never block; a future completes on the context that
 * asked, and one that failed carries a {@link BrokerException}.
 *
 * @see <a href="https://docs.nats.io/nats-concepts/jetstream/headers">the guards' headers</a>
 */
final class Appends implements GroupCommit.Sender {

  private static final int MAX_TRIES = 5;

  private static final String EXPECTED_SUBJECT_SEQUENCE = "Nats-Expected-Last-Subject-Sequence";
  private static final String EXPECTED_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";
  private static final String MESSAGE_ID = "Nats-Msg-Id";

  private final Vertx vertx;
  private final Broker broker;
  private final JetStreamApi leader;
  private final Histories histories;
  private final Subjects subjects;
  private final EventCodec codec;
  private final Tracing tracing;
  private final Map<EventType, Counter> published;
  private final boolean grouped;
  private final Map<String, GroupCommit> groups = new ConcurrentHashMap<>();

  /**
   * @param grouped whether appends that come while others are under way are stored together
   */
  Appends(
      Vertx vertx,
      Broker broker,
      JetStreamApi leader,
      Histories histories,
      Subjects subjects,
      EventCodec codec,
      Meters meters,
      Tracing tracing,
      boolean grouped) {
    this.vertx = vertx;
    this.broker = broker;
    this.leader = leader;
    this.histories = histories;
    this.subjects = subjects;
    this.codec = codec;
    this.tracing = tracing;
    this.published = new EnumMap<>(EventType.class);
    for (EventType type : EventType.values()) {
      published.put(type, meters.published(type.typeName()));
    }
    this.grouped = grouped;
  }

  /** See {@link EventStreams#append}. */
  Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
    byte[] body = codec.encode(fact);
    if (!tracing.on()) {
      return append(fact, body, expectedSequence, Work.UNTOLD);
    }
    String subject = subjects.fact(fact.event());
    Work work = tracing.publishes(Tracing.template(subject), subject, fact);
    return append(fact, body, expectedSequence, work)
        .onComplete(
            done -> {
              if (done.result() instanceof Conflict) {
                work.about("holdfast.conflict", "somebody wrote first");
              }
              work.end(done.cause());
            });
  }

  private Future<AppendResult> append(
      Envelope<?> fact, byte[] body, long expectedSequence, Work work) {
    return grouped
        ? groups
            .computeIfAbsent(
                subjects.stream(fact.type().domain()),
                stream -> new GroupCommit(vertx, this, Broker.STORE_TIMEOUT))
            .append(fact, body, expectedSequence, work)
        : alone(fact, body, expectedSequence, work);
  }

  @Override
  public Future<AppendResult> alone(
      Envelope<?> fact, byte[] body, long expectedSequence, Work work) {
    return append(fact, body, expectedSequence, work, fact.id(), 1);
  }

  private Future<AppendResult> append(
      Envelope<?> fact,
      byte[] body,
      long expectedSequence,
      Work work,
      String messageId,
      int attempt) {
    return broker
        .store(subjects.fact(fact.event()), guarded(fact, expectedSequence, work, messageId), body)
        .transform(
            answer -> {
              if (answer.succeeded()) {
                PubAck ack = answer.result();
                if (ack.duplicate() && ack.sequence() > 0 && messageId.equals(fact.id())) {
                  return histories
                      .holds(fact, subjects.fact(fact.event()), ack.sequence())
                      .compose(
                          ours ->
                              ours
                                  ? lookBack(
                                      fact, body, expectedSequence, work, messageId, attempt, null)
                                  : append( // anybody may have used the id
                                      fact,
                                      body,
                                      expectedSequence,
                                      work,
                                      messageId + another(),
                                      attempt));
                }
                if (ack.contested()) {
                  return lookBack(fact, body, expectedSequence, work, messageId, attempt, null);
                }
                long sequence = ack.orThrow().sequence();
                published.get(fact.type()).increment();
                return Future.<AppendResult>succeededFuture(new Appended(sequence, false));
              }
              if (answer.cause() instanceof BrokerException failure
                  && failure.kind() == Kind.NO_ANSWER) {
                return lookBack(fact, body, expectedSequence, work, messageId, attempt, failure);
              }
              return Future.failedFuture(answer.cause());
            });
  }

  @Override
  public Future<AppendResult> lookBack(
      Envelope<?> fact, byte[] body, long expectedSequence, Work work, BrokerException unanswered) {
    return lookBack(fact, body, expectedSequence, work, fact.id(), 1, unanswered);
  }

  /**
   * Somebody wrote first, or nobody answered. The broker's code alone cannot tell whether the
   * somebody was an earlier attempt of ours, as it differs by version and number of replicas; only
   * what is stored can.
   */
  private Future<AppendResult> lookBack(
      Envelope<?> fact,
      byte[] body,
      long expectedSequence,
      Work work,
      String messageId,
      int attempt,
      BrokerException unanswered) {
    return histories
        .read(fact.type().domain(), subjects.aggregate(fact.event()))
        .recover(
            unread -> // why that failed says nothing about the append, which may have been stored
            Future.failedFuture(
                    unanswered != null
                        ? unanswered
                        : new BrokerException(Kind.NO_ANSWER, unread.getMessage())))
        .compose(
            history -> {
              Optional<Stored> ours = history.byId(fact.id());
              if (ours.isPresent()) {
                return Future.succeededFuture(new Appended(ours.get().sequence(), true));
              }
              if (history.lastSequence() != expectedSequence) {
                return conflict(fact, history, expectedSequence, attempt)
                    .compose(
                        real ->
                            real
                                ? Future.succeededFuture(new Conflict(history))
                                : pause(attempt)
                                    .compose(
                                        v ->
                                            lookBack(
                                                fact,
                                                body,
                                                expectedSequence,
                                                work,
                                                messageId,
                                                attempt + 1,
                                                unanswered)));
              }
              if (unanswered != null) {
                return Future.failedFuture(unanswered);
              }
              // A write to this aggregate is still under way, or a replica that is behind was read.
              if (attempt >= MAX_TRIES) {
                return noAnswer("the aggregate is being written to all the time");
              }
              return pause(attempt)
                  .compose(v -> append(fact, body, expectedSequence, work, messageId, attempt + 1));
            });
  }

  /**
   * Whether this history is what refused an append. One that ends before what was expected may be
   * that of a replica which is behind.
   */
  private Future<Boolean> conflict(
      Envelope<?> fact, History history, long expectedSequence, int attempt) {
    return history.lastSequence() > expectedSequence
        ? Future.succeededFuture(true)
        : leader
            .lastSequence(subjects.stream(fact.type().domain()), subjects.aggregate(fact.event()))
            .recover(untold -> noAnswer(untold.getMessage()))
            .compose(
                last ->
                    last > history.lastSequence() && attempt >= MAX_TRIES
                        ? noAnswer("a replica of the stream is behind")
                        : Future.succeededFuture(last <= history.lastSequence()));
  }

  private static <T> Future<T> noAnswer(String why) {
    return Future.failedFuture(new BrokerException(Kind.NO_ANSWER, why));
  }

  private Future<Void> pause(int attempt) {
    Promise<Void> over = Promise.promise();
    long wait = 10 + ThreadLocalRandom.current().nextLong(20L << Math.min(attempt, 5));
    vertx.setTimer(wait, id -> over.complete());
    return over.future();
  }

  /** See {@link EventStreams#appendTogether}. */
  Future<Optional<Long>> appendTogether(List<Guarded> facts) {
    if (facts.isEmpty() || facts.size() > EventStreams.MAX_BATCH) {
      throw new IllegalArgumentException(
          "a batch holds 1 to " + EventStreams.MAX_BATCH + " facts, not " + facts.size());
    }
    List<byte[]> bodies = facts.stream().map(member -> codec.encode(member.fact())).toList();
    if (!tracing.on()) {
      return together(facts, bodies, List.of());
    }
    List<Work> works = creates(facts);
    Work together =
        tracing.publishesTogether(subjects.stream(facts.getFirst().fact().type().domain()), works);
    return together(facts, bodies, works)
        .onComplete(
            done -> {
              works.forEach(work -> work.end(done.cause()));
              together.end(done.cause());
            });
  }

  /** The first fact of a trace is about what led to the trace's others. */
  private List<Work> creates(List<Guarded> facts) {
    Map<String, String> causes = new HashMap<>();
    List<Work> works = new ArrayList<>(facts.size());
    for (Guarded member : facts) {
      Envelope<?> fact = member.fact();
      String cause = causes.computeIfAbsent(fact.traceId(), t -> fact.event().aggregateId());
      String subject = subjects.fact(fact.event());
      works.add(tracing.creates(Tracing.template(subject), subject, fact, cause));
    }
    return works;
  }

  private static Work of(List<Work> works, int member) {
    return works.isEmpty() ? Work.UNTOLD : works.get(member);
  }

  @Override
  public Future<Optional<Long>> together(
      List<Guarded> facts, List<byte[]> bodies, List<Work> works) {
    String batchId = Long.toString(ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE, 36);
    int last = facts.size() - 1;
    try {
      for (int i = 0; i < last; i++) {
        // Without a reply subject: the batch is answered once, at its commit.
        Guarded member = facts.get(i);
        broker.publish(
            subjects.fact(member.fact().event()),
            null,
            batched(member, of(works, i), batchId, i + 1),
            bodies.get(i));
      }
    } catch (BrokerException e) { // without its commit, a batch is forgotten
      return Future.failedFuture(e);
    }
    Guarded commit = facts.get(last);
    Headers headers =
        batched(commit, of(works, last), batchId, last + 1).put("Nats-Batch-Commit", "1");
    return broker
        .store(subjects.fact(commit.fact().event()), headers, bodies.get(last))
        .map(
            ack -> {
              if (ack.contested()) {
                return Optional.empty();
              }
              long first = ack.orThrow().sequence() - last;
              facts.forEach(member -> published.get(member.fact().type()).increment());
              return Optional.of(first);
            });
  }

  private Headers guarded(Envelope<?> fact, long expectedSequence, Work work, String messageId) {
    return new Headers()
        .put(MESSAGE_ID, messageId)
        .put(EXPECTED_SUBJECT_SEQUENCE, Long.toString(expectedSequence))
        .put(EXPECTED_SUBJECT, subjects.aggregate(fact.event()))
        .put(Traceparent.HEADER, work.traceparent(fact.traceId()));
  }

  private Headers batched(Guarded member, Work work, String batchId, int sequence) {
    Envelope<?> fact = member.fact();
    return guarded(fact, member.expectedSequence(), work, fact.id())
        .put("Nats-Batch-Id", batchId)
        .put("Nats-Batch-Sequence", Integer.toString(sequence));
  }

  /**
   * Stores without a guard, as dead letters are: the message id alone keeps a quick repetition out,
   * and another message that bears it does not keep the letter out.
   */
  Future<Void> park(String subject, Envelope<?> deadLetter, byte[] encoded) {
    return park(subject, deadLetter, encoded, deadLetter.id());
  }

  private Future<Void> park(
      String subject, Envelope<?> deadLetter, byte[] encoded, String messageId) {
    Headers headers =
        new Headers()
            .put(MESSAGE_ID, messageId)
            .put(Traceparent.HEADER, Traceparent.next(deadLetter.traceId()));
    return broker
        .store(subject, headers, encoded)
        .compose(
            ack -> {
              if (ack.orThrow().duplicate()) {
                return histories
                    .holds(deadLetter, subject, ack.sequence())
                    .compose(
                        there ->
                            there
                                ? Future.<Void>succeededFuture()
                                : park(subject, deadLetter, encoded, deadLetter.id() + another()));
              }
              published.get(deadLetter.type()).increment();
              return Future.succeededFuture();
            });
  }

  /** What makes a message id one that nobody can have used. */
  private static String another() {
    return "-" + Long.toString(ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE, 36);
  }

  /** Stores what is no fact, as a redriven message is none. */
  Future<Void> send(String subject, Headers headers, byte[] body) {
    return broker.store(subject, headers, body).map(PubAck::orThrow).mapEmpty();
  }
}
