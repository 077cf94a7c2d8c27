package io.holdfast.runtime.jetstream;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.nats.client.JetStreamApiException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;

/**
 * One verticle group's share of the broker: its streams and consumers are created and checked, its
 * facts appended, its consumers run, and all of it can be drained.
 */
public final class GroupStreams implements EventStreams {

  private static final long CHECK_MILLIS = 1_000;

  private final Vertx vertx;
  private final Broker broker;
  private final String group;
  private final CommonSettings settings;
  private final Set<String> streams;
  private final Meters meters;
  private final Tracing tracing;
  private final Logger log;
  private final EventCodec codec = new EventCodec();
  private final JetStreamApi api;
  private final Histories histories;
  private final Appends appends;
  private final StreamReader reader;
  private final DeadLetters deadLetters;
  private final StorageRoom room;
  private final AtomicBoolean watchesRoom = new AtomicBoolean();
  private final Parked parked;
  private final List<JetStreamBridge> bridges = new CopyOnWriteArrayList<>();

  private final AtomicBoolean checking = new AtomicBoolean();
  private final AtomicBoolean recheckDue = new AtomicBoolean();
  private volatile List<String> problems = List.of("not checked yet");
  private volatile boolean onceReady;
  private volatile boolean draining;

  /**
   * @param streams names of those that the group reads or writes, without a namespace
   */
  public GroupStreams(
      Vertx vertx,
      Broker broker,
      String group,
      CommonSettings settings,
      Set<String> streams,
      Meters meters) {
    this(vertx, broker, group, settings, streams, meters, Tracing.OFF);
  }

  /**
   * @param streams names of those that the group reads or writes, without a namespace
   * @param tracing the group's, which tells of what is stored and processed
   */
  public GroupStreams(
      Vertx vertx,
      Broker broker,
      String group,
      CommonSettings settings,
      Set<String> streams,
      Meters meters,
      Tracing tracing) {
    this.vertx = vertx;
    this.tracing = tracing;
    this.broker = broker;
    this.group = group;
    this.settings = settings;
    this.streams = Set.copyOf(streams);
    this.meters = meters;
    this.log = Logging.of(group, GroupStreams.class);
    this.room = new StorageRoom(vertx, broker, settings.subjects(), meters, log);
    DirectGet messages = new DirectGet(broker);
    this.api = new JetStreamApi(broker);
    this.reader = new JetStreamReader(broker, messages, api);
    this.histories = new Histories(vertx, messages, api, settings.subjects(), codec);
    this.appends =
        new Appends(
            vertx,
            broker,
            api,
            histories,
            settings.subjects(),
            codec,
            meters,
            tracing,
            settings.groupCommit());
    this.parked = new Parked(vertx, broker, settings.subjects(), codec, group);
    this.deadLetters = new DeadLetters(appends, histories, settings.subjects(), codec, group);
  }

  /**
   * Completes when the broker is there, new enough, and has all the streams; waits for that without
   * end.
   *
   * <p>From then on every reconnect checks them again, and creates nothing: a stream that vanished
   * held orders. Nor is one that somebody else made in its place taken for it: see {@link Witness}.
   */
  public Future<Void> whenReady() {
    Promise<Void> ready = Promise.promise();
    broker.onConnected(() -> vertx.runOnContext(v -> check(ready)));
    broker.begin();
    return ready.future();
  }

  /** What keeps the group from its work, one sentence each; empty if nothing does. */
  public List<String> problems() {
    return broker.usable() ? problems : List.of(broker.problem());
  }

  /** The consumers that are not asking for messages, though they should. */
  public List<String> silentConsumers() {
    return bridges.stream()
        .filter(bridge -> !bridge.pulling())
        .map(
            bridge ->
                bridge.consumer()
                    + (bridge.trouble().isEmpty() ? "" : " (" + bridge.trouble() + ")"))
        .toList();
  }

