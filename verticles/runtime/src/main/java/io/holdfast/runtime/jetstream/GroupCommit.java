package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.telemetry.Work;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Appends to one stream, of which those that come while others are on their way are stored
 * together, in one atomic batch. A broker that puts every write on the disk before it acknowledges
 * it does so once for a batch; the batches grow with the load, and a lone append waits for nobody.
 *
 * <p>A batch that is refused is refused for one of its members: each is appended alone then, which
 * tells whose fault it was. What an append promises is what {@link EventStreams#append} says.
 * Thread-safe; nothing blocks for longer than it takes to put a batch together.
 */
final class GroupCommit {

  /** More make the broker no faster, and hold up what comes behind them. */
  private static final int MAX_MEMBERS = 200;

  private static final int MAX_BYTES = 512 * 1024;
  private static final int MAX_WAITING = 10_000;

  /** While one is being written, the next is on its way already. */
  private static final int MAX_IN_FLIGHT = 2;

  /** How one stream's appends are sent. */
  interface Sender {

    /** See {@link EventStreams#append}. */
    Future<AppendResult> alone(Envelope<?> fact, byte[] body, long expectedSequence, Work work);

    /** See {@link EventStreams#appendTogether}. */
    Future<Optional<Long>> together(List<Guarded> facts, List<byte[]> bodies, List<Work> works);

    /** What came of an append to which there was no answer. */
    Future<AppendResult> lookBack(
        Envelope<?> fact,
        byte[] body,
        long expectedSequence,
        Work work,
        BrokerException unanswered);
  }

  private static final class Member {
    final Guarded append;
    final byte[] body;
    final Work work;
    final Context context;
    final Promise<AppendResult> result = Promise.promise();
    final long since = System.nanoTime();

    Member(Guarded append, byte[] body, Work work, Context context) {
      this.append = append;
      this.body = body;
      this.work = work;
      this.context = context;
    }

    String aggregateId() {
      return append.fact().event().aggregateId();
    }
  }

  private final Vertx vertx;
  private final Sender sender;
  private final long patienceNanos;

  // Guarded by this.
  private final Deque<Member> waiting = new ArrayDeque<>();
  private int inFlight;

  /**
   * @param patience after which an append is not sent any more
   */
  GroupCommit(Vertx vertx, Sender sender, Duration patience) {
    this.vertx = vertx;
    this.sender = sender;
    this.patienceNanos = patience.toNanos();
  }

  /** See {@link EventStreams#append}. */
  Future<AppendResult> append(Envelope<?> fact, byte[] body, long expectedSequence, Work work) {
    Member member =
        new Member(new Guarded(fact, expectedSequence), body, work, vertx.getOrCreateContext());
    synchronized (this) {
      if (waiting.size() >= MAX_WAITING) {
        return Future.failedFuture(
            new BrokerException(Kind.OVERLOADED, "too many appends wait for the broker"));
      }
      waiting.add(member);
    }
    sendNext();
    return member.result.future();
  }

  private void sendNext() {
    for (List<Member> batch = next(); !batch.isEmpty(); batch = next()) {
      sent(batch).onComplete(done -> landed());
    }
  }

  private void landed() {
    synchronized (this) {
      inFlight--;
    }
    sendNext();
  }

  /** What is to be sent now, with one fact per aggregate; nothing if it is not its turn yet. */
  private synchronized List<Member> next() {
    List<Member> batch = new ArrayList<>();
    if (inFlight >= MAX_IN_FLIGHT || waiting.isEmpty()) {
      return batch;
    }
    Set<String> aggregates = new HashSet<>();
    List<Member> later = new ArrayList<>(0);
    int bytes = 0;
    while (!waiting.isEmpty() && batch.size() < MAX_MEMBERS && bytes < MAX_BYTES) {
      Member member = waiting.remove();
      if (aggregates.add(member.aggregateId())) {
        batch.add(member);
        bytes += member.body.length;
      } else {
        later.add(member);
      }
    }
    later.reversed().forEach(waiting::addFirst);
    inFlight++;
    return batch;
  }

  /** The batch without those for whom it is too late; comes to an end whatever happens. */
  private Future<?> sent(List<Member> batch) {
    long now = System.nanoTime();
    int late = 0; // whoever waits longest comes first
    while (late < batch.size() && now - batch.get(late).since > patienceNanos) {
      late++;
    }
    if (late > 0) {
      BrokerException tooSlow = new BrokerException(Kind.OVERLOADED, "the broker is too slow");
      answer(batch.subList(0, late), index -> Future.failedFuture(tooSlow));
    }
    List<Member> inTime = batch.subList(late, batch.size());
    try {
      return inTime.isEmpty() ? Future.succeededFuture() : send(inTime);
    } catch (RuntimeException notSent) {
      answer(inTime, index -> Future.failedFuture(notSent));
      return Future.succeededFuture();
    }
  }

  private Future<?> send(List<Member> batch) {
    if (batch.size() == 1) {
      return alone(batch.getFirst());
    }
    return sender
        .together(
            batch.stream().map(member -> member.append).toList(),
            batch.stream().map(member -> member.body).toList(),
            batch.stream().map(member -> member.work).toList())
        .transform(
            done -> {
              if (done.succeeded() && done.result().isPresent()) {
                long first = done.result().get();
                answer(batch, i -> Future.succeededFuture(new Appended(first + i, false)));
                return Future.succeededFuture();
              }
              if (done.succeeded() || refused(done.cause())) {
                return Future.join(batch.stream().map(this::alone).toList());
              }
              if (done.cause() instanceof BrokerException unsure
                  && unsure.kind() == Kind.NO_ANSWER) {
                return Future.join(batch.stream().map(one -> lookBack(one, unsure)).toList());
              }
              answer(batch, index -> Future.failedFuture(done.cause()));
              return Future.succeededFuture();
            });
  }

  private static boolean refused(Throwable cause) {
    return cause instanceof BrokerException failure && failure.kind() == Kind.REFUSED;
  }

  private Future<AppendResult> alone(Member member) {
    Guarded append = member.append;
    return answered(
        member, sender.alone(append.fact(), member.body, append.expectedSequence(), member.work));
  }

  private Future<AppendResult> lookBack(Member member, BrokerException unsure) {
    Guarded append = member.append;
    return answered(
        member,
        sender.lookBack(
            append.fact(), member.body, append.expectedSequence(), member.work, unsure));
  }

  private Future<AppendResult> answered(Member member, Future<AppendResult> sent) {
    return sent.onComplete(done -> answer(List.of(member), index -> sent));
  }

  private interface Results {
    Future<AppendResult> of(int member);
  }

  /** To each on its own context, all of one context in one hop. */
  private static void answer(List<Member> members, Results results) {
    Map<Context, List<Runnable>> hops = new LinkedHashMap<>(4);
    for (int i = 0; i < members.size(); i++) {
      Member member = members.get(i);
      Future<AppendResult> result = results.of(i);
      hops.computeIfAbsent(member.context, context -> new ArrayList<>(members.size()))
          .add(() -> result.onComplete(member.result));
    }
    hops.forEach((context, all) -> context.runOnContext(now -> all.forEach(Runnable::run)));
  }
}
