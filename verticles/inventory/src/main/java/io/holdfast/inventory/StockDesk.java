package io.holdfast.inventory;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.inventory.domain.StockLevel;
import io.holdfast.inventory.domain.StockPlan;
import io.holdfast.inventory.domain.StockRequest;
import io.holdfast.inventory.domain.StockRequest.Release;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits stock requests, many at a time. While one atomic batch is on its way to the broker the
 * next one gathers, so that it grows with the load, and a sold-out sale costs one level per batch
 * instead of one per order.
 *
 * <p>Levels are kept in memory as a hint; the guard on each level is what decides. If another
 * replica wrote first, the batch is refused as a whole, the levels are read again, and what is
 * still open is decided anew. So stock cannot be oversold, with any number of replicas.
 *
 * <p>May be called from any thread; works on an event loop of its own.
 */
public final class StockDesk {

  /** What came of a request. */
  public sealed interface Settled {

    /** Its fact is stored, by this request or an earlier attempt of the same. */
    record Committed(Event fact) implements Settled {}

    /** Its aggregate has another fact already; nothing was stored. */
    record Superseded(List<Stored> facts) implements Settled {}
  }

  private static final int MAX_WAITING = 20_000;
  private static final int MAX_CONFLICTS = 50;
  private static final int MAX_CACHED_LEVELS = 100_000;

  private static final Logger log = LoggerFactory.getLogger(StockDesk.class);

  private final EventStreams streams;
  private final Clock clock;
  private final int maxBatch;
  private final Loop loop;
  private final RandomGenerator random;

  // The loop's alone.
  private final Deque<Work> waiting = new ArrayDeque<>();
  private final Map<String, KnownLevel> levels = new HashMap<>();
  private boolean committing;
  private int conflicts;

  private record KnownLevel(StockLevel level, long sequence) {
    static final KnownLevel NONE = new KnownLevel(StockLevel.NONE, 0);
  }

  /**
   * @param expected the aggregate's last sequence, for the guard. The request's own, or a later one
   *     where somebody has put there what is no fact
   */
  private record Work(StockRequest request, Promise<Settled> settled, long expected) {

    boolean superseded(History history) {
      return history.events().stream().anyMatch(fact -> fact.sequence() > expected);
    }

    /** With the guard that this history demands; a stale one demands nothing. */
    Work behind(History history) {
      return history.lastSequence() > expected
          ? new Work(request, settled, history.lastSequence())
          : this;
    }
  }

  /** Where a desk's work runs, one piece after the other, and where its callers are at home. */
  public interface Loop {

    /** Runs it on the loop, now or later. */
    void run(Runnable work);

    /** What runs things where the caller of this method is. */
    Executor caller();

    /** Completes on the loop after so long. */
    Future<Void> pause(Duration length);
  }

  /**
   * @param maxBatch facts and levels that one batch may hold, at most {@link
   *     EventStreams#MAX_BATCH}
   */
  public StockDesk(Vertx vertx, EventStreams streams, Clock clock, int maxBatch) {
    this(streams, clock, maxBatch, new EventLoop(vertx), new SecureRandom());
  }

  /**
   * On a loop of the caller's making.
   *
   * @param random sets two levels' ids apart, and the pauses of two replicas
   */
  public StockDesk(
      EventStreams streams, Clock clock, int maxBatch, Loop loop, RandomGenerator random) {
    this.streams = streams;
    this.clock = clock;
    this.maxBatch = maxBatch;
    this.loop = loop;
    this.random = random;
  }

  /**
   * Asks for a change.
   *
   * @return what came of it, on the caller's context. Fails with {@link BrokerException} if the
   *     broker could not be asked; the change may be stored or not then, and asking again is safe
   */
  public Future<Settled> submit(StockRequest request) {
    Promise<Settled> answer = Promise.promise();
    Executor caller = loop.caller();
    loop.run(
        () -> {
          Promise<Settled> settled = Promise.promise();
          settled
              .future()
              .onComplete(
                  done ->
                      caller.execute(
                          () -> {
                            if (done.succeeded()) {
                              answer.complete(done.result());
                            } else {
                              answer.fail(done.cause());
                            }
                          }));
          if (waiting.size() >= MAX_WAITING) {
            settled.fail(
                new BrokerException(
                    BrokerException.Kind.OVERLOADED, "too many stock changes wait already"));
            return;
          }
          waiting.add(new Work(request, settled, request.expectedSequence()));
          commitNext();
        });
    return answer.future();
  }

