package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import io.nats.client.impl.ReaderThreadDelivery;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;

/**
 * The process's one connection to the broker. Connects in the background and keeps trying without
 * end; while there is no connection every request fails at once, and nothing is buffered to turn up
 * later.
 *
 * <p>All methods may be called on an event loop: none blocks. A returned future completes on the
 * Vert.x context that asked.
 */
public final class Broker {

  /**
   * The oldest server that may be used: older ones ignore the guards and batches that promises rest
   * on without a word, and have open CVEs.
   */
  public static final String MINIMUM_VERSION = "2.12.7";

  private static final int MAX_OUTSTANDING = 8_192;
  private static final int OUTGOING_QUEUE = 65_536;
  private static final long SWEEP_MILLIS = 100;

  /** Until the streams are looked at again where something was wrong with them. */
  private static final long LOOK_MILLIS = 500;

  /** Of a line that the broker sends: a subject that it has taken, and what it puts around it. */
  private static final int LONGEST_LINE = 16 * 1024;

  /** Beyond this the broker would close the connection, for the whole line is 4 KB at most. */
  private static final int LONGEST_SUBJECT = 3_500;

  /** After which nobody knows whether a message was stored. */
  static final Duration STORE_TIMEOUT = Duration.ofSeconds(5);

  private static final Duration DRAIN_LIMIT = Duration.ofSeconds(2);
  private static final int NO_RESPONDERS = 503;
  private static final int END_OF_BATCH = 204;

  private final Vertx vertx;
  private final Logger log;
  private final Options options;
  private final List<Runnable> onConnected = new CopyOnWriteArrayList<>();
  private final Map<String, Pending> pending = new ConcurrentHashMap<>();
  private final AtomicLong tokens = new AtomicLong();
  private final AtomicLong connections = new AtomicLong();
  private final AtomicBoolean begun = new AtomicBoolean();
  private final long sweeper;
  private final Witness witness = new Witness();
  private final QuietErrors errors;

  /** Counts connects and disconnects; guarded by this object. */
  private long turn;

  /** Whether the broker answered the last drain; guarded by the lock. */
  private boolean drainAnswered = true;

  private final Object drainLock = new Object();

  private Dispatcher watchers;
  private volatile Connection connection;
  private volatile String inbox;
  private volatile String problem = "not connected yet";
  private volatile boolean usable;
  private volatile boolean clustered;
  private volatile boolean closed;

  /** One request that waits for its answers. */
  private static final class Pending {
    final Promise<List<Message>> promise = Promise.promise();
    final List<Message> received = new ArrayList<>(1);
    final Context context;
    final boolean many;
    final long deadline;

    Pending(Context context, boolean many, long deadline) {
      this.context = context;
      this.many = many;
      this.deadline = deadline;
    }
  }

  private Broker(Vertx vertx, CommonSettings settings, String name, Logger log) {
    this.vertx = vertx;
    this.log = log;
    this.errors = new QuietErrors(log, new LongAdder(), new AtomicReference<>(""));
    Options.Builder builder =
        new Options.Builder()
            .servers(settings.nats().urls().toArray(String[]::new))
            .connectionName("holdfast-" + name)
            .inboxPrefix("_INBOX_" + name + ".")
            .connectionTimeout(Duration.ofSeconds(2))
            .maxReconnects(-1)
            .reconnectWait(Duration.ofMillis(150))
            .reconnectJitter(Duration.ofMillis(100))
            // Else a publish that failed would turn up after the reconnect, as a ghost.
            .reconnectBufferSize(0)
            .pingInterval(Duration.ofSeconds(2))
            .maxPingsOut(3)
            .maxMessagesInOutgoingQueue(OUTGOING_QUEUE)
            // The lock behind this is held for microseconds, by a thread that may have lost its
            // processor meanwhile.
            .writeQueuePushTimeout(Duration.ofMillis(200))
            // Subjects and headers that are not ASCII, or no headers at all, end the client's
            // connection otherwise, again and again; and the broker takes them from anybody.
            .supportUTF8Subjects()
            .maxControlLine(LONGEST_LINE)
            .dataPortType(MendingDataPort.class.getName())
            .connectionListener(this::connectionChanged)
            .errorListener(errors);
    BrokerLogin.configure(builder, settings.nats());
    this.options = builder.build();
    this.sweeper = vertx.setPeriodic(SWEEP_MILLIS, id -> failOverdue());
  }

