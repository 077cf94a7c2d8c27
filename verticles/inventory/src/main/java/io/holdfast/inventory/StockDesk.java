package io.holdfast.inventory;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.StockEvent.Hold;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.inventory.domain.StockLevel;
import io.holdfast.inventory.domain.StockPlan;
import io.holdfast.inventory.domain.StockRequest;
import io.holdfast.inventory.domain.StockRequest.Release;
import io.holdfast.inventory.domain.StockRequest.Reserve;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
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
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits stock requests, many at a time. While one atomic batch is on its way to the broker the
 * next one gathers, so that it grows with the load, and a sold-out sale costs one level per batch
 * instead of one per order.
 *
 * <p>A lone order for one sku is stored in two steps instead, as an atomic batch costs a broker
 * that keeps one copy in files more than a millisecond however small it is: first the level, which
 * names the order in a {@link Hold}, then the reservation. Whatever happens between the two, who
 * reads the level next knows of it. The order's redelivery stores what is missing; if the order was
 * decided otherwise, the hold is given back before its message is settled. That rests on there
 * being a redelivery, so two steps are taken only where nobody else can have settled the message
 * meanwhile: see {@link Reserve#aloneUntil}. And the level must have been known when the request
 * came: then its guard refuses the first step if somebody else was quicker with this order.
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

  /** A replica that is behind has caught up by then, or it is none. */
  private static final int MAX_READS = 10;

  private static final Duration READ_AGAIN = Duration.ofMillis(50);

  /** More on one level are passed on, but not made. */
  private static final int MAX_HOLDS = 16;

  private static final Logger log = LoggerFactory.getLogger(StockDesk.class);

  private final EventStreams streams;
  private final Clock clock;
  private final int maxBatch;
  private final Loop loop;
  private final RandomGenerator random;

  // The loop's alone.
  private final Deque<Work> waiting = new ArrayDeque<>();
  private final Map<String, KnownLevel> levels = new HashMap<>();
  private long reads;
  private boolean committing;
  private int conflicts;

  /**
   * @param read when it was last read, counted in reads; what this desk has written since leaves no
   *     room for others' writes
   * @param newest stream sequence of the newest fact that this takes into account, the level's own
   *     or a reservation's that one of its holds stood for
   */
  private record KnownLevel(StockLevel level, long sequence, long read, long newest) {
    static final KnownLevel NONE = new KnownLevel(StockLevel.NONE, 0, 0, 0);

    KnownLevel settled(String orderId, long reserved) {
      return new KnownLevel(level.settled(orderId), sequence, read, Math.max(newest, reserved));
    }

    /** As it is when it is known what became of the order of one of its holds. */
    KnownLevel inViewOf(Hold hold, Fate fate) {
      return fate.reserved() > hold.after()
          ? settled(hold.orderId(), fate.reserved())
          : new KnownLevel(level.givenBack(hold), sequence, read, newest);
    }
  }

  /**
   * What became of an order that was to be reserved for.
   *
   * @param reserved the stream sequence of its InventoryReserved; 0 if it will never have one
   */
  private record Fate(long reserved) {

    /** Of those of whom it is known. */
    static <K> Map<K, Fate> ofEach(Map<K, History> orders) {
      Map<K, Fate> fates = new LinkedHashMap<>();
      orders.forEach((order, history) -> of(history).ifPresent(fate -> fates.put(order, fate)));
      return fates;
    }

    /** Empty while that is open. */
    static Optional<Fate> of(History order) {
      return order.events().isEmpty()
          ? Optional.empty()
          : Optional.of(
              new Fate(
                  order.events().stream()
                      .filter(fact -> fact.envelope().event() instanceof InventoryReserved)
                      .mapToLong(Stored::sequence)
                      .max()
                      .orElse(0)));
    }
  }

  /**
   * @param expected the aggregate's last sequence, for the guard. The request's own, or a later one
   *     where somebody has put there what is no fact
   * @param came after so many reads of levels
   */
  private record Work(StockRequest request, Promise<Settled> settled, long expected, long came) {

    boolean reserves() {
      return request instanceof Reserve;
    }

    boolean superseded(History history) {
      return history.events().stream().anyMatch(fact -> fact.sequence() > expected);
    }

    /** With the guard that this history demands; a stale one demands nothing. */
    Work behind(History history) {
      return history.lastSequence() > expected
          ? new Work(request, settled, history.lastSequence(), came)
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
          waiting.add(new Work(request, settled, request.expectedSequence(), reads));
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
    Future.succeededFuture() // what throws before the first answer is a failure like any other
        .compose(v -> readLevels(doubtful))
        .compose(read -> planned(batch, doubtful, 1))
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
   * read just now. A release of more than is held was decided on a level that a replica told which
   * is behind; if it stays so, it is what is stored that does not add up.
   */
  private Future<StockPlan> planned(List<Work> batch, Set<String> justRead, int reads) {
    StockPlan plan;
    try {
      plan = plan(batch);
    } catch (IllegalArgumentException doesNotAddUp) {
      return reads >= MAX_READS
          ? Future.failedFuture(doesNotAddUp)
          : loop.pause(READ_AGAIN)
              .compose(v -> readLevels(skus(batch)))
              .compose(v -> planned(batch, skus(batch), reads + 1));
    }
    Set<String> doubtful = new HashSet<>(plan.shortSkus());
    doubtful.removeAll(justRead);
    if (doubtful.isEmpty()) {
      return Future.succeededFuture(plan);
    }
    Set<String> read = new HashSet<>(justRead);
    read.addAll(doubtful);
    return readLevels(doubtful).compose(v -> planned(batch, read, reads));
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
    List<String> changed = List.copyOf(plan.changed().keySet());
    if (facts.size() == 1
        && changed.size() == 1
        && mayTakeTwoSteps(batch.getFirst(), known(changed.getFirst()))) {
      String sku = changed.getFirst();
      return commitInTwoSteps(batch.getFirst(), facts.getFirst(), sku, plan.changed().get(sku));
    }
    // A level's trace is that of the first request that changed it; several may have.
    String distinction = distinction();
    for (String sku : changed) {
      StockLevelChanged fact = plan.changed().get(sku).toFact(sku);
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
                remember(sku, plan.changed().get(sku), sequence);
              }
              Map<Work, Fate> doubtful = new LinkedHashMap<>();
              for (int i = 0; i < batch.size(); i++) {
                Appended stored = new Appended(first.get() + i, false);
                Map<Work, Fate> ofThis = doubtful(batch.get(i), plan.facts().get(i), stored);
                doubtful.putAll(ofThis);
                if (ofThis.isEmpty()) {
                  noHoldLeft(batch.get(i), stored.sequence());
                }
              }
              return giveBackWhatIsHeldFor(doubtful)
                  .onSuccess(
                      done -> {
                        for (int i = 0; i < batch.size(); i++) {
                          Event decided = plan.facts().get(i);
                          batch.get(i).settled().complete(new Settled.Committed(decided));
                        }
                      });
            });
  }

  private Future<Void> commitAlone(Work work, Guarded fact) {
    return streams
        .append(fact.fact(), fact.expectedSequence())
        .compose(
            result -> {
              switch (result) {
                case Appended stored -> {
                  Event decided = fact.fact().event();
                  Map<Work, Fate> doubtful = doubtful(work, decided, stored);
                  if (doubtful.isEmpty()) {
                    noHoldLeft(work, stored.sequence());
                  }
                  return settle(work, new Settled.Committed(decided), doubtful);
                }
                case Conflict conflict -> {
                  if (work.superseded(conflict.history())) {
                    return settle(
                        work,
                        new Settled.Superseded(conflict.history().events()),
                        Map.of(work, Fate.of(conflict.history()).orElseThrow()));
                  }
                  waiting.addFirst(work.behind(conflict.history()));
                  return Future.succeededFuture();
                }
              }
            });
  }

  private Future<Void> settle(Work work, Settled settled, Map<Work, Fate> doubtful) {
    conflicts = 0;
    return giveBackWhatIsHeldFor(doubtful).onSuccess(done -> work.settled().complete(settled));
  }

  /** The request, if an earlier attempt of it may have held something that is held for nobody. */
  private static Map<Work, Fate> doubtful(Work work, Event decided, Appended stored) {
    if (!(work.request() instanceof Reserve reserve)) {
      return Map.of();
    }
    if (decided instanceof InventoryReserved) {
      return stored.repeated() ? Map.of(work, new Fate(stored.sequence())) : Map.of();
    }
    return reserve.first() && !stored.repeated() ? Map.of() : Map.of(work, new Fate(0));
  }

  private boolean mayTakeTwoSteps(Work work, KnownLevel known) {
    return work.request() instanceof Reserve reserve
        && reserve.first()
        && clock.instant().isBefore(reserve.aloneUntil())
        && known.read() <= work.came()
        && known.level().holds().size() < MAX_HOLDS;
  }

  private Future<Void> commitInTwoSteps(
      Work work, Guarded reservation, String sku, StockLevel reserved) {
    KnownLevel before = known(sku);
    String orderId = work.request().aggregateId();
    StockLevel level =
        reserved.holding(orderId, reserved.reserved() - before.level().reserved(), before.newest());
    return append(sku, level, before.sequence(), work.request().traceId())
        .compose(
            result -> {
              if (result instanceof Appended stored) {
                remember(sku, level, stored.sequence());
                return commitAlone(work, reservation);
              }
              return settleConflict(List.of(work));
            });
  }

  private void remember(String sku, StockLevel level, long sequence) {
    levels.put(sku, new KnownLevel(level, sequence, known(sku).read(), sequence));
  }

  private Future<AppendResult> append(
      String sku, StockLevel level, long expectedSequence, String traceId) {
    return streams.append(
        Envelope.repeated(level.toFact(sku), distinction(), clock.instant(), traceId),
        expectedSequence);
  }

  private String distinction() {
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  /**
   * @param sequence of the fact that says what was held or is not needed
   */
  private void noHoldLeft(Work work, long sequence) {
    if (work.reserves()) {
      String orderId = work.request().aggregateId();
      for (String sku : work.request().skus()) {
        levels.computeIfPresent(sku, (name, known) -> known.settled(orderId, sequence));
      }
    }
  }

  /**
   * Sees to it that no level holds anything for orders that were decided otherwise. The levels are
   * written anew even if they hold nothing: a request of an earlier attempt may still be on its way
   * to the broker, and must find another level than the one that it builds on.
   */
  private Future<Void> giveBackWhatIsHeldFor(Map<Work, Fate> decided) {
    List<Work> orders = decided.keySet().stream().filter(Work::reserves).toList();
    if (orders.isEmpty()) {
      return Future.succeededFuture();
    }
    Map<String, Fate> fates = new HashMap<>();
    orders.forEach(work -> fates.put(work.request().aggregateId(), decided.get(work)));
    return giveBack(orders, fates, 1);
  }

  private Future<Void> giveBack(List<Work> orders, Map<String, Fate> fates, int round) {
    if (round > MAX_CONFLICTS) {
      return Future.failedFuture(contended());
    }
    Set<String> skus = skus(orders);
    Set<String> unknown = new HashSet<>(skus);
    unknown.removeAll(levels.keySet());
    return readLevels(unknown)
        .compose(
            read -> Future.all(skus.stream().map(sku -> giveBack(sku, orders, fates)).toList()))
        .compose(
            all ->
                skus.stream().allMatch(levels::containsKey)
                    ? Future.<Void>succeededFuture()
                    : pause().compose(v -> giveBack(orders, fates, round + 1)));
  }

  /** One level; forgets it if another was first. */
  private Future<?> giveBack(String sku, List<Work> orders, Map<String, Fate> fates) {
    judgeHolds(sku, fates); // what was read may be older than what is known
    KnownLevel known = known(sku);
    return append(sku, known.level(), known.sequence(), traceOf(sku, orders))
        .onSuccess(
            result -> {
              if (result instanceof Appended stored) {
                remember(sku, known.level(), stored.sequence());
              } else {
                levels.remove(sku);
              }
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
    Map<Work, History> decided = new LinkedHashMap<>();
    byDomain.forEach(
        (domain, works) ->
            reads.add(
                streams
                    .loadEach(domain, works.stream().map(w -> w.request().aggregateId()).toList())
                    .onSuccess(found -> sort(works, found, open, moved, decided))));
    return Future.all(reads)
        .compose(read -> giveBackWhatIsHeldFor(Fate.ofEach(decided)))
        .compose(
            done -> {
              decided.forEach(
                  (work, history) ->
                      work.settled().complete(new Settled.Superseded(history.events())));
              if (open.size() < batch.size() || !moved.isEmpty()) {
                // Redeliveries and foreign messages are no sign of a rival: the rest goes on at
                // once, in full batches.
                open.reversed().forEach(waiting::addFirst);
                return Future.succeededFuture();
              }
              if (++conflicts > MAX_CONFLICTS) {
                return Future.failedFuture(contended());
              }
              open.reversed().forEach(waiting::addFirst);
              log.atDebug()
                  .addKeyValue("requests", batch.size())
                  .addKeyValue("open", open.size())
                  .log("A batch met a conflict, deciding again");
              return pause();
            });
  }

  private static BrokerException contended() {
    return new BrokerException(
        BrokerException.Kind.NO_ANSWER,
        "the stock levels are being changed by others all the time");
  }

  private static void sort(
      List<Work> works,
      Map<String, History> found,
      List<Work> open,
      List<Work> moved,
      Map<Work, History> decided) {
    for (Work work : works) {
      History history = found.getOrDefault(work.request().aggregateId(), History.EMPTY);
      if (work.superseded(history)) {
        decided.put(work, history);
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
    List<String> wanted = List.copyOf(skus);
    return byPages(
            wanted,
            page -> streams.loadAll(Domain.STOCK, page).onSuccess(found -> remember(page, found)))
        .compose(read -> lookAtHolds(wanted));
  }

  /** As many ids at a time as may be asked for. */
  private static Future<Void> byPages(List<String> ids, Function<List<String>, Future<?>> read) {
    List<Future<?>> reads = new ArrayList<>();
    for (int from = 0; from < ids.size(); from += EventStreams.MAX_BATCH) {
      reads.add(read.apply(ids.subList(from, Math.min(ids.size(), from + EventStreams.MAX_BATCH))));
    }
    return Future.all(reads).mapEmpty();
  }

  private void remember(List<String> skus, List<Stored> found) {
    reads++;
    skus.forEach(sku -> levels.put(sku, new KnownLevel(StockLevel.NONE, 0, reads, 0)));
    for (Stored stored : found) {
      if (stored.envelope().event() instanceof StockLevelChanged fact) {
        long sequence = stored.sequence();
        levels.put(fact.sku(), new KnownLevel(StockLevel.of(fact), sequence, reads, sequence));
      }
    }
  }

  /** What became of the orders for which these levels hold something. */
  private Future<Void> lookAtHolds(List<String> skus) {
    List<String> orders =
        skus.stream()
            .flatMap(sku -> known(sku).level().holds().stream())
            .map(Hold::orderId)
            .distinct()
            .toList();
    return byPages(
        orders,
        page ->
            streams
                .loadEach(Domain.INVENTORY, page)
                .onSuccess(
                    found -> {
                      Map<String, Fate> fates = Fate.ofEach(found);
                      skus.forEach(sku -> judgeHolds(sku, fates));
                    }));
  }

  private void judgeHolds(String sku, Map<String, Fate> fates) {
    for (Hold hold : known(sku).level().holds()) {
      Fate fate = fates.get(hold.orderId());
      if (fate != null) {
        levels.computeIfPresent(sku, (name, known) -> known.inViewOf(hold, fate));
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
