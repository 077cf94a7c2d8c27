package io.holdfast.runtime.jetstream;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.DeadLetter.Resolved;
import io.holdfast.runtime.telemetry.Traceparent;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Where an operator deals with dead letters: looks at them, sends their messages back, or leaves
 * them for good. What was done is a fact in DEADLETTERS, stored before it is done and once at most
 * for each dead letter, so that any number of operators may try the same.
 *
 * <p>Methods may be called on an event loop and never block; a failed future carries a {@link
 * BrokerException}.
 */
public final class DeadLetterDesk {

  private static final int PAGE = 250;
  private static final int PAGE_BYTES = 2 << 20;

  private final StreamReader reader;
  private final Histories histories;
  private final Appends appends;
  private final Subjects subjects;
  private final EventCodec codec;
  private final String stream;

  DeadLetterDesk(
      StreamReader reader,
      Histories histories,
      Appends appends,
      Subjects subjects,
      EventCodec codec) {
    this.reader = reader;
    this.histories = histories;
    this.appends = appends;
    this.subjects = subjects;
    this.codec = codec;
    this.stream = subjects.stream(Domain.DEADLETTERS);
  }

  /**
   * Some dead letters, in the order in which they were parked.
   *
   * @param next where to read on; 0 if there is nothing more
   */
  public record Page(List<DeadLetter> letters, long next) {}

  /**
   * Which dead letters are meant; null means any.
   *
   * @param since not those that were parked before
   * @param resolvedToo also those that somebody has dealt with
   */
  public record Filter(
      String service,
      String consumer,
      String reason,
      String aggregateId,
      Instant since,
      boolean resolvedToo) {

    public boolean matches(DeadLetter letter) {
      MessageDeadLettered message = letter.message();
      return (resolvedToo || letter.open())
          && (service == null || service.equals(letter.service()))
          && (consumer == null || consumer.equals(message.consumer()))
          && (reason == null || reason.equals(message.reason()))
          && (aggregateId == null || aggregateId.equals(message.aggregateId()))
          && (since == null || !letter.parkedAt().isBefore(since));
    }
  }

  /**
   * What stands at a sequence of DEADLETTERS.
   *
   * @param problem why there is no letter, one sentence for a person; empty if there is one
   */
  public record Found(Optional<DeadLetter> letter, String problem) {}

  /** What came of a redrive or a discard. */
  public sealed interface Result {

    /**
     * It is done.
     *
     * @param before somebody, perhaps we, had done it before: a redriven message was sent again,
     *     which changes nothing if the first one arrived
     */
    record Done(DeadLetter letter, boolean before) implements Result {}

    /**
     * It cannot be done, and nothing was.
     *
     * @param why one sentence for a person
     */
    record Refused(String why) implements Result {}
  }

  /**
   * The next dead letters.
   *
   * @param from sequence in DEADLETTERS to begin at, 1 for the first one
   */
  public Future<Page> page(long from) {
    return reader
        .read(stream, from, PAGE, PAGE_BYTES)
        .compose(
            messages -> {
              List<DeadLetter> letters = new ArrayList<>();
              messages.forEach(message -> letter(message).ifPresent(letters::add));
              long next = messages.isEmpty() ? 0 : messages.getLast().sequence() + 1;
              return withResolutions(letters).map(all -> new Page(all, next));
            });
  }

  /** The dead letter of this sequence. */
  public Future<Found> find(long sequence) {
    return reader
        .read(stream, sequence, 1, PAGE_BYTES)
        .compose(
            messages -> {
              if (messages.isEmpty() || messages.getFirst().sequence() != sequence) {
                return Future.succeededFuture(missing("There is no dead letter " + sequence));
              }
              return letter(messages.getFirst())
                  .map(
                      letter ->
                          withResolutions(List.of(letter))
                              .map(all -> new Found(Optional.of(all.getFirst()), "")))
                  .orElseGet(
                      () ->
                          Future.succeededFuture(
                              missing(
                                  "%d is not a dead letter: %s stands there"
                                      .formatted(sequence, messages.getFirst().subject()))));
            });
  }