  /**
   * A broker to be connected to by {@link #begin}.
   *
   * @param name the process's, for the broker's list of connections and the inbox's prefix
   */
  public static Broker of(Vertx vertx, CommonSettings settings, String name, Logger log) {
    return new Broker(vertx, settings, name, log);
  }

  /** Begins to connect, and returns at once; more calls change nothing. */
  public void begin() {
    if (begun.compareAndSet(false, true)) {
      tryToConnect(0);
    }
  }

  /**
   * Whether requests can be made: connected, to a server that is new enough and has the streams
   * that this process has worked with before.
   */
  public boolean usable() {
    return usable;
  }

  /** Whether it is one of several, as it said at the last connect. */
  boolean clustered() {
    return clustered;
  }

  /** How often the broker was connected to; as long as it stays the same, it was not away. */
  long connections() {
    return connections.get();
  }

  /** How many messages came with headers that are none, and were mended to be read. */
  public long headersMended() {
    return errors.mended().sum();
  }

  /** What this process has seen of the streams. */
  Witness witness() {
    return witness;
  }

  /** Why not, for a person. Empty if usable. */
  public String problem() {
    return usable ? "" : problem;
  }

  /** Is called, on no particular thread, at every connect and reconnect to a usable server. */
  public void onConnected(Runnable listener) {
    onConnected.add(listener);
    if (usable) {
      listener.run();
    }
  }

  /**
   * Asks, and waits for one answer.
   *
   * @return the answer; fails with {@link BrokerException}
   */
  public Future<Message> request(String subject, Headers headers, byte[] body, Duration timeout) {
    return send(subject, headers, body, timeout, false).map(List::getFirst);
  }

  /**
   * Publishes to a stream.
   *
   * @return what the stream's leader says to it, a refusal too; fails with {@link BrokerException},
   *     {@code NO_ANSWER} where nobody knows whether it was stored
   */
  Future<PubAck> store(String subject, Headers headers, byte[] body) {
    return send(subject, headers, body, STORE_TIMEOUT, false).map(this::acknowledged);
  }

  private PubAck acknowledged(List<Message> answer) {
    PubAck ack = PubAck.parse(answer.getFirst().getData());
    witness.saw(ack.stream(), ack.sequence());
    return ack;
  }

  /**
   * Asks, and gathers answers up to the end of the batch.
   *
   * @return the answers in order, perhaps none; fails with {@link BrokerException}
   */
  public Future<List<Message>> requestMany(String subject, byte[] body, Duration timeout) {
    return send(subject, null, body, timeout, true);
  }

  /**
   * Sends without asking for an answer.
   *
   * @throws BrokerException if there is no connection
   */
  public void publish(String subject, String replyTo, Headers headers, byte[] body) {
    Connection current = connection;
    if (current == null || !usable) {
      throw new BrokerException(Kind.DISCONNECTED, "broker: " + problem);
    }
    if (subject.length() > LONGEST_SUBJECT / 3
        && subject.getBytes(StandardCharsets.UTF_8).length > LONGEST_SUBJECT) {
      throw new BrokerException(Kind.REFUSED, "broker: the subject is too long");
    }
    try {
      current.publish(
          NatsMessage.builder()
              .subject(subject)
              .replyTo(replyTo)
              .headers(headers)
              .data(body)
              .build());
    } catch (IllegalStateException e) { // reconnecting, closed, or the outgoing queue is full
      throw new BrokerException(Kind.DISCONNECTED, "broker: " + e.getMessage());
    } catch (IllegalArgumentException e) { // larger than the broker takes
      throw new BrokerException(Kind.REFUSED, "broker: " + e.getMessage());
    }
  }

  /** Calls back, on the caller's Vert.x context, for every message on a subject, stored or not. */
  EventStreams.Watch listen(String subject, Runnable onMessage) {
    Context context = vertx.getOrCreateContext();
    Dispatcher dispatcher = watchers();
    Subscription subscription =
        dispatcher.subscribe(subject, message -> context.runOnContext(v -> onMessage.run()));
    AtomicBoolean open = new AtomicBoolean(true);
    return () -> {
      if (open.compareAndSet(true, false) && dispatcher.isActive()) {
        try {
          dispatcher.unsubscribe(subscription);
        } catch (IllegalStateException connectionGone) {
          // and the subscription with it
        }
      }
    };
  }

  private synchronized Dispatcher watchers() {
    if (watchers == null || !watchers.isActive()) {
      watchers = connection().createDispatcher();
    }
    return watchers;
  }

