package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.events.Timestamps;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@link EventStreams} and {@link StreamReader} over JetStream: guards are expected-sequence
 * headers, reads are direct gets.
 */
final class JetStreamEvents implements StreamReader {

  private static final ObjectMapper JSON = new ObjectMapper();

  static final Duration PUBLISH_TIMEOUT = Duration.ofSeconds(5);

  /** How often, and after how long, a replica that is behind is looked at again. */
  private static final int MAX_LOOKS = 40;

  private static final long LOOK_AGAIN_MILLIS = 25;
  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY_RESULTS = 413;

  /** Foreign messages on one subject that are looked behind. */
  private static final int MAX_FOREIGN = 100;

  private static final Duration READ_TIMEOUT = Duration.ofSeconds(5);
  private static final int MAX_TRIES = 5;

  private static final String EXPECTED_SUBJECT_SEQUENCE = "Nats-Expected-Last-Subject-Sequence";
  private static final String EXPECTED_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";
  private static final String EXPECTED_STREAM_SEQUENCE = "Nats-Expected-Last-Sequence";
  private static final String MESSAGE_ID = "Nats-Msg-Id";

  private final Vertx vertx;
  private final Broker broker;
  private final Subjects subjects;
  private final EventCodec codec;
  private final Tracing tracing;
  private final Map<EventType, Counter> published;
  private final boolean grouped;
  private final Map<String, GroupCommit> groups = new ConcurrentHashMap<>();

