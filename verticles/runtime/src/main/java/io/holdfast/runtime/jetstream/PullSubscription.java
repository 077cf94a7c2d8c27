package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.telemetry.Tracing;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.Subscription;
import io.nats.client.impl.ReaderThreadDelivery;
import io.nats.client.support.Status;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * Asks the broker for a consumer's messages, as many as there is room for, and hands over what
 * arrives: from the client library's thread to the event loop, many messages a hop. Asks again
 * where a pull has ended, was refused or was lost, and after each reconnect.
 *
 * <p>The event loop's alone, but for {@link #pulling}, {@link #trouble}, {@link #draining} and
 * {@link #askForNoMore}.
 */
final class PullSubscription {

  /** How often the broker says that a pull still stands of which nothing is delivered. */
  static final Duration HEARTBEAT = Duration.ofSeconds(3);

  private static final Duration PULL_EXPIRES = Duration.ofSeconds(30);

  /** So long a drain may have to wait for the last pull; its end is the sign of life. */
  private static final Duration PULL_EXPIRES_IN_A_CLUSTER = Duration.ofSeconds(2);

  private static final Duration PULL_OVERDUE = Duration.ofMillis(500);
  private static final long MIN_REFUSED_MILLIS = 50;
  private static final long MAX_REFUSED_MILLIS = 1_000;
  private static final int REQUEST_TIMEOUT = 408;
  private static final int HEARTBEAT_STATUS = 100;

  /** Whoever takes the messages. Called on the event loop unless it says otherwise. */
  interface Receiver {

    /** How many messages may be in process. */
    int bound();

    /** How many are. */
    int inProcess();

    void deliver(Message message);

    /**
     * The broker has given a message up by itself. On the client library's thread.
     *
     * @param advisory says which
     */
    void exhausted(Message advisory);
  }

  private final Broker broker;
  private final String consumer;
  private final String pullSubject;
  private final String exhaustedSubject;
  private final Duration silence;
  private final Receiver receiver;
  private final Tracing tracing;
  private final Logger log;

  // From the client library's thread to the event loop, which is known before anything can arrive.
  private Context context;
  private final ConcurrentLinkedQueue<Message> arrived = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean hopPending = new AtomicBoolean();

  // The event loop's alone.
  private Vertx vertx;
  private Connection subscribedOn;
  private Dispatcher dispatcher;
  private String inbox;
  private Subscription arrivals;
  private int asked;
  private long lastSign;
  private long notBefore = System.nanoTime();
  private int refusals;
  private Promise<Void> nothingOwed;
  private Future<Boolean> quiet = Future.succeededFuture(true);

  private volatile boolean draining;
  private volatile boolean pulling;
  private volatile String trouble = "";

  /**
   * @param stream its full name
   * @param silence a pull of which so long not even a heartbeat was heard is taken for lost
   */
  PullSubscription(
      Broker broker,
      String stream,
      String consumer,
      Duration silence,
      Receiver receiver,
      Tracing tracing,
      Logger log) {
    this.broker = broker;
    this.consumer = consumer;
    String name = stream + "." + consumer;
    this.pullSubject = "$JS.API.CONSUMER.MSG.NEXT." + name;
    this.exhaustedSubject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES." + name;
    this.silence = silence;
    this.receiver = receiver;
    this.tracing = tracing;
    this.log = log;
  }

  /** Whether messages are being asked for, and the broker answers that. */
  boolean pulling() {
    return pulling;
  }

  /** Why the broker refuses to deliver; empty if it does not. */
  String trouble() {
    return trouble;
  }

  /** Whether no more is asked for, for good. */
  boolean draining() {
    return draining;
  }

  /**
   * Begins to ask, or begins anew after a reconnect.
   *
   * @param eventLoop the one that everything is done on from now on
   * @return false if it is draining, or there is no broker to ask
   */
  boolean begin(Context eventLoop) {
    if (draining || !broker.usable()) {
      return false;
    }
    context = eventLoop;
    vertx = eventLoop.owner();
    Connection connection = broker.connection();
    if (connection != subscribedOn) {
      dispatcher = connection.createDispatcher();
      dispatcher.subscribe(exhaustedSubject, receiver::exhausted);
      subscribe();
      subscribedOn = connection;
    }
    asked = 0; // whatever was asked before went with the connection
    notBefore = System.nanoTime();
    lastSign = System.nanoTime();
    pulling = true;
    pull();
    return true;
  }

  private void subscribe() {
    inbox = broker.newInbox();
    arrivals = ReaderThreadDelivery.subscribe(dispatcher, inbox, this::arrivedOnBrokersThread);
  }

  /**
   * Whatever is wrong with where the messages should arrive, it is not there any more. What was
   * asked for at the old place and has been delivered to it comes again after ack_wait.
   */
  void subscribeAnew() {
    if (subscribedOn == null) {
      return; // not yet
    }
    try {
      Subscription before = arrivals;
      subscribe();
      dispatcher.unsubscribe(before);
      asked = 0;
      lastSign = System.nanoTime();
    } catch (BrokerException | IllegalStateException disconnected) {
      pulling = false; // subscribed again at the reconnect
    }
  }

  /** Subscribes anew if a pull was lost. */
  void noticeSilence(long now) {
    if (asked > 0 && now - lastSign > silence.toNanos()) {
      pulling = false; // until something comes again
      subscribeAnew();
    }
  }

  /** Asks for as much as there is room for, but not for every single place that becomes free. */
  void pull() {
    if (draining || subscribedOn == null || !broker.usable() || System.nanoTime() - notBefore < 0) {
      return;
    }
    int bound = receiver.bound();
    int room = bound - receiver.inProcess() - asked;
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

  private void arrivedOnBrokersThread(Message message) {
    arrived.add(message);
    if (hopPending.compareAndSet(false, true)) {
      context.runOnContext(v -> takeArrived());
    }
  }

  /** Hands over what has arrived. */
  void takeArrived() {
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
        receiver.deliver(message);
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
            .map(Provenance::traceparent)
            .filter(Objects::nonNull)
            .toList();
    if (parents.size() > 1) {
      tracing.received(consumer, parents);
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
        .addKeyValue("consumer", consumer)
        .addKeyValue("status", why)
        .log("The broker refuses to deliver, will ask again");
    vertx.setTimer(wait + 1 + ThreadLocalRandom.current().nextLong(wait), id -> pull());
  }

  /** For good. Any thread. */
  void askForNoMore() {
    draining = true;
    pulling = false;
  }

  /**
   * Ends the subscription; in a cluster when nothing that was asked for is owed any more, 2 s later
   * at most.
   *
   * @return completes when nothing more is on its way; what has arrived is still to be taken
   */
  Future<Boolean> drain() {
    Dispatcher current = dispatcher;
    quiet =
        current == null || !broker.usable()
            ? Future.succeededFuture(true)
            : lastPullsOver()
                .compose(over -> vertx.executeBlocking(() -> broker.drain(current), false));
    return quiet;
  }

  /** What {@link #drain} has returned; complete if that was not called. */
  Future<Boolean> quiet() {
    return quiet;
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

  /** Whether what arrives is still to be done: always, but while draining only if it is owed. */
  boolean listening() {
    return !draining || (nothingOwed != null && !nothingOwed.future().isComplete());
  }

  /** Waits no longer for what is owed. */
  void stopListening() {
    if (nothingOwed != null) {
      nothingOwed.tryComplete();
    }
  }
}