  /** Looks at every stream and consumer of every group, and changes nothing. */
  public Future<Inspection> inspect() {
    return vertx.executeBlocking(() -> topology().inspect(), false);
  }

  /**
   * Sees that every stream and consumer of every group is there and as it must be.
   *
   * @param mayCreate false to look only
   * @param created is told of each that was created, as {@code stream ORDERS}; on a worker thread
   * @return fails where the broker did not answer, and asking again is safe
   */
  public Future<Provisioned> provision(boolean mayCreate, Consumer<String> created) {
    return vertx.executeBlocking(
        () ->
            new Topology(broker.connection(), settings, log, broker.witness(), created)
                .ensureAll(mayCreate),
        false);
  }

  /**
   * What this process's user may do at the broker beyond some rights, as far as promises rest on
   * nobody doing it: {@code delete streams}. Tried, in ways that change nothing.
   */
  public Future<List<String>> beyond(Rights rights) {
    return new RightsProbe(broker, settings.subjects()).beyond(rights);
  }

  public StreamReader reader() {
    return reader;
  }

  /** Where the group's consumers park what they give up. */
  DeadLetters deadLetters() {
    return deadLetters;
  }

  /** Where dead letters are dealt with, those of every group. */
  public DeadLetterDesk deadLetterDesk() {
    return new DeadLetterDesk(reader, histories, appends, settings.subjects(), codec);
  }