  /**
   * Sends a dead letter's message back to the consumer that gave it up, and to no other. If it
   * fails again it is parked again, as a new dead letter. One that was redriven before is sent
   * again, in case a crash came in between; effects are idempotent, so that changes nothing else.
   *
   * @param reason for a person; may be null
   * @param operator who asks for it; may be null
   */
  public Future<Result> redrive(long sequence, String reason, String operator) {
    return find(sequence)
        .compose(
            found -> {
              if (found.letter().isEmpty()) {
                return refused(found.problem());
              }
              DeadLetter letter = found.letter().get();
              if (StreamCatalog.known(letter.message().consumer()).isEmpty()) {
                return refused(
                    "%d was given up by %s, and there is no such consumer any more"
                        .formatted(sequence, letter.message().consumer()));
              }
              if (letter.message().shortenedFrom() != null) {
                return refused(
                    "%d holds its message in part only; it stands whole in %s at %d"
                        .formatted(
                            sequence, letter.message().stream(), letter.message().sequence()));
              }
              return resolve(letter, Resolution.REDRIVEN, reason, operator)
                  .compose(
                      result ->
                          result instanceof Result.Done done
                              ? send(done.letter()).map(result)
                              : Future.succeededFuture(result));
            });
  }

  /**
   * Leaves a dead letter as it is, for good: nobody can redrive it any more.
   *
   * @param reason for a person
   * @param operator who says so; may be null
   */
  public Future<Result> discard(long sequence, String reason, String operator) {
    return find(sequence)
        .compose(
            found ->
                found.letter().isEmpty()
                    ? refused(found.problem())
                    : resolve(found.letter().get(), Resolution.DISCARDED, reason, operator));
  }

  private static Found missing(String problem) {
    return new Found(Optional.empty(), problem);
  }

  private static Future<Result> refused(String why) {
    return Future.succeededFuture(new Result.Refused(why));
  }

  /** Stores what is to become of it, unless somebody else has; the guard decides. */
  private Future<Result> resolve(
      DeadLetter letter, Resolution wanted, String reason, String operator) {
    if (!letter.open()) {
      return Future.succeededFuture(judged(letter, wanted));
    }
    DeadLetterResolved fact =
        new DeadLetterResolved(
            letter.sequence(),
            wanted,
            letter.message().consumer(),
            letter.message().subject(),
            reason,
            operator);
    // An id of its own, or another operator's fact would be taken for ours.
    String distinction = Long.toString(ThreadLocalRandom.current().nextLong() >>> 1, 36);
    Instant now = Instant.now();
    return appends
        .append(Envelope.repeated(fact, distinction, now, letter.traceId()), 0)
        .map(
            result ->
                switch (result) {
                  case Appended ours -> new Result.Done(with(letter, fact, now), false);
                  case Conflict conflict ->
                      conflict.history().find(DeadLetterResolved.class).isEmpty()
                          ? new Result.Refused(
                              "What stands where %d is resolved is no fact of ours"
                                  .formatted(letter.sequence()))
                          : judged(
                              with(
                                  letter,
                                  conflict.history().find(DeadLetterResolved.class).get(),
                                  conflict.history().events().getFirst().storedAt()),
                              wanted);
                });
  }

  /** What it means for the second one who wants to resolve it. */
  private static Result judged(DeadLetter letter, Resolution wanted) {
    Resolved resolved = letter.resolved().orElseThrow();
    DeadLetterResolved fact = resolved.fact();
    if (fact.resolution() == wanted) {
      return new Result.Done(letter, true);
    }
    return new Result.Refused(
        "%d was %s already, %s%s%s"
            .formatted(
                letter.sequence(),
                fact.resolution().wireName(),
                resolved.at(),
                fact.operator() == null ? "" : " by " + fact.operator(),
                fact.reason() == null ? "" : ": " + fact.reason()));
  }

  private static DeadLetter with(DeadLetter letter, DeadLetterResolved fact, Instant at) {
    return new DeadLetter(
        letter.sequence(),
        letter.parkedAt(),
        letter.service(),
        letter.traceId(),
        letter.message(),
        Optional.of(new Resolved(fact, at)));
  }