  /** The live connection, for what the runtime does off the event loop. */
  Connection connection() {
    Connection current = connection;
    if (current == null || !usable) {
      throw new BrokerException(Kind.DISCONNECTED, "broker: " + problem);
    }
    return current;
  }

  /**
   * Ends a dispatcher's subscriptions, and waits until what was on its way has arrived. Blocking;
   * for worker threads.
   *
   * <p>One after the other, as each sends a ping: the client takes a connection with several
   * unanswered pings for dead, and closes it.
   *
   * @return false if the broker did not answer, to this one or one before
   */
  boolean drain(Dispatcher dispatcher) throws Exception {
    synchronized (drainLock) {
      boolean done =
          drainAnswered
              && dispatcher.drain(DRAIN_LIMIT).get(DRAIN_LIMIT.toSeconds() + 1, TimeUnit.SECONDS);
      drainAnswered = done;
      return done;
    }
  }

  /** A subject of our own to receive on. */
  String newInbox() {
    return connection().createInbox();
  }

  /**
   * Flushes what was published and closes. Completes when the connection is gone, within about 5 s.
   */
  public Future<Void> close() {
    closed = true;
    usable = false;
    problem = "closed";
    vertx.cancelTimer(sweeper);
    return vertx.executeBlocking(
        () -> {
          Connection current = connection;
          if (current != null) {
            try {
              current.flush(Duration.ofSeconds(3));
            } catch (Exception notConnected) {
              log.atDebug().setCause(notConnected).log("Nothing flushed at close");
            }
            current.close();
          }
          return null;
        },
        false);
  }

  private void tryToConnect(int failures) {
    if (closed) {
      return;
    }
    vertx
        .executeBlocking(() -> Nats.connect(options), false)
        .onComplete(
            done -> {
              if (done.failed()) {
                problem = "cannot connect: " + done.cause().getMessage() + distrust();
                if (failures == 0 || failures % 20 == 0) {
                  log.atWarn()
                      .addKeyValue("url", String.join(",", serverUrls()))
                      .addKeyValue("problem", problem)
                      .log("No broker yet, trying on");
                }
                long wait = Math.min(1_000, 100L << Math.min(failures, 4));
                vertx.setTimer(
                    wait + ThreadLocalRandom.current().nextLong(100),
                    id -> tryToConnect(failures + 1));
              }
            });
  }

  /** The client library tells why TLS failed to its listener alone. */
  private String distrust() {
    String reason = errors.distrust().getAndSet("");
    return reason.isEmpty() ? "" : ", TLS: " + reason;
  }

  private List<String> serverUrls() {
    return options.getServers().stream().map(uri -> uri.getHost() + ":" + uri.getPort()).toList();
  }

  private void connectionChanged(Connection source, ConnectionListener.Events event) {
    switch (event) {
      // Not at RECONNECTED: answers that came before the subscriptions are back would be lost.
      case CONNECTED, RESUBSCRIBED -> connected(source);
      case DISCONNECTED -> disconnected();
      case CLOSED -> {
        disconnected();
        startOver(source);
      }
      default -> {}
    }
  }

  private synchronized void connected(Connection source) {
    String version = source.getServerInfo().getVersion();
    if (closed) {
      return;
    }
    if (inbox == null) {
      String prefix = source.createInbox();
      ReaderThreadDelivery.subscribe(source.createDispatcher(), prefix + ".*", this::answered);
      inbox = prefix + ".";
    }
    connection = source;
    String cluster = source.getServerInfo().getCluster();
    clustered = cluster != null && !cluster.isEmpty();
    if (!source.getServerInfo().isSameOrNewerThanVersion(MINIMUM_VERSION)) {
      usable = false;
      problem =
          "nats-server " + version + " is too old: " + MINIMUM_VERSION + " or newer is needed";
      log.atError().addKeyValue("nats_version", version).log(problem);
      return;
    }
    connections.incrementAndGet(); // before anybody can be delivered anything
    turn++;
    if (witness.knowsNothing()) {
      open(source);
    } else {
      look(source, turn);
    }
  }

  private void open(Connection source) {
    usable = true;
    log.atInfo()
        .addKeyValue("nats_version", source.getServerInfo().getVersion())
        .log("Connected to the broker");
    for (Runnable listener : onConnected) {
      listener.run();
    }
  }

  private void look(Connection source, long inTurn) {
    witness.look(source).thenAccept(look -> looked(source, inTurn, look));
  }

