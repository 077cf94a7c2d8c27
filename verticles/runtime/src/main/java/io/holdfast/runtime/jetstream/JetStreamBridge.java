package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.Outcome.Reject;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Timer;
import io.nats.client.Message;
import io.nats.client.impl.NatsJetStreamMetaData;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * Where the broker's threads and the event loop meet: takes one consumer's messages from its {@link
 * PullSubscription}, hands them to the handlers, and has {@link Settlements} settle each that was
 * begun. What there is no room or no time for is given back from here.
 *
 * <p>At most {@code WORKERS} messages are asked for or in process at a time, and no more than the
 * handlers' {@link Pace} allows. There is no queue behind that: the broker keeps what this process
 * has no room for. A message is acknowledged only after its effect is stored, and parked before it
 * is given up.
 *
 * <p>The verticle's event loop does everything; the package-private methods may be called on any
 * thread.
 */
final class JetStreamBridge extends VerticleBase {

  private static final long WATCH_MILLIS = 1_000;

  /**
   * After how long something is taken for lost.
   *
   * @param handler far above every handler's own bounds: one that takes longer has lost its outcome
   * @param silence a pull of which so long not even a heartbeat was heard
   * @param stall messages wait and could be delivered, and for so long none is
   */
  record Patience(Duration handler, Duration silence, Duration stall) {
    static final Patience USUAL =
        new Patience(
            Duration.ofMinutes(2),
            PullSubscription.HEARTBEAT.multipliedBy(3),
            Duration.ofSeconds(15));
  }

  /** Until then the room is there for which a message came too early. */
  private static final Duration NO_ROOM_DELAY = Duration.ofMillis(100);

  /** What a broker that answers needs for it by far. */
  private static final Duration QUIET_LIMIT = Duration.ofMillis(500);

  /** Redrives are few, and come beside a consumer's own messages. */
  private static final int REDRIVEN_AT_A_TIME = 16;

  private static final long PARK_AGAIN_MILLIS = 1_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Broker broker;
  private final ConsumerSpec spec;
  private final Reactions reactions;
  private final CommonSettings settings;
  private final EventCodec codec;
  private final Tracing tracing;
  private final Logger log;
  private final Timer processing;
  private final int workers;
  private final Patience patience;

  /** Well below the time after which the broker would give a message to somebody else. */
  private final long keepAliveNanos;

  private final PullSubscription subscription;
  private final AckSender acks;
  private final Settlements settlements;
  private final ConsumerLag lag;

  // The event loop's alone.
  private final Map<Long, InProcess> inProcess = new HashMap<>();
  private Promise<Void> drained;

  private volatile int busy;

  JetStreamBridge(
      Broker broker,
      ConsumerSpec spec,
      Reactions reactions,
      CommonSettings settings,
      EventCodec codec,
      DeadLetters deadLetters,
      Meters meters,
      Tracing tracing,
      Logger log) {
    this(
        broker,
        spec,
        reactions,
        settings,
        codec,
        deadLetters,
        meters,
        tracing,
        log,
        () -> 0L,
        Patience.USUAL);
  }

  /**
   * @param parked how many of the consumer's messages lie in DEADLETTERS; any thread
   */
  JetStreamBridge(
      Broker broker,
      ConsumerSpec spec,
      Reactions reactions,
      CommonSettings settings,
      EventCodec codec,
      DeadLetters deadLetters,
      Meters meters,
      Tracing tracing,
      Logger log,
      LongSupplier parked,
      Patience patience) {
    this.tracing = tracing;
    this.patience = patience;
    this.keepAliveNanos = settings.ackWait().dividedBy(3).toNanos();
    this.broker = broker;
    this.spec = spec;
    this.reactions = reactions;
    this.settings = settings;
    this.codec = codec;
    this.log = log;
    this.processing = meters.processing(spec.name());
    this.workers =
        spec.redrives() ? Math.min(settings.workers(), REDRIVEN_AT_A_TIME) : settings.workers();
    gauge(meters, "events_in_process", "Messages in process here", () -> busy);
    gauge(
        meters,
        "events_in_process_limit",
        "How many messages may be in process here now; 0 while a breaker is open",
        this::bound);
    String stream = settings.subjects().stream(spec.stream());
    this.subscription =
        new PullSubscription(
            broker, stream, spec.name(), patience.silence(), new Arrivals(), tracing, log);
    this.acks = new AckSender(broker);
    this.settlements =
        new Settlements(
            spec, settings.retry(), deadLetters, acks, this::finished, meters, tracing, log);
    this.lag =
        new ConsumerLag(
            broker,
            stream,
            spec.name(),
            patience.stall(),
            inProcess::size,
            this::bound,
            parked,
            meters,
            log);
  }