  private Future<Void> send(DeadLetter letter) {
    return storedAt(letter)
        .compose(
            storedAt -> {
              MessageDeadLettered message = letter.message();
              String group = StreamCatalog.consumer(message.consumer()).group();
              return appends.send(
                  subjects.redrive(group, message.consumer(), message.subject()),
                  headers(letter, storedAt),
                  letter.payload());
            });
  }

  /** When the message was first stored, if it is still where it was; else empty. */
  private Future<Optional<Instant>> storedAt(DeadLetter letter) {
    MessageDeadLettered message = letter.message();
    return reader
        .read(message.stream(), message.sequence(), 1, PAGE_BYTES)
        .map(
            messages ->
                messages.stream()
                    .filter(m -> m.sequence() == message.sequence())
                    .filter(m -> m.subject().equals(message.subject()))
                    .map(RawMessage::storedAt)
                    .findFirst())
        .otherwise(Optional.empty());
  }

  /**
   * The message's own, without those by which the broker would judge it a second time, and where it
   * comes from.
   */
  private static Headers headers(DeadLetter letter, Optional<Instant> storedAt) {
    Headers headers = new Headers();
    letter
        .message()
        .headers()
        .forEach(
            (name, values) -> {
              String lower = name.toLowerCase(Locale.ROOT);
              if (!lower.startsWith("nats-")
                  && !lower.startsWith(Provenance.PREFIX.toLowerCase(Locale.ROOT))) {
                try {
                  headers.put(name, values);
                } catch (IllegalArgumentException notSendable) {
                  // a name or value that this client cannot write; no handler of ours looks at it
                }
              }
            });
    if (Traceparent.traceId(headers.getFirst(Traceparent.HEADER)).isEmpty()) {
      headers.put(Traceparent.HEADER, Traceparent.next(letter.traceId()));
    }
    headers
        .put("Nats-Msg-Id", "redrive-" + letter.sequence())
        .put(Provenance.DEAD_LETTER, Long.toString(letter.sequence()))
        .put(Provenance.STREAM, letter.message().stream())
        .put(Provenance.SEQUENCE, Long.toString(letter.message().sequence()));
    storedAt.ifPresent(time -> headers.put(Provenance.TIME, time.toString()));
    return headers;
  }

  /** The dead letter in a message of DEADLETTERS, if it is one. */
  private Optional<DeadLetter> letter(RawMessage message) {
    try {
      Envelope<?> envelope = codec.decode(message.body());
      if (!(envelope.event() instanceof MessageDeadLettered fact)
          || !Stored.belongs(envelope, message.subject(), subjects)) {
        return Optional.empty();
      }
      String service = subjects.withoutNamespace(message.subject()).split("\\.", 3)[1];
      return Optional.of(
          new DeadLetter(
              message.sequence(),
              message.storedAt(),
              service,
              envelope.traceId(),
              fact,
              Optional.empty()));
    } catch (UndecodableEventException notOurs) {
      return Optional.empty();
    }
  }

  private Future<List<DeadLetter>> withResolutions(List<DeadLetter> letters) {
    if (letters.isEmpty()) {
      return Future.succeededFuture(letters);
    }
    List<String> places =
        letters.stream()
            .map(
                letter ->
                    subjects.fact(EventType.DEAD_LETTER_RESOLVED, Long.toString(letter.sequence())))
            .toList();
    return histories
        .lastFacts(Domain.DEADLETTERS, places)
        .map(
            facts -> {
              Map<Long, Stored> byLetter = new HashMap<>();
              for (Stored stored : facts) {
                if (stored.envelope().event() instanceof DeadLetterResolved fact) {
                  byLetter.put(fact.deadLetter(), stored);
                }
              }
              return letters.stream()
                  .map(
                      letter -> {
                        Stored stored = byLetter.get(letter.sequence());
                        return stored == null
                            ? letter
                            : with(
                                letter,
                                (DeadLetterResolved) stored.envelope().event(),
                                stored.storedAt());
                      })
                  .toList();
            });
  }
}