  /** A broker that lost what this process has seen is as bad as none. */
  private synchronized void looked(Connection source, long inTurn, Witness.Look look) {
    if (closed || turn != inTurn) {
      return;
    }
    String objection = String.join("; ", look.objections());
    if (objection.isEmpty() && !usable) {
      open(source);
    } else if (!objection.isEmpty()) {
      if (usable || !objection.equals(problem)) {
        log.atError()
            .addKeyValue("problem", objection)
            .log("The broker has lost what this process has seen, nothing is done there");
      }
      usable = false;
      problem = objection;
    }
    if (!objection.isEmpty() || !look.complete()) {
      vertx.setTimer(LOOK_MILLIS, id -> look(source, inTurn));
    }
  }

  /** The library gave up, as it does when refused twice for its credentials; we do not. */
  private synchronized void startOver(Connection gone) {
    if (!closed && connection == gone) {
      connection = null;
      inbox = null;
      vertx.runOnContext(ignored -> tryToConnect(1));
    }
  }

  private synchronized void disconnected() {
    turn++;
    if (usable) {
      usable = false;
      log.atWarn().log("Lost the broker, reconnecting");
    }
    problem = "disconnected";
    // What was asked gets no answer any more; whether it happened nobody here can know.
    for (String token : List.copyOf(pending.keySet())) {
      fail(token, new BrokerException(Kind.NO_ANSWER, "the broker went away before it answered"));
    }
  }

  private Future<List<Message>> send(
      String subject, Headers headers, byte[] body, Duration timeout, boolean many) {
    if (pending.size() >= MAX_OUTSTANDING) {
      return Future.failedFuture(
          new BrokerException(Kind.OVERLOADED, "too many requests wait for the broker"));
    }
    String token = Long.toString(tokens.incrementAndGet(), Character.MAX_RADIX);
    Pending request =
        new Pending(vertx.getOrCreateContext(), many, System.nanoTime() + timeout.toNanos());
    pending.put(token, request);
    try {
      publish(subject, inbox + token, headers, body);
    } catch (BrokerException e) {
      pending.remove(token);
      return Future.failedFuture(e);
    }
    return request.promise.future();
  }

  /** Runs on the client library's thread. */
  private void answered(Message message) {
    String subject = message.getSubject();
    String token = subject.substring(inbox.length());
    Pending request = pending.get(token);
    if (request == null) {
      return; // came too late
    }
    if (message.isStatusMessage()) {
      int code = message.getStatus().getCode();
      if (code == NO_RESPONDERS) {
        fail(token, new BrokerException(Kind.NO_STREAM, "nothing answers there: no such stream"));
      } else if (request.many && (code == END_OF_BATCH || code == 404)) {
        succeed(token);
      } else {
        fail(
            token,
            new BrokerException(Kind.REFUSED, message.getStatus().getMessageWithCode(), code));
      }
      return;
    }
    request.received.add(message);
    if (!request.many) {
      succeed(token);
    }
  }

  private void succeed(String token) {
    Pending request = pending.remove(token);
    if (request != null) {
      request.context.runOnContext(done -> request.promise.tryComplete(request.received));
    }
  }

  private void fail(String token, BrokerException why) {
    Pending request = pending.remove(token);
    if (request != null) {
      request.context.runOnContext(done -> request.promise.tryFail(why));
    }
  }

  private void failOverdue() {
    long now = System.nanoTime();
    pending.forEach(
        (token, request) -> {
          if (request.deadline - now < 0) {
            fail(token, new BrokerException(Kind.NO_ANSWER, "the broker did not answer in time"));
          }
        });
  }

  /** Client trouble as log lines of ours, without the library's own printing. */
  private record QuietErrors(Logger log, LongAdder mended, AtomicReference<String> distrust)
      implements ErrorListener, MendingDataPort.Listener {
    @Override
    public void headersMended() {
      mended.increment();
      long count = mended.sum();
      if (Long.bitCount(count) == 1) { // ever more rarely, as anybody can send many
        log.atWarn()
            .addKeyValue("count", count)
            .log("Somebody sends messages with headers that are none");
      }
    }

    @Override
    public void errorOccurred(Connection connection, String error) {
      log.atWarn().addKeyValue("error", error).log("The broker reports an error");
    }

    @Override
    public void exceptionOccurred(Connection connection, Exception e) {
      Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
      if (cause instanceof SSLException) {
        distrust.set(String.valueOf(cause.getMessage()));
      }
      if (cause instanceof IOException) {
        log.atDebug().addKeyValue("error", e.toString()).log("Connection trouble");
      } else {
        log.atWarn().addKeyValue("error", e.toString()).log("Broker client trouble");
      }
    }
  }
}