  private void commitNext() {
    if (committing || waiting.isEmpty()) {
      return;
    }
    committing = true;
    List<Work> batch = takeBatch();
    Set<String> doubtful = skus(batch);
    doubtful.removeAll(levels.keySet());
    doubtful.addAll(releasedSkus(batch));
    readLevels(doubtful)
        .compose(read -> planned(batch, doubtful))
        .compose(plan -> commit(batch, plan))
        .onComplete(
            done -> {
              committing = false;
              if (done.failed()) {
                forget(skus(batch));
                batch.forEach(work -> work.settled().tryFail(done.cause()));
              }
              commitNext();
            });
  }

  /**
   * As much as one batch may hold: one fact per aggregate, as guards are not checked between a
   * batch's members.
   */
  private List<Work> takeBatch() {
    int limit =
        Math.max(1, maxBatch >> Math.min(conflicts, 8)); // after a conflict in smaller pieces
    List<Work> batch = new ArrayList<>();
    List<Work> later = new ArrayList<>();
    Set<String> aggregates = new HashSet<>();
    Set<String> skus = new HashSet<>();
    while (!waiting.isEmpty()) {
      Work work = waiting.peek();
      Set<String> more = new HashSet<>(work.request().skus());
      more.removeAll(skus);
      boolean fits = batch.size() + 1 + skus.size() + more.size() <= limit || batch.isEmpty();
      if (!fits) {
        break;
      }
      waiting.remove();
      if (aggregates.add(work.request().domain() + work.request().aggregateId())) {
        batch.add(work);
        skus.addAll(more);
      } else {
        later.add(work);
      }
    }
    later.reversed().forEach(waiting::addFirst);
    return batch;
  }

  /**
   * A rejection is no change of a level, so no guard backs it: it is decided from levels that were
   * read just now.
   */
  private Future<StockPlan> planned(List<Work> batch, Set<String> justRead) {
    StockPlan plan = plan(batch);
    Set<String> doubtful = new HashSet<>(plan.shortSkus());
    doubtful.removeAll(justRead);
    if (doubtful.isEmpty()) {
      return Future.succeededFuture(plan);
    }
    return readLevels(doubtful).map(read -> plan(batch));
  }

  private StockPlan plan(List<Work> batch) {
    Map<String, StockLevel> known = new HashMap<>();
    skus(batch).forEach(sku -> known.put(sku, known(sku).level()));
    return StockPlan.of(batch.stream().map(Work::request).toList(), known);
  }

  private Future<Void> commit(List<Work> batch, StockPlan plan) {
    Instant now = clock.instant();
    List<Guarded> facts = new ArrayList<>(batch.size() + plan.changed().size());
    for (int i = 0; i < batch.size(); i++) {
      StockRequest request = batch.get(i).request();
      facts.add(
          new Guarded(
              Envelope.once(plan.facts().get(i), now, request.traceId()), batch.get(i).expected()));
    }
    // A level's trace is that of the first request that changed it; several may have.
    List<String> changed = List.copyOf(plan.changed().keySet());
    String distinction = new UUID(random.nextLong(), random.nextLong()).toString();
    for (String sku : changed) {
      StockLevel level = plan.changed().get(sku);
      StockLevelChanged fact =
          new StockLevelChanged(sku, level.received(), level.available(), level.reserved());
      facts.add(
          new Guarded(
              Envelope.repeated(fact, distinction, now, traceOf(sku, batch)),
              known(sku).sequence()));
    }
    if (facts.size() == 1) { // an atomic batch would cost the broker a hundred times as much
      return commitAlone(batch.getFirst(), facts.getFirst());
    }
    return streams
        .appendTogether(facts)
        .compose(
            first -> {
              if (first.isEmpty()) {
                return settleConflict(batch);
              }
              conflicts = 0;
              for (int i = 0; i < changed.size(); i++) {
                String sku = changed.get(i);
                long sequence = first.get() + batch.size() + i;
                levels.put(sku, new KnownLevel(plan.changed().get(sku), sequence));
              }
              for (int i = 0; i < batch.size(); i++) {
                batch.get(i).settled().complete(new Settled.Committed(plan.facts().get(i)));
              }
              return Future.succeededFuture();
            });
  }

  private Future<Void> commitAlone(Work work, Guarded fact) {
    return streams
        .append(fact.fact(), fact.expectedSequence())
        .compose(
            result -> {
              if (!(result instanceof Conflict conflict)) {
                conflicts = 0;
                work.settled().complete(new Settled.Committed(fact.fact().event()));
              } else if (work.superseded(conflict.history())) {
                conflicts = 0;
                work.settled().complete(new Settled.Superseded(conflict.history().events()));
              } else {
                waiting.addFirst(work.behind(conflict.history()));
              }
              return Future.succeededFuture();
            });
  }