  /**
   * @param grouped whether appends that come while others are under way are stored together
   */
  JetStreamEvents(
      Vertx vertx,
      Broker broker,
      Subjects subjects,
      EventCodec codec,
      Meters meters,
      Tracing tracing,
      boolean grouped) {
    this.grouped = grouped;
    this.tracing = tracing;
    this.vertx = vertx;
    this.broker = broker;
    this.subjects = subjects;
    this.codec = codec;
    this.published = new EnumMap<>(EventType.class);
    for (EventType type : EventType.values()) {
      published.put(type, meters.published(type.typeName()));
    }
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
                stream -> new GroupCommit(vertx, new Appends(), PUBLISH_TIMEOUT))
            .append(fact, body, expectedSequence, work)
        : append(fact, body, expectedSequence, work, fact.id(), 1);
  }

  private final class Appends implements GroupCommit.Sender {

    @Override
    public Future<AppendResult> alone(
        Envelope<?> fact, byte[] body, long expectedSequence, Work work) {
      return append(fact, body, expectedSequence, work, fact.id(), 1);
    }

    @Override
    public Future<Optional<Long>> together(
        List<Guarded> facts, List<byte[]> bodies, List<Work> works) {
      return storeTogether(facts, bodies, works);
    }

    @Override
    public Future<AppendResult> lookBack(
        Envelope<?> fact,
        byte[] body,
        long expectedSequence,
        Work work,
        BrokerException unanswered) {
      return JetStreamEvents.this.lookBack(
          fact, body, expectedSequence, work, fact.id(), 1, unanswered);
    }
  }

  private Future<AppendResult> append(
      Envelope<?> fact,
      byte[] body,
      long expectedSequence,
      Work work,
      String messageId,
      int attempt) {
    Headers headers = guarded(fact, expectedSequence, work, messageId);
    return broker
        .request(subjects.fact(fact.event()), headers, body, PUBLISH_TIMEOUT)
        .transform(
            answer -> {
              if (answer.succeeded()) {
                PubAck ack = acknowledged(answer.result());
                if (ack.duplicate() && ack.sequence() > 0 && messageId.equals(fact.id())) {
                  return isOurs(fact, subjects.fact(fact.event()), ack.sequence())
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
                if (ack.errorCode() != 0) {
                  return Future.failedFuture(
                      new BrokerException(Kind.REFUSED, ack.error(), ack.errorCode()));
                }
                published.get(fact.type()).increment();
                return Future.<AppendResult>succeededFuture(new Appended(ack.sequence(), false));
              }
              if (answer.cause() instanceof BrokerException failure
                  && failure.kind() == Kind.NO_ANSWER) {
                return lookBack(fact, body, expectedSequence, work, messageId, attempt, failure);
              }
              return Future.failedFuture(answer.cause());
            });
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
    return history(fact.type().domain(), subjects.aggregate(fact.event()))
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
        : leadersSequence(
                subjects.stream(fact.type().domain()), lastOf(subjects.aggregate(fact.event())))
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

  private static String lastOf(String filter) {
    return "{\"last_by_subj\":\"" + filter + "\"}";
  }

  /** See {@link EventStreams#appendTogether}. */
  Future<Optional<Long>> appendTogether(List<Guarded> facts) {
    if (facts.isEmpty() || facts.size() > EventStreams.MAX_BATCH) {
      throw new IllegalArgumentException(
          "a batch holds 1 to " + EventStreams.MAX_BATCH + " facts, not " + facts.size());
    }
    List<byte[]> bodies = facts.stream().map(member -> codec.encode(member.fact())).toList();
    if (!tracing.on()) {
      return storeTogether(facts, bodies, List.of());
    }
    List<Work> works = creates(facts);
    Work together =
        tracing.publishesTogether(subjects.stream(facts.getFirst().fact().type().domain()), works);
    return storeTogether(facts, bodies, works)
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

  /** What makes a message id one that nobody can have used. */
  private static String another() {
    return "-" + Long.toString(ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE, 36);
  }

  private Future<Optional<Long>> storeTogether(
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
        .request(subjects.fact(commit.fact().event()), headers, bodies.get(last), PUBLISH_TIMEOUT)
        .compose(
            answer -> {
              PubAck ack = acknowledged(answer);
              if (ack.contested()) {
                return Future.succeededFuture(Optional.<Long>empty());
              }
              if (ack.errorCode() != 0) {
                return Future.failedFuture(
                    new BrokerException(Kind.REFUSED, ack.error(), ack.errorCode()));
              }
              facts.forEach(member -> published.get(member.fact().type()).increment());
              return Future.succeededFuture(Optional.of(ack.sequence() - last));
            });
  }

  /** Whether what bears the id of a fact's message is the fact itself. */
  private Future<Boolean> isOurs(Envelope<?> fact, String subject, long sequence) {
    return at(subjects.stream(fact.type().domain()), sequence)
        .map(
            found ->
                found
                    .filter(message -> message.subject().equals(subject))
                    .flatMap(this::decoded)
                    .filter(stored -> stored.envelope().id().equals(fact.id()))
                    .isPresent());
  }

  /**
   * The message that the broker has stored there; empty if it is gone, which is believed of the
   * stream's leader only.
   */
  Future<Optional<RawMessage>> at(String stream, long sequence) {
    return at(stream, sequence, MAX_LOOKS);
  }

  private Future<Optional<RawMessage>> at(String stream, long sequence, int looks) {
    return read(stream, sequence, 1, 1)
        .compose(
            read -> {
              Optional<RawMessage> found =
                  read.stream().filter(message -> message.sequence() == sequence).findFirst();
              return found.isPresent()
                  ? Future.succeededFuture(found)
                  : unlessTheLeaderHas(
                      stream,
                      "{\"seq\":" + sequence + "}",
                      looks,
                      Optional.empty(),
                      () -> at(stream, sequence, looks - 1));
            });
  }

  Future<History> load(Domain domain, String aggregateId) {
    return load(domain, subjects.aggregate(domain, aggregateId), MAX_LOOKS);
  }

  /**
   * A replica that is behind may know nothing yet of what was stored a moment ago. That there is
   * nothing at all is believed of the stream's leader only.
   */
  private Future<History> load(Domain domain, String filter, int looks) {
    return history(domain, filter)
        .compose(
            history ->
                history.lastSequence() > 0
                    ? Future.succeededFuture(history)
                    : unlessTheLeaderHas(
                        subjects.stream(domain),
                        lastOf(filter),
                        looks,
                        history,
                        () -> load(domain, filter, looks - 1)));
  }

  /** What was found, if the leader knows no more; else looks again, after a while. */
  private <T> Future<T> unlessTheLeaderHas(
      String stream, String query, int looks, T found, Supplier<Future<T>> lookAgain) {
    return leadersSequence(stream, query)
        .compose(
            sequence -> {
              if (sequence == 0) {
                return Future.succeededFuture(found);
              }
              if (looks == 0) {
                return noAnswer("a replica of the stream is behind");
              }
              return vertx
                  .timer(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)
                  .compose(v -> lookAgain.get());
            });
  }

  /** Of the message that the stream's leader finds; 0 if it finds none. */
  private Future<Long> leadersSequence(String stream, String query) {
    return broker
        .request(
            "$JS.API.STREAM.MSG.GET." + stream,
            null,
            query.getBytes(StandardCharsets.UTF_8),
            READ_TIMEOUT)
        .compose(
            answer -> {
              try {
                JsonNode told = JSON.readTree(answer.getData());
                int code = told.at("/error/code").asInt();
                return code == 0 || code == NOT_FOUND
                    ? Future.succeededFuture(told.at("/message/seq").asLong())
                    : Future.failedFuture(
                        new BrokerException(
                            Kind.REFUSED,
                            told.at("/error/description").asText(),
                            told.at("/error/err_code").asInt()));
              } catch (IOException unreadable) {
                return noAnswer("the broker's answer cannot be read");
              }
            });
  }

  /** What somebody has put behind a fact does not hide it; the guard counts it all the same. */
  private Future<History> history(Domain domain, String filter) {
    return lastOf(domain, List.of(filter), Long.MAX_VALUE)
        .compose(
            messages ->
                facts(domain, messages, (fact, last) -> fact)
                    .map(facts -> history(messages, facts)));
  }

  private static History history(List<RawMessage> messages, List<Stored> facts) {
    List<Stored> inOrder = new ArrayList<>(facts);
    inOrder.sort(Comparator.comparingLong(Stored::sequence));
    return new History(inOrder, messages.stream().mapToLong(RawMessage::sequence).max().orElse(0));
  }

  Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds) {
    if (aggregateIds.isEmpty()) {
      return Future.succeededFuture(Map.of());
    }
    return lastOf(
            domain,
            aggregateIds.stream().map(id -> subjects.aggregate(domain, id)).toList(),
            Long.MAX_VALUE)
        .compose(
            messages ->
                facts(domain, messages, (fact, last) -> fact)
                    .map(
                        facts -> {
                          Map<String, List<RawMessage>> all = by(RawMessage::subject, messages);
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

  Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    if (aggregateIds.isEmpty()) {
      return Future.succeededFuture(List.of());
    }
    return lastFacts(
        domain, aggregateIds.stream().map(id -> subjects.aggregate(domain, id)).toList());
  }

  /**
   * The last fact of each subject that one of the filters matches, in stream order. Where somebody
   * has put something else behind it, it is the fact all the same, under the sequence of what is
   * last: that is what an append must expect.
   */
  Future<List<Stored>> lastFacts(Domain domain, List<String> filters) {
    return lastOf(domain, filters, Long.MAX_VALUE)
        .compose(messages -> facts(domain, messages, (fact, last) -> at(last.sequence(), fact)));
  }

  /**
   * The facts among these, and those behind what is none.
   *
   * @param found makes what is wanted of such a hidden fact and the message that hides it
   */
  private Future<List<Stored>> facts(
      Domain domain, List<RawMessage> messages, BiFunction<Stored, RawMessage, Stored> found) {
    List<Stored> facts = new ArrayList<>(messages.size());
    List<Future<?>> hidden = new ArrayList<>(0);
    for (RawMessage message : messages) {
      Optional<Stored> fact = decoded(message);
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

  private static Stored at(long sequence, Stored fact) {
    return new Stored(fact.stream(), sequence, fact.subject(), fact.storedAt(), fact.envelope());
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
    return lastOf(domain, List.of(last.subject()), before - 1)
        .compose(
            found -> {
              if (found.isEmpty()) {
                return Future.succeededFuture(Optional.<Stored>empty());
              }
              RawMessage earlier = found.getFirst();
              Optional<Stored> fact = decoded(earlier);
              return fact.isPresent()
                  ? Future.succeededFuture(fact)
                  : factBehind(domain, last, earlier.sequence(), tries - 1);
            });
  }

  /** The last message of each subject that one of the filters matches, in stream order. */
  private Future<List<RawMessage>> lastOf(Domain domain, List<String> filters, long upTo) {
    String end = upTo == Long.MAX_VALUE ? "\"]}" : "\"],\"up_to_seq\":" + upTo + "}";
    String quoted =
        filters.stream().collect(Collectors.joining("\",\"", "{\"multi_last\":[\"", end));
    return broker
        .requestMany(
            directGet(subjects.stream(domain)),
            quoted.getBytes(StandardCharsets.UTF_8),
            READ_TIMEOUT)
        .map(messages -> raw(subjects.stream(domain), messages))
        .recover(
            failure ->
                failure instanceof BrokerException refused
                        && refused.code() == TOO_MANY_RESULTS
                        && filters.size() > 1
                    ? lastOfHalves(domain, filters, upTo)
                    : Future.failedFuture(failure));
  }

  /** The broker gives at most 1,024 messages for one question, and none if there are more. */
  private Future<List<RawMessage>> lastOfHalves(Domain domain, List<String> filters, long upTo) {
    int half = filters.size() / 2;
    return lastOf(domain, filters.subList(0, half), upTo)
        .compose(
            some ->
                lastOf(domain, filters.subList(half, filters.size()), upTo)
                    .map(
                        others ->
                            Stream.concat(some.stream(), others.stream())
                                .sorted(Comparator.comparingLong(RawMessage::sequence))
                                .toList()));
  }

  @Override
  public Future<List<RawMessage>> read(
      String stream, long fromSequence, int maxMessages, int maxBytes) {
    String query =
        "{\"seq\":"
            + fromSequence
            + ",\"next_by_subj\":\">\",\"batch\":"
            + maxMessages
            + ",\"max_bytes\":"
            + maxBytes
            + "}";
    return broker
        .requestMany(directGet(stream), query.getBytes(StandardCharsets.UTF_8), READ_TIMEOUT)
        .map(messages -> raw(stream, messages));
  }

  @Override
  public Future<Optional<RawMessage>> last(String stream, String subject) {
    return broker
        .request(
            directGet(stream), null, lastOf(subject).getBytes(StandardCharsets.UTF_8), READ_TIMEOUT)
        .map(message -> Optional.of(raw(stream, message)))
        .recover(
            failure ->
                failure instanceof BrokerException refused && refused.code() == 404
                    ? Future.succeededFuture(Optional.empty())
                    : Future.failedFuture(failure));
  }

  @Override
  public Future<Optional<Long>> appendNext(
      String subject, Map<String, String> headers, byte[] body, long expectedLastSequence) {
    Headers all = new Headers().put(EXPECTED_STREAM_SEQUENCE, Long.toString(expectedLastSequence));
    headers.forEach(all::put);
    return broker
        .request(subject, all, body, PUBLISH_TIMEOUT)
        .compose(
            answer -> {
              PubAck ack = acknowledged(answer);
              if (ack.contested()) {
                return Future.succeededFuture(Optional.<Long>empty());
              }
              return ack.errorCode() == 0
                  ? Future.succeededFuture(Optional.of(ack.sequence()))
                  : Future.failedFuture(
                      new BrokerException(Kind.REFUSED, ack.error(), ack.errorCode()));
            });
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
    return broker
        .request(subject, all, body, PUBLISH_TIMEOUT)
        .compose(
            answer -> {
              PubAck ack = acknowledged(answer);
              return ack.errorCode() == 0
                  ? Future.succeededFuture()
                  : Future.failedFuture(
                      new BrokerException(Kind.REFUSED, ack.error(), ack.errorCode()));
            });
  }

  @Override
  public long connections() {
    return broker.connections();
  }

  @Override
  public Future<Instant> consumerCreatedAt(String stream, String name) {
    return ask("$JS.API.CONSUMER.INFO." + stream + "." + name)
        .map(info -> instant(info.path("created").asText()));
  }

  @Override
  public Future<StreamState> state(String stream) {
    return ask("$JS.API.STREAM.INFO." + stream)
        .map(
            info -> {
              JsonNode state = info.path("state");
              return new StreamState(
                  state.path("first_seq").asLong(),
                  state.path("last_seq").asLong(),
                  state.path("messages").asLong());
            });
  }

  @Override
  public Future<ConsumerState> consumer(String stream, String name) {
    return ask("$JS.API.CONSUMER.INFO." + stream + "." + name)
        .map(
            info ->
                new ConsumerState(
                    info.path("num_pending").asLong(),
                    info.path("num_ack_pending").asLong(),
                    info.path("num_redelivered").asLong(),
                    info.path("ack_floor").path("stream_seq").asLong(),
                    info.path("delivered").path("stream_seq").asLong()));
  }

  /** See {@link EventStreams#aggregates}. */
  Future<List<String>> aggregates(EventType type, int offset) {
    String query =
        "{\"subjects_filter\":\"" + subjects.every(type) + "\",\"offset\":" + offset + "}";
    return ask("$JS.API.STREAM.INFO." + subjects.stream(type.domain()), query)
        .map(
            info -> {
              List<String> ids = new ArrayList<>();
              info.path("state")
                  .path("subjects")
                  .fieldNames()
                  .forEachRemaining(subject -> ids.add(Subjects.lastToken(subject)));
              return ids;
            });
  }

  private Future<JsonNode> ask(String apiSubject) {
    return ask(apiSubject, "");
  }

  private Future<JsonNode> ask(String apiSubject, String query) {
    return broker
        .request(apiSubject, null, query.getBytes(StandardCharsets.UTF_8), READ_TIMEOUT)
        .compose(
            answer -> {
              JsonNode info;
              try {
                info = JSON.readTree(answer.getData());
              } catch (IOException e) {
                return Future.failedFuture(new BrokerException(Kind.NO_ANSWER, e.getMessage()));
              }
              JsonNode error = info.path("error");
              return error.isMissingNode()
                  ? Future.succeededFuture(info)
                  : Future.failedFuture(
                      new BrokerException(
                          Kind.REFUSED,
                          error.path("description").asText(),
                          error.path("err_code").asInt()));
            });
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
        .request(subject, headers, encoded, PUBLISH_TIMEOUT)
        .compose(
            answer -> {
              PubAck ack = acknowledged(answer);
              if (ack.errorCode() != 0) {
                return Future.failedFuture(
                    new BrokerException(Kind.REFUSED, ack.error(), ack.errorCode()));
              }
              if (ack.duplicate()) {
                return isOurs(deadLetter, subject, ack.sequence())
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

  /** Stores what is no fact, as a redriven message is none. */
  Future<PubAck> send(String subject, Headers headers, byte[] body) {
    return broker
        .request(subject, headers, body, PUBLISH_TIMEOUT)
        .map(answer -> acknowledged(answer));
  }

  private PubAck acknowledged(Message answer) {
    PubAck ack = PubAck.parse(answer.getData());
    broker.witness().saw(ack.stream(), ack.sequence());
    return ack;
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

  private Optional<Stored> decoded(RawMessage message) {
    try {
      Envelope<?> envelope = codec.decode(message.body());
      if (!belongs(envelope, message.subject(), subjects)) {
        return Optional.empty();
      }
      return Optional.of(
          new Stored(
              message.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              envelope));
    } catch (UndecodableEventException notOurs) {
      return Optional.empty();
    }
  }

  /**
   * Whether an event is the one that its subject promises, rather than another's, or another thing.
   */
  static boolean belongs(Envelope<?> envelope, String subject, Subjects subjects) {
    if (envelope.type() == EventType.MESSAGE_DEAD_LETTERED) { // its subject quotes another
      return subjects.typeOf(subject).equals(Optional.of(envelope.type()));
    }
    String due = subjects.subject(StreamCatalog.DUE); // and so does a timer's
    String fact =
        subject.startsWith(due) ? subjects.subject(subject.substring(due.length())) : subject;
    return fact.equals(subjects.fact(envelope.event()));
  }

  private static String directGet(String stream) {
    return "$JS.API.DIRECT.GET." + stream;
  }

  private static List<RawMessage> raw(String stream, List<Message> messages) {
    return messages.stream().map(message -> raw(stream, message)).toList();
  }

  /**
   * The broker's own headers come last, behind whatever the message claims by the same names. The
   * stream's name is the first of them, and may be glued to headers that do not end as they should.
   */
  private static RawMessage raw(String stream, Message message) {
    Headers headers = message.getHeaders();
    return new RawMessage(
        stream,
        Long.parseLong(headers.getLast("Nats-Sequence")),
        HeaderBlock.subject(headers.getLast("Nats-Subject")),
        instant(headers.getLast("Nats-Time-Stamp")),
        headers,
        message.getData());
  }

  private static Instant instant(String brokerTime) {
    return brokerTime.endsWith("Z")
        ? Timestamps.parse(brokerTime)
        : ZonedDateTime.parse(brokerTime).toInstant();
  }

  private Future<Void> pause(int attempt) {
    Promise<Void> over = Promise.promise();
    long wait = 10 + ThreadLocalRandom.current().nextLong(20L << Math.min(attempt, 5));
    vertx.setTimer(wait, id -> over.complete());
    return over.future();
  }
}