  @Override
  public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
    return appends.append(fact, expectedSequence);
  }

  @Override
  public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
    return appends.appendTogether(facts);
  }

  @Override
  public Future<History> load(Domain domain, String aggregateId) {
    return histories.load(domain, aggregateId);
  }

  @Override
  public Future<List<Stored>> loadAll(Domain domain, List<String> aggregateIds) {
    return histories.loadAll(domain, aggregateIds);
  }

  @Override
  public Future<Map<String, History>> loadEach(Domain domain, List<String> aggregateIds) {
    return histories.loadEach(domain, aggregateIds);
  }

  @Override
  public Future<List<String>> aggregates(EventType type, int offset) {
    return api.lastTokens(
        settings.subjects().stream(type.domain()), settings.subjects().every(type), offset);
  }

  @Override
  public Watch watch(Domain domain, String aggregateId, Runnable onSign) {
    return broker.listen(settings.subjects().aggregate(domain, aggregateId), onSign);
  }

  @Override
  public Optional<String> noRoom() {
    if (watchesRoom.compareAndSet(false, true)) {
      room.begin();
    }
    return room.lack();
  }

  @Override
  public Future<Void> consume(String consumer, Reactions reactions) {
    ConsumerSpec spec = StreamCatalog.consumer(consumer);
    if (!spec.group().equals(group) || !Set.copyOf(spec.types()).equals(reactions.types())) {
      throw new IllegalArgumentException(
          consumer + " is for " + spec.types() + " in group " + spec.group());
    }
    if (bridges.stream().anyMatch(bridge -> bridge.consumer().equals(consumer))) {
      return Future
          .succeededFuture(); // begun by an earlier attempt to start, which failed after it
    }
    List<JetStreamBridge> both =
        Stream.of(spec, spec.redriven()).map(each -> bridge(each, reactions)).toList();
    return vertx
        .executeBlocking(
            () -> {
              List<String> missing = ensureOptional(spec, settings.provision());
              if (missing.isEmpty()) {
                missing = topology().ensureConsumer(spec, settings.provision());
              }
              return missing.isEmpty()
                  ? topology().ensureConsumer(spec.redriven(), settings.provision())
                  : missing;
            },
            false)
        .compose(
            found -> {
              if (!found.isEmpty()) {
                return Future.failedFuture(
                    new BrokerException(BrokerException.Kind.REFUSED, String.join("; ", found)));
              }
              if (draining) {
                return Future.failedFuture("draining");
              }
              bridges.addAll(both);
              parked.count(spec);
              return vertx
                  .deployVerticle(new OneLoop(both))
                  .onFailure(notBegun -> bridges.removeAll(both));
            })
        .mapEmpty();
  }

  private JetStreamBridge bridge(ConsumerSpec spec, Reactions reactions) {
    return new JetStreamBridge(
        broker,
        spec,
        reactions,
        settings,
        codec,
        deadLetters,
        meters,
        tracing,
        Logging.of(group, JetStreamBridge.class),
        spec.redrives() ? () -> 0L : () -> parked.of(spec),
        JetStreamBridge.Patience.USUAL);
  }

  /**
   * A consumer's handlers may rest on one event loop, so its redriven messages come on that too.
   */
  private static final class OneLoop extends VerticleBase {
    private final List<JetStreamBridge> bridges;

    OneLoop(List<JetStreamBridge> bridges) {
      this.bridges = bridges;
    }

    @Override
    public Future<?> start() throws Exception {
      List<Future<?>> begun = new ArrayList<>();
      for (JetStreamBridge bridge : bridges) {
        begun.add(bridge.deploy(context));
      }
      return Future.all(begun);
    }
  }

  /** The consumers ask for no more; completes when nothing is in process. Never fails. */
  public Future<Void> drain() {
    draining = true;
    return Future.join(
            Stream.concat(
                    Stream.of(Future.<Void>succeededFuture()),
                    bridges.stream().map(JetStreamBridge::drain))
                .toList())
        .mapEmpty();
  }

  /** Gives back what is still in process; completes with how many that were. */
  public Future<Integer> giveBack() {
    List<Future<Integer>> given = bridges.stream().map(JetStreamBridge::giveBack).toList();
    return given.isEmpty()
        ? Future.succeededFuture(0)
        : Future.join(given).map(all -> given.stream().mapToInt(Future::result).sum());
  }

  private void check(Promise<Void> ready) {
    if (draining || !broker.usable() || !checking.compareAndSet(false, true)) {
      return;
    }
    vertx
        .executeBlocking(this::checked, false)
        .onComplete(
            checked -> {
              checking.set(false);
              List<String> found =
                  checked.succeeded()
                      ? checked.result()
                      : List.of("streams could not be checked: " + checked.cause().getMessage());
              if (!found.equals(problems) && !found.isEmpty()) {
                log.atError().addKeyValue("problems", String.join("; ", found)).log("Not ready");
              }
              problems = found;
              if (found.isEmpty()) {
                onceReady = true;
                ready.tryComplete();
              } else {
                recheck(ready);
              }
            });
  }

  /** One timer at a time, however often the broker comes and goes meanwhile. */
  private void recheck(Promise<Void> ready) {
    if (recheckDue.compareAndSet(false, true)) {
      vertx.setTimer(
          CHECK_MILLIS,
          id -> {
            recheckDue.set(false);
            check(ready);
          });
    }
  }

  /** Streams are created only before the group was ready once: what vanished since held orders. */
  private List<String> checked() throws IOException, JetStreamApiException {
    Topology topology = topology();
    List<String> found =
        new ArrayList<>(
            topology.ensureStreams(List.copyOf(streams), settings.provision() && !onceReady));
    for (JetStreamBridge bridge : bridges) {
      ConsumerSpec spec = StreamCatalog.consumer(bridge.consumer());
      found.addAll(ensureOptional(spec, false));
      found.addAll(topology.ensureConsumer(spec, false));
    }
    return found;
  }

  /** A stream that is there only for a consumer's sake is not among the group's. */
  private List<String> ensureOptional(ConsumerSpec spec, boolean mayCreate)
      throws IOException, JetStreamApiException {
    return StreamCatalog.optional(spec.stream())
        ? topology().ensureStreams(List.of(spec.stream()), mayCreate)
        : List.of();
  }

  private Topology topology() {
    return new Topology(broker.connection(), settings, log, broker.witness());
  }
}