  /**
   * Somebody wrote to one of these aggregates or levels first. Requests whose aggregate has gained
   * a fact are settled by it; the others were refused only for their company, for a level, or for
   * what is no fact, and wait again.
   */
  private Future<Void> settleConflict(List<Work> batch) {
    forget(skus(batch));
    Map<Domain, List<Work>> byDomain = new LinkedHashMap<>();
    batch.forEach(
        work ->
            byDomain.computeIfAbsent(work.request().domain(), d -> new ArrayList<>()).add(work));
    List<Future<?>> reads = new ArrayList<>();
    List<Work> open = new ArrayList<>();
    List<Work> moved = new ArrayList<>();
    byDomain.forEach(
        (domain, works) ->
            reads.add(
                streams
                    .loadEach(domain, works.stream().map(w -> w.request().aggregateId()).toList())
                    .onSuccess(found -> settle(works, found, open, moved))));
    return Future.all(reads)
        .compose(
            read -> {
              if (open.size() < batch.size() || !moved.isEmpty()) {
                // Redeliveries and foreign messages are no sign of a rival: the rest goes on at
                // once, in full batches.
                open.reversed().forEach(waiting::addFirst);
                return Future.succeededFuture();
              }
              if (++conflicts > MAX_CONFLICTS) {
                return Future.failedFuture(
                    new BrokerException(
                        BrokerException.Kind.NO_ANSWER,
                        "the stock levels are being changed by others all the time"));
              }
              open.reversed().forEach(waiting::addFirst);
              log.atDebug()
                  .addKeyValue("requests", batch.size())
                  .addKeyValue("open", open.size())
                  .log("A batch met a conflict, deciding again");
              return pause();
            });
  }

  private static void settle(
      List<Work> works, Map<String, History> found, List<Work> open, List<Work> moved) {
    for (Work work : works) {
      History history = found.getOrDefault(work.request().aggregateId(), History.EMPTY);
      if (work.superseded(history)) {
        work.settled().complete(new Settled.Superseded(history.events()));
      } else {
        Work again = work.behind(history);
        open.add(again);
        if (again.expected() > work.expected()) {
          moved.add(again);
        }
      }
    }
  }

  private Future<Void> readLevels(Collection<String> skus) {
    if (levels.size() > MAX_CACHED_LEVELS) {
      levels.clear(); // they are only a hint
    }
    List<Future<?>> reads = new ArrayList<>();
    List<String> wanted = List.copyOf(skus);
    for (int from = 0; from < wanted.size(); from += EventStreams.MAX_BATCH) {
      List<String> page =
          wanted.subList(from, Math.min(wanted.size(), from + EventStreams.MAX_BATCH));
      reads.add(streams.loadAll(Domain.STOCK, page).onSuccess(found -> remember(page, found)));
    }
    return Future.all(reads).mapEmpty();
  }

  private void remember(List<String> skus, List<Stored> found) {
    skus.forEach(sku -> levels.put(sku, KnownLevel.NONE));
    for (Stored stored : found) {
      if (stored.envelope().event() instanceof StockLevelChanged fact) {
        levels.put(fact.sku(), new KnownLevel(StockLevel.of(fact), stored.sequence()));
      }
    }
  }

  private void forget(Set<String> skus) {
    skus.forEach(levels::remove);
  }

  private KnownLevel known(String sku) {
    return levels.getOrDefault(sku, KnownLevel.NONE);
  }

  private Future<Void> pause() {
    return loop.pause(Duration.ofMillis(1 + random.nextLong(5L << Math.min(conflicts, 6))));
  }

  /**
   * Another replica may have reserved what is to be released, after the level that is remembered
   * here: more would be freed than that level holds.
   */
  private static Set<String> releasedSkus(List<Work> batch) {
    return skus(batch.stream().filter(work -> work.request() instanceof Release).toList());
  }

  private static Set<String> skus(List<Work> batch) {
    return batch.stream()
        .flatMap(work -> work.request().skus().stream())
        .collect(Collectors.toCollection(HashSet::new));
  }

  private static String traceOf(String sku, List<Work> batch) {
    return batch.stream()
        .map(Work::request)
        .filter(request -> request.skus().contains(sku))
        .findFirst()
        .map(StockRequest::traceId)
        .orElseThrow();
  }

  /** The current level, straight from the stream. */
  public Future<Optional<StockLevelChanged>> level(String sku) {
    return streams
        .loadAll(Domain.STOCK, List.of(sku))
        .map(
            found ->
                found.stream()
                    .map(stored -> stored.envelope().event())
                    .filter(StockLevelChanged.class::isInstance)
                    .map(StockLevelChanged.class::cast)
                    .findFirst());
  }
}