  private void gauge(Meters meters, String name, String description, Supplier<Number> value) {
    meters.gauge(name, description, "consumer", spec.name(), value);
  }

  @Override
  public Future<?> start() {
    broker.onConnected(() -> context.runOnContext(v -> beginToPull()));
    vertx.setPeriodic(
        Math.min(WATCH_MILLIS, settings.ackWait().dividedBy(6).toMillis()), id -> watch());
    vertx.setPeriodic(lag.askMillis(), id -> lag.ask());
    return Future.succeededFuture();
  }

  private void beginToPull() {
    if (subscription.begin(context)) {
      lag.notIdle();
    }
  }

  String consumer() {
    return spec.name();
  }

  /** Why nothing is delivered, as far as it is known. */
  String trouble() {
    String refusal = subscription.trouble();
    return refusal.isEmpty() ? lag.stall() : refusal;
  }

  /** Whether messages are being asked for, and the broker answers that, with those that wait. */
  boolean pulling() {
    return subscription.pulling() && lag.stall().isEmpty();
  }

  /**
   * Asks for no more, gives back at once what was not begun, and waits for what was; in a cluster
   * for what was asked for, too, 2 s at most.
   *
   * @return completes when nothing is in process any more; never fails
   */
  Future<Void> drain() {
    subscription.askForNoMore();
    if (context == null) {
      return Future.succeededFuture(); // not begun, and it will not begin any more
    }
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        v -> {
          drained = done;
          subscription
              .drain()
              .onComplete(
                  ignored -> {
                    subscription.takeArrived();
                    completeIfDrained();
                  });
        });
    return done.future();
  }

  private void completeIfDrained() {
    if (drained != null && inProcess.isEmpty() && subscription.quiet().isComplete()) {
      drained.tryComplete();
    }
  }

  /**
   * Gives back what is still in process, so that another replica gets it at once; when time is up.
   */
  Future<Integer> giveBack() {
    if (context == null) {
      return Future.succeededFuture(0);
    }
    Promise<Integer> done = Promise.promise();
    context.runOnContext(
        v ->
            // What is still on its way to us is given back as it arrives; a connection that is
            // closed before that would take it along.
            subscription
                .quiet()
                .timeout(QUIET_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .onComplete(arrivedOrNot -> done.complete(giveBackNow())));
    return done.future();
  }

  private int giveBackNow() {
    subscription.stopListening();
    subscription.takeArrived();
    int given = inProcess.size();
    for (InProcess entry : inProcess.values()) {
      entry.settling = true; // its own outcome comes too late
      acks.send(entry.message::nak);
    }
    inProcess.values().forEach(entry -> entry.work.end());
    inProcess.clear();
    busy = 0;
    completeIfDrained();
    return given;
  }

  private int bound() {
    return Math.min(workers, reactions.pace().limit());
  }

  private final class Arrivals implements PullSubscription.Receiver {

    @Override
    public int bound() {
      return JetStreamBridge.this.bound();
    }

    @Override
    public int inProcess() {
      return inProcess.size();
    }

    @Override
    public void deliver(Message message) {
      lag.notIdle();
      if (subscription.listening()) {
        JetStreamBridge.this.deliver(message);
      } else {
        acks.send(message::nak);
      }
    }

    /**
     * Our consumers are made so that the broker never gives a message up by itself and leaves it
     * where it is; this one must have been changed since.
     */
    @Override
    public void exhausted(Message advisory) {
      try {
        JsonNode told = JSON.readTree(advisory.getData());
        long sequence = told.path("stream_seq").asLong();
        long deliveries = told.path("deliveries").asLong();
        context.runOnContext(v -> parkExhausted(sequence, deliveries));
      } catch (IOException unreadable) {
        log.atError()
            .addKeyValue("consumer", spec.name())
            .log("The broker gave a message up and does not say which: run ./holdfast reconcile");
      }
    }
  }

  private void parkExhausted(long sequence, long deliveries) {
    settlements
        .parkExhausted(sequence, deliveries)
        .onFailure(
            notYet -> vertx.setTimer(PARK_AGAIN_MILLIS, id -> parkExhausted(sequence, deliveries)));
  }

  private void deliver(Message message) {
    NatsJetStreamMetaData metaData = message.metaData();
    long sequence = metaData.streamSequence();
    lag.pending(metaData.pendingCount());
    broker.witness().saw(metaData.getStream(), sequence);
    if (inProcess.containsKey(sequence)) {
      return; // redelivered while its first delivery is still at work here, which will settle it
    }
    if (inProcess.size() >= bound()) {
      // An answer to a pull from before a reconnect, which the broker has kept; or to one from
      // before somebody outside was found to be out.
      Duration delay = NO_ROOM_DELAY.plus(reactions.pace().untilMore());
      acks.send(() -> message.nakWithDelay(delay));
      return;
    }
    Provenance from = Provenance.of(message, spec, settings.subjects());
    InProcess entry = new InProcess(message, sequence, from);
    inProcess.put(sequence, entry);
    busy = inProcess.size();
    settlements.tellIfMany(entry, metaData.deliveredCount());

    Future<Outcome> outcome;
    try {
      Envelope<?> envelope = codec.decode(message.getData());
      entry.envelope = envelope;
      entry.work = told(message, from, envelope);
      if (spec.redrives() && !from.redriven()) {
        throw invalid("nothing says where this redriven message comes from");
      }
      if (!Stored.belongs(envelope, from.subject(), settings.subjects())) {
        throw mismatch(from);
      }
      Instant storedAt = from.storedAt() == null ? envelope.timestamp() : from.storedAt();
      outcome =
          reactions
              .handle(envelope, from.sequence(), storedAt, from.deliveries())
              .orElseThrow(() -> mismatch(from));
    } catch (UndecodableEventException e) {
      if (entry.envelope == null) {
        entry.work =
            tracing.processesUnread(
                spec.name(), from.subject(), from.deliveries(), Provenance.traceparent(message));
      }
      outcome = Future.succeededFuture(new Reject(e));
    } catch (RuntimeException | Error bug) { // one message's, not the others behind it
      outcome = Future.failedFuture(bug);
    }
    outcome.onComplete(done -> settlements.settle(entry, judged(done)));
  }

  private Work told(Message message, Provenance from, Envelope<?> envelope) {
    return tracing.on()
        ? tracing.processes(
            spec.name(),
            Tracing.template(from.subject()),
            from.subject(),
            envelope,
            from.deliveries(),
            Provenance.traceparent(message))
        : Work.UNTOLD;
  }

  private static Outcome judged(AsyncResult<Outcome> handled) {
    if (handled.failed()) {
      return new Retry(handled.cause());
    }
    return handled.result() == null
        ? new Retry(new IllegalStateException("the handler gave no outcome"))
        : handled.result();
  }

  private static UndecodableEventException mismatch(Provenance from) {
    return invalid("the event is not the one that subject " + from.subject() + " promises");
  }

  private static UndecodableEventException invalid(String what) {
    return new UndecodableEventException(UndecodableEventException.Reason.INVALID, what, null);
  }

  private void finished(InProcess entry) {
    if (!inProcess.remove(entry.sequence, entry)) {
      return; // given back meanwhile
    }
    busy = inProcess.size();
    entry.work.end();
    Meters.record(
        processing,
        Duration.ofNanos(System.nanoTime() - entry.since),
        tracing.on() ? entry.work.traceparent(null) : null);
    completeIfDrained();
    subscription.pull();
  }

  /** Every second or oftener: keeps long work ours, and notices a pull that was lost. */
  private void watch() {
    acks.sendUnsent();
    long now = System.nanoTime();
    List<InProcess> entries = new ArrayList<>(inProcess.values());
    for (InProcess entry : entries) {
      if (now - entry.lastKeptAlive > keepAliveNanos) {
        entry.lastKeptAlive = now;
        acks.send(entry.message::inProgress);
      }
      if (now - entry.since > patience.handler().toNanos()) {
        settlements.settle(
            entry, new Retry(new TimeoutException("the handler gave no outcome in time")));
      }
    }
    if (!subscription.draining() && broker.usable()) {
      subscription.noticeSilence(now);
      if (lag.stalled(now)) {
        subscription.subscribeAnew();
      }
    }
    subscription.pull();
  }
}
