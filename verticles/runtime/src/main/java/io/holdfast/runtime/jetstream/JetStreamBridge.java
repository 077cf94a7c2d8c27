package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.StockEvent;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.Outcome.Done;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Outcome.Reject;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.impl.NatsJetStreamMetaData;
import io.nats.client.support.Status;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * Where the broker's threads and the event loop meet: pulls one consumer's messages, hands them to
 * the handlers, and settles each with the broker, here and nowhere else.
 *
 * <p>At most {@code WORKERS} messages are asked for or in process at a time, and no more than the
 * handlers' {@link Pace} allows. There is no queue behind that: the broker keeps what this process
 * has no room for. A message is acknowledged only after its effect is stored, and parked before it
 * is given up.
 */
final class JetStreamBridge extends VerticleBase {

  private static final Duration PULL_EXPIRES = Duration.ofSeconds(30);
  private static final Duration HEARTBEAT = Duration.ofSeconds(3);

  /** So long a drain may have to wait for the last pull; its end is the sign of life. */
  private static final Duration PULL_EXPIRES_IN_A_CLUSTER = Duration.ofSeconds(2);

  private static final Duration PULL_OVERDUE = Duration.ofMillis(500);
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
        new Patience(Duration.ofMinutes(2), HEARTBEAT.multipliedBy(3), Duration.ofSeconds(15));
  }

  /** Until then the room is there for which a message came too early. */
  private static final Duration NO_ROOM_DELAY = Duration.ofMillis(100);

  /** What a broker that answers needs for it by far. */
  private static final Duration QUIET_LIMIT = Duration.ofMillis(500);

  private static final int REMEMBERED_FAILURES = 10_000;

  /** Settlements that could not be sent; those beyond come again after ack_wait. */
  private static final int MAX_UNSENT = 1_000;

  private static final long LAG_MILLIS = 5_000;
  private static final Duration LAG_TIMEOUT = Duration.ofSeconds(4);

  /** So many stalls, each after a new subscription, and this instance says that it is of no use. */
  private static final int STALLS_UNTIL_TOLD = 2;

  /** A broker that refuses does so for many messages; one line in so long tells of it. */
  private static final long TELL_NANOS = Duration.ofSeconds(10).toNanos();

  /** Redrives are few, and come beside a consumer's own messages. */
  private static final int REDRIVEN_AT_A_TIME = 16;

  /** From so many deliveries on it is told, each time there are ten times as many. */
  private static final long MANY_DELIVERIES = 100;

  private static final long PARK_AGAIN_MILLIS = 1_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String ATTEMPTS_EXHAUSTED = "attempts_exhausted";
  private static final String REJECTED = "rejected";

  private static final long MIN_REFUSED_MILLIS = 50;
  private static final long MAX_REFUSED_MILLIS = 1_000;
  private static final int REQUEST_TIMEOUT = 408;
  private static final int HEARTBEAT_STATUS = 100;

  private final Broker broker;
  private final ConsumerSpec spec;
  private final Reactions reactions;
  private final CommonSettings settings;
  private final EventCodec codec;
  private final DeadLetters deadLetters;
  private final Meters meters;
  private final Tracing tracing;
  private final Logger log;
  private final Timer processing;
  private final Map<String, Counter> processed = new ConcurrentHashMap<>();
  private final String pullSubject;
  private final String infoSubject;
  private final String exhaustedSubject;
  private final int workers;
  private final Patience patience;
  private final long lagMillis;

  /** Well below the time after which the broker would give a message to somebody else. */
  private final long keepAliveNanos;

  // From the broker's thread to the event loop, many messages a hop.
  private final ConcurrentLinkedQueue<Message> arrived = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean hopPending = new AtomicBoolean();

  // The event loop's alone.
  private final Map<Long, InProcess> inProcess = new HashMap<>();
  private final Map<Long, Failures> failures =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Failures> eldest) {
          return size() > REMEMBERED_FAILURES;
        }
      };
  private Connection subscribedOn;
  private Dispatcher dispatcher;
  private String inbox;
  private int asked;
  private long lastSign;
  private Promise<Void> drained;
  private Promise<Void> nothingOwed;
  private Future<Boolean> quiet = Future.succeededFuture(true);
  private long lastTold = System.nanoTime() - TELL_NANOS;
  private final Deque<Runnable> unsent = new ArrayDeque<>();
  private long notBefore = System.nanoTime();
  private int refusals;

  /** Since when messages wait that could be delivered and are not; 0 if there is no such wait. */
  private long idleSince;

  private int stalls;
  private boolean askingForLag;

  private volatile boolean draining;
  private volatile long pending;
  private volatile long unacknowledged;
  private volatile String stalled = "";
  private volatile int busy;
  private volatile boolean pulling;
  private volatile String trouble = "";

  private static final class InProcess {
    final Message message;
    final Provenance from;
    final long since = System.nanoTime();
    long lastKeptAlive = since;
    Envelope<?> envelope;
    Work work = Work.UNTOLD;
    boolean settling;

    InProcess(Message message, Provenance from) {
      this.message = message;
      this.from = from;
    }
  }

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
    this.lagMillis = Math.min(LAG_MILLIS, patience.stall().toMillis() / 3);
    this.keepAliveNanos = settings.ackWait().dividedBy(3).toNanos();
    this.broker = broker;
    this.spec = spec;
    this.reactions = reactions;
    this.settings = settings;
    this.codec = codec;
    this.deadLetters = deadLetters;
    this.meters = meters;
    this.log = log;
    this.processing = meters.processing(spec.name());
    String name = settings.subjects().stream(spec.stream()) + "." + spec.name();
    this.pullSubject = "$JS.API.CONSUMER.MSG.NEXT." + name;
    this.infoSubject = "$JS.API.CONSUMER.INFO." + name;
    this.exhaustedSubject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES." + name;
    this.workers =
        spec.redrives() ? Math.min(settings.workers(), REDRIVEN_AT_A_TIME) : settings.workers();
    gauges(parked);
    meters.retries(spec.name()); // from 0 on: nobody sees a counter grow that begins at 1
    processed("done");
    processed("retry");
    processed("dead_lettered");
    meters.deadLetters(spec.name(), ATTEMPTS_EXHAUSTED);
    meters.deadLetters(spec.name(), REJECTED);
    meters.deadLetters(spec.name(), DeadLetters.MAX_DELIVERIES);
    for (UndecodableEventException.Reason reason : UndecodableEventException.Reason.values()) {
      meters.deadLetters(spec.name(), reason.word());
    }
  }

  private Counter processed(String outcome) {
    return processed.computeIfAbsent(outcome, name -> meters.processed(spec.name(), name));
  }

  private void gauges(LongSupplier parked) {
    gauge("events_in_process", "Messages in process here", () -> busy);
    gauge(
        "events_in_process_limit",
        "How many messages may be in process here now; 0 while a breaker is open",
        this::bound);
    gauge("consumer_pending", "Messages that wait, not yet delivered to anybody", () -> pending);
    gauge(
        "consumer_unacknowledged",
        "Messages delivered to any replica and not settled yet",
        () -> unacknowledged);
    gauge("consumer_parked", "Messages given up that wait for an operator", parked::getAsLong);
    gauge(
        "consumer_lag",
        "All messages without their effect yet: pending, unacknowledged and parked",
        () -> pending + unacknowledged + parked.getAsLong());
  }

  private void gauge(String name, String description, Supplier<Number> value) {
    meters.gauge(name, description, "consumer", spec.name(), value);
  }

  @Override
  public Future<?> start() {
    broker.onConnected(() -> context.runOnContext(v -> beginToPull()));
    vertx.setPeriodic(
        Math.min(WATCH_MILLIS, settings.ackWait().dividedBy(6).toMillis()), id -> watch());
    vertx.setPeriodic(lagMillis, id -> askForLag());
    return Future.succeededFuture();
  }

  String consumer() {
    return spec.name();
  }

  /** Why nothing is delivered, as far as it is known. */
  String trouble() {
    return trouble.isEmpty() ? stalled : trouble;
  }

  /** Whether messages are being asked for, and the broker answers that, with those that wait. */
  boolean pulling() {
    return pulling && stalled.isEmpty();
  }

  /**
   * Asks for no more, gives back at once what was not begun, and waits for what was; in a cluster
   * for what was asked for, too, 2 s at most.
   *
   * @return completes when nothing is in process any more; never fails
   */
  Future<Void> drain() {
    draining = true;
    pulling = false;
    if (context == null) {
      return Future.succeededFuture(); // not begun, and it will not begin any more
    }
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        v -> {
          drained = done;
          Dispatcher current = dispatcher;
          quiet =
              current == null || !broker.usable()
                  ? Future.succeededFuture(true)
                  : lastPullsOver()
                      .compose(over -> vertx.executeBlocking(() -> broker.drain(current), false));
          quiet.onComplete(
              ignored -> {
                takeArrived();
                completeIfDrained();
              });
        });
    return done.future();
  }

  /**
   * Another broker of a cluster goes on delivering until it hears that nobody listens here any
   * more, and what it sends meanwhile is nobody's until ack_wait is over. So somebody listens, and
   * does what comes, until nothing is owed. Given back, it would come here again, as often as there
   * is something owed.
   */
  private Future<?> lastPullsOver() {
    if (!broker.clustered() || asked == 0) {
      return Future.succeededFuture();
    }
    nothingOwed = Promise.promise();
    vertx.setTimer(
        PULL_EXPIRES_IN_A_CLUSTER.plus(PULL_OVERDUE).toMillis(), id -> nothingOwed.tryComplete());
    return nothingOwed.future();
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
            quiet
                .timeout(QUIET_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .onComplete(arrivedOrNot -> done.complete(giveBackNow())));
    return done.future();
  }

  private boolean listening() {
    return nothingOwed != null && !nothingOwed.future().isComplete();
  }

  private int giveBackNow() {
    if (nothingOwed != null) {
      nothingOwed.tryComplete();
    }
    takeArrived();
    int given = inProcess.size();
    inProcess.values().forEach(entry -> settleQuietly(entry.message::nak));
    inProcess.values().forEach(entry -> entry.work.end());
    inProcess.clear();
    busy = 0;
    completeIfDrained();
    return given;
  }

  private void beginToPull() {
    if (draining || !broker.usable()) {
      return;
    }
    Connection connection = broker.connection();
    if (connection != subscribedOn) {
      dispatcher = connection.createDispatcher(this::arrivedOnBrokersThread);
      dispatcher.setPendingLimits(-1, -1);
      dispatcher.subscribe(exhaustedSubject, this::exhaustedOnBrokersThread);
      inbox = null;
      subscribedOn = connection;
      subscribe();
    }
    asked = 0; // whatever was asked before went with the connection
    notBefore = System.nanoTime();
    lastSign = System.nanoTime();
    notIdle();
    pulling = true;
    pull();
  }

  private void subscribe() {
    inbox = broker.newInbox();
    dispatcher.subscribe(inbox);
  }

  /**
   * Whatever is wrong with where the messages should arrive, it is not there any more. What was
   * asked for at the old place and has been delivered to it comes again after ack_wait.
   */
  private void subscribeAnew() {
    try {
      String before = inbox;
      subscribe();
      dispatcher.unsubscribe(before);
      asked = 0;
      lastSign = System.nanoTime();
    } catch (BrokerException | IllegalStateException disconnected) {
      pulling = false; // subscribed again at the reconnect
    }
  }

  /** Asks for as much as there is room for, but not for every single place that becomes free. */
  private void pull() {
    if (draining || subscribedOn == null || !broker.usable() || System.nanoTime() - notBefore < 0) {
      return;
    }
    int bound = bound();
    int room = bound - inProcess.size() - asked;
    if (room < Math.max(1, bound / 4)) {
      return;
    }
    String until =
        broker.clustered()
            ? ",\"expires\":" + PULL_EXPIRES_IN_A_CLUSTER.toNanos()
            : ",\"expires\":"
                + PULL_EXPIRES.toNanos()
                + ",\"idle_heartbeat\":"
                + HEARTBEAT.toNanos();
    String request = "{\"batch\":" + room + until + "}";
    try {
      broker.publish(pullSubject, inbox, null, request.getBytes(StandardCharsets.UTF_8));
      if (asked == 0) {
        lastSign = System.nanoTime(); // nobody owed us one before
      }
      asked += room;
    } catch (BrokerException disconnected) {
      pulling = false; // asked again at the reconnect
    }
  }

  private int bound() {
    return Math.min(workers, reactions.pace().limit());
  }

  private void arrivedOnBrokersThread(Message message) {
    arrived.add(message);
    if (hopPending.compareAndSet(false, true)) {
      context.runOnContext(v -> takeArrived());
    }
  }

  private void takeArrived() {
    hopPending.set(false);
    lastSign = System.nanoTime();
    boolean refusedBefore = notBefore - lastSign > 0;
    pulling = !draining && !refusedBefore;
    if (tracing.on() && arrived.size() > 1) {
      tellTogether();
    }
    for (Message message = arrived.poll(); message != null; message = arrived.poll()) {
      if (message.isStatusMessage()) {
        status(message.getStatus(), message);
      } else if (message.isJetStream()) {
        asked = Math.max(0, asked - 1);
        refusals = 0;
        trouble = "";
        notIdle();
        deliver(message);
      }
    }
    if (asked == 0 && nothingOwed != null) {
      nothingOwed.tryComplete();
    }
    pull();
  }

  /** What came in one hop; of one that came alone, its own work says all. */
  private void tellTogether() {
    List<String> parents =
        arrived.stream()
            .filter(Message::isJetStream)
            .map(JetStreamBridge::traceparent)
            .filter(Objects::nonNull)
            .toList();
    if (parents.size() > 1) {
      tracing.received(spec.name(), parents);
    }
  }

  private void status(Status status, Message message) {
    switch (status.getCode()) {
      case HEARTBEAT_STATUS -> {
        refusals = 0;
        trouble = "";
      }
      case REQUEST_TIMEOUT -> {
        // One of our pulls has ended; the header says how much of it was never delivered.
        String rest =
            message.hasHeaders() ? message.getHeaders().getFirst("Nats-Pending-Messages") : null;
        asked = rest == null ? 0 : Math.max(0, asked - Integer.parseInt(rest));
      }
      default -> refused(status.getMessageWithCode());
    }
  }

  /** Whoever asks again at once is refused again at once: no consumer, or no leader yet. */
  private void refused(String why) {
    long now = System.nanoTime();
    asked = 0;
    pulling = false;
    trouble = why;
    if (notBefore - now > 0) {
      return; // the answer to another pull of the same time
    }
    refusals++;
    long wait = Math.min(MAX_REFUSED_MILLIS, MIN_REFUSED_MILLIS << Math.min(refusals, 5));
    notBefore = now + TimeUnit.MILLISECONDS.toNanos(wait);
    log.atLevel(refusals == 3 || refusals % 60 == 0 ? Level.WARN : Level.DEBUG)
        .addKeyValue("consumer", spec.name())
        .addKeyValue("status", why)
        .log("The broker refuses to deliver, will ask again");
    vertx.setTimer(wait + 1 + ThreadLocalRandom.current().nextLong(wait), id -> pull());
  }

  private void deliver(Message message) {
    if (draining && !listening()) {
      settleQuietly(message::nak);
      return;
    }
    NatsJetStreamMetaData metaData = message.metaData();
    long sequence = metaData.streamSequence();
    pending = metaData.pendingCount();
    broker.witness().saw(metaData.getStream(), sequence);
    if (inProcess.containsKey(sequence)) {
      return; // redelivered while its first delivery is still at work here, which will settle it
    }
    if (inProcess.size() >= bound()) {
      // An answer to a pull from before a reconnect, which the broker has kept; or to one from
      // before somebody outside was found to be out.
      Duration delay = NO_ROOM_DELAY.plus(reactions.pace().untilMore());
      settleQuietly(() -> message.nakWithDelay(delay));
      return;
    }
    Provenance from = Provenance.of(message, spec, settings.subjects());
    InProcess entry = new InProcess(message, from);
    inProcess.put(sequence, entry);
    busy = inProcess.size();
    tellIfMany(entry, metaData.deliveredCount());

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
                spec.name(), from.subject(), from.deliveries(), traceparent(message));
      }
      outcome = Future.succeededFuture(new Reject(e));
    } catch (RuntimeException | Error bug) { // one message's, not the others behind it
      outcome = Future.failedFuture(bug);
    }
    outcome.onComplete(done -> settle(message, sequence, judged(done)));
  }

  private Work told(Message message, Provenance from, Envelope<?> envelope) {
    return tracing.on()
        ? tracing.processes(
            spec.name(),
            Tracing.template(from.subject()),
            from.subject(),
            envelope,
            from.deliveries(),
            traceparent(message))
        : Work.UNTOLD;
  }

  private static String traceparent(Message message) {
    return message.hasHeaders() ? message.getHeaders().getFirst(Traceparent.HEADER) : null;
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

  /**
   * What kills its process leaves no failure behind, only deliveries; and so does an outage that is
   * waited for. So their number alone gives no message up, but it is told.
   */
  private void tellIfMany(InProcess entry, long deliveries) {
    long level = MANY_DELIVERIES;
    while (level < deliveries) {
      level *= 10;
    }
    if (level == deliveries) {
      Failures soFar = failures.get(entry.message.metaData().streamSequence());
      logged(Level.WARN, entry.message, null)
          .addKeyValue("deliveries", deliveries)
          .addKeyValue("error", soFar == null ? "none known here" : soFar.last().toString())
          .log("Delivered again and again");
    }
  }

  private void settle(Message message, long sequence, Outcome outcome) {
    InProcess entry = inProcess.get(sequence);
    if (entry == null || entry.message != message || entry.settling) {
      return; // given back meanwhile
    }
    entry.settling = true;
    if (tracing.on()) {
      tell(entry.work, outcome);
    }
    Envelope<?> envelope = entry.envelope;
    switch (outcome) {
      case Done done -> acknowledge(message, sequence, "done");
      case Ignored ignored -> acknowledge(message, sequence, "ignored");
      case Postpone postpone -> {
        processed("postponed").increment();
        giveBackLater(message, sequence, postpone.delay());
      }
      case Retry retry -> retry(message, sequence, envelope, retry);
      case Reject reject -> {
        Failures last = failed(sequence, reject.cause());
        String reason =
            reject.cause() instanceof UndecodableEventException undecodable
                ? undecodable.reason().word()
                : REJECTED;
        park(message, sequence, envelope, last, reason);
      }
    }
  }

  private static void tell(Work work, Outcome outcome) {
    switch (outcome) {
      case Done done -> work.about("holdfast.outcome", "done");
      case Ignored ignored ->
          work.about("holdfast.outcome", "ignored").about("holdfast.reason", ignored.reason());
      case Postpone postpone ->
          work.about("holdfast.outcome", "postponed").about("holdfast.reason", postpone.reason());
      case Retry retry -> failed(work.about("holdfast.outcome", "retry"), retry.cause());
      case Reject reject -> failed(work.about("holdfast.outcome", "rejected"), reject.cause());
    }
  }

  private static void failed(Work work, Throwable cause) {
    work.about("error.type", cause.getClass().getName()).failed(cause.toString());
  }

  private void acknowledge(Message message, long sequence, String outcome) {
    settleQuietly(message::ack); // if it is lost, the message comes again and finds its effect
    processed(outcome).increment();
    failures.remove(sequence);
    finished(sequence);
  }

  private void retry(Message message, long sequence, Envelope<?> envelope, Retry asked) {
    Throwable cause = asked.cause();
    // What the broker could not do says nothing about the message: it spends no attempt, and the
    // message could not be parked now either.
    boolean brokersFault = cause instanceof BrokerException;
    int attempt;
    if (brokersFault) {
      attempt = (int) Math.min(Integer.MAX_VALUE, message.metaData().deliveredCount());
    } else {
      Failures soFar = failed(sequence, cause);
      attempt = soFar.count();
      if (settings.retry().exhausted(attempt)) {
        park(message, sequence, envelope, soFar, ATTEMPTS_EXHAUSTED);
        return;
      }
    }
    Duration delay = settings.retry().backoff(attempt, ThreadLocalRandom.current());
    if (asked.within() != null && asked.within().compareTo(delay) < 0) {
      delay = asked.within();
    }
    logged(brokersFault ? brokersFaultLevel() : Level.WARN, message, envelope)
        .addKeyValue("attempt", attempt)
        .addKeyValue("error", cause.toString())
        .addKeyValue("retry_in_ms", delay.toMillis())
        .log("Could not process, will try again");
    meters.retries(spec.name()).increment();
    processed("retry").increment();
    giveBackLater(message, sequence, delay);
  }

  private void park(
      Message message, long sequence, Envelope<?> envelope, Failures soFar, String reason) {
    Future.<Void>succeededFuture()
        .compose( // so that one that throws does not hold the message for ever
            v ->
                deadLetters.park(
                    spec.original(),
                    inProcess.get(sequence).from,
                    message.getHeaders(),
                    message.getData(),
                    soFar,
                    reason))
        .onComplete(
            parked -> {
              if (parked.succeeded()) {
                logged(Level.ERROR, message, envelope)
                    .addKeyValue("attempt", soFar.count())
                    .addKeyValue("reason", reason)
                    .addKeyValue("error", String.valueOf(soFar.last()))
                    .log("Gave up, parked in DEADLETTERS");
                settleQuietly(message::term);
                meters.deadLetters(spec.name(), reason).increment();
                processed("dead_lettered").increment();
                failures.remove(sequence);
                finished(sequence);
              } else {
                logged(Level.WARN, message, envelope)
                    .addKeyValue("error", parked.cause().toString())
                    .log("Could not park, will try again");
                giveBackLater(
                    message,
                    sequence,
                    settings.retry().backoff(soFar.count(), ThreadLocalRandom.current()));
              }
            });
  }

  /**
   * The broker gives a message up by itself and leaves it where it is. Our consumers are made so
   * that it never does; this one must have been changed since.
   */
  private void exhaustedOnBrokersThread(Message advisory) {
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

  private void parkExhausted(long sequence, long deliveries) {
    Failures soFar =
        failures.getOrDefault(
            sequence,
            Failures.first(
                new IllegalStateException("delivered " + deliveries + " times, without an answer"),
                Instant.now()));
    deadLetters
        .parkStored(spec, sequence, deliveries, soFar)
        .onComplete(
            parked -> {
              if (parked.failed()) {
                log.atWarn()
                    .addKeyValue("consumer", spec.name())
                    .addKeyValue("sequence", sequence)
                    .addKeyValue("error", parked.cause().toString())
                    .log("Could not park what the broker gave up, will try again");
                vertx.setTimer(PARK_AGAIN_MILLIS, id -> parkExhausted(sequence, deliveries));
                return;
              }
              log.atError()
                  .addKeyValue("consumer", spec.name())
                  .addKeyValue("sequence", sequence)
                  .addKeyValue("deliveries", deliveries)
                  .log(
                      "The broker gave a message up, parked in DEADLETTERS: run ./holdfast doctor");
              meters.deadLetters(spec.name(), DeadLetters.MAX_DELIVERIES).increment();
              failures.remove(sequence);
            });
  }

  /** All messages fail at once then: one of them in a while says so, the others only if asked. */
  private Level brokersFaultLevel() {
    long now = System.nanoTime();
    if (now - lastTold < TELL_NANOS) {
      return Level.DEBUG;
    }
    lastTold = now;
    return Level.WARN;
  }

  private Failures failed(long sequence, Throwable cause) {
    return failures.merge(
        sequence,
        Failures.first(cause, Instant.now()),
        (before, now) -> before.another(cause, now.lastAt()));
  }

  private void giveBackLater(Message message, long sequence, Duration delay) {
    settleQuietly(() -> message.nakWithDelay(delay));
    finished(sequence);
  }

  private void finished(long sequence) {
    InProcess entry = inProcess.remove(sequence);
    if (entry == null) {
      return; // given back meanwhile
    }
    busy = inProcess.size();
    entry.work.end();
    Meters.record(
        processing,
        Duration.ofNanos(System.nanoTime() - entry.since),
        tracing.on() ? entry.work.traceparent(null) : null);
    completeIfDrained();
    pull();
  }

  private void completeIfDrained() {
    if (draining && inProcess.isEmpty() && drained != null && quiet.isComplete()) {
      drained.tryComplete();
    }
  }

  /** Every second or oftener: keeps long work ours, and notices a pull that was lost. */
  private void watch() {
    for (int i = unsent.size(); i > 0 && broker.usable(); i--) {
      settleQuietly(unsent.poll());
    }
    long now = System.nanoTime();
    List<InProcess> entries = new ArrayList<>(inProcess.values());
    for (InProcess entry : entries) {
      if (now - entry.lastKeptAlive > keepAliveNanos) {
        entry.lastKeptAlive = now;
        settleQuietly(entry.message::inProgress);
      }
      if (now - entry.since > patience.handler().toNanos()) {
        long sequence = entry.message.metaData().streamSequence();
        settle(
            entry.message,
            sequence,
            new Retry(new TimeoutException("the handler gave no outcome in time")));
      }
    }
    if (!draining && broker.usable()) {
      if (asked > 0 && now - lastSign > patience.silence().toNanos()) {
        pulling = false; // until something comes again
        subscribeAnew();
      }
      noticeStall(now);
    }
    pull();
  }

  /**
   * The broker answers, messages wait, we have room, and none comes: then it is the subscription,
   * or it is nothing that we could mend, and others should know of it.
   */
  private void noticeStall(long now) {
    if (idleSince == 0) {
      return;
    }
    if (!inProcess.isEmpty() || bound() == 0) {
      idleSince = now; // it is ourselves who take nothing
      return;
    }
    if (now - idleSince < patience.stall().toNanos()) {
      return;
    }
    idleSince = now;
    stalls++;
    log.atWarn()
        .addKeyValue("consumer", spec.name())
        .addKeyValue("pending", pending)
        .addKeyValue("times", stalls)
        .log("Messages wait and none is delivered, subscribing anew");
    if (stalls >= STALLS_UNTIL_TOLD) {
      stalled = "messages wait and none is delivered";
    }
    subscribeAnew();
  }

  private void notIdle() {
    idleSince = 0;
    stalls = 0;
    stalled = "";
  }

  private org.slf4j.spi.LoggingEventBuilder logged(
      Level level, Message message, Envelope<?> envelope) {
    return log.atLevel(level)
        .addKeyValue("consumer", spec.name())
        .addKeyValue("subject", message.getSubject())
        .addKeyValue("order_id", envelope == null ? null : orderId(envelope))
        .addKeyValue("event_id", envelope == null ? null : envelope.id())
        .addKeyValue("trace_id", envelope == null ? null : envelope.traceId());
  }

  /** Null for what is about goods. */
  private static String orderId(Envelope<?> envelope) {
    return envelope.event() instanceof StockEvent ? null : envelope.event().aggregateId();
  }

  /**
   * A settlement that cannot be sent now is sent a little later; one that gets lost all the same
   * means that the message comes again.
   */
  private void settleQuietly(Runnable settlement) {
    boolean sent = false;
    // Not to a broker that is connected and not to be used: the numbers that a settlement bears may
    // be those of other messages there.
    if (broker.usable()) {
      try {
        settlement.run();
        sent = true;
      } catch (IllegalStateException tooBusy) {
        // or disconnected since
      }
    }
    if (!sent && unsent.size() < MAX_UNSENT) {
      unsent.add(settlement);
    }
  }

  /**
   * What is delivered tells the lag too, but nothing is delivered when it matters most. It is the
   * consumer's leader that answers this.
   */
  private void askForLag() {
    if (askingForLag || !broker.usable()) {
      return;
    }
    askingForLag = true;
    broker
        .request(infoSubject, null, null, LAG_TIMEOUT)
        .onSuccess(answer -> lag(new JsonObject(Buffer.buffer(answer.getData()))))
        .onComplete(done -> askingForLag = false);
  }

  private void lag(JsonObject info) {
    if (!info.containsKey("num_pending")) {
      return; // it is not there, which shows elsewhere
    }
    pending = info.getLong("num_pending");
    unacknowledged = info.getLong("num_ack_pending", 0L);
    long atMost = info.getJsonObject("config").getLong("max_ack_pending", -1L);
    boolean deliverable = pending > 0 && (atMost <= 0 || unacknowledged < atMost);
    if (!deliverable) {
      notIdle();
    } else if (idleSince == 0 && inProcess.isEmpty()) {
      idleSince = System.nanoTime();
    }
  }
}
