package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * How far a consumer is behind its stream, as gauges, and whether that is a stall: the broker
 * answers, messages wait, there is room here, and none comes.
 *
 * <p>The event loop's alone, but for {@link #stall} and the gauges, which are read on any thread.
 */
final class ConsumerLag {

  private static final long ASK_MILLIS = 5_000;
  private static final Duration TIMEOUT = Duration.ofSeconds(4);

  /** So many stalls, each after a new subscription, and this instance says that it is of no use. */
  private static final int STALLS_UNTIL_TOLD = 2;

  private final Broker broker;
  private final String consumer;
  private final String infoSubject;
  private final Duration patience;
  private final IntSupplier inProcess;
  private final IntSupplier bound;
  private final Logger log;

  /** Since when messages wait that could be delivered and are not; 0 if there is no such wait. */
  private long idleSince;

  private int stalls;
  private boolean asking;

  private volatile long pending;
  private volatile long unacknowledged;
  private volatile String stall = "";

  /**
   * @param stream its full name
   * @param patience for how long nothing may be delivered while messages wait
   * @param inProcess how many messages are in process here
   * @param bound how many may be
   * @param parked how many of the consumer's messages lie in DEADLETTERS; any thread
   */
  ConsumerLag(
      Broker broker,
      String stream,
      String consumer,
      Duration patience,
      IntSupplier inProcess,
      IntSupplier bound,
      LongSupplier parked,
      Meters meters,
      Logger log) {
    this.broker = broker;
    this.consumer = consumer;
    this.infoSubject = "$JS.API.CONSUMER.INFO." + stream + "." + consumer;
    this.patience = patience;
    this.inProcess = inProcess;
    this.bound = bound;
    this.log = log;
    gauge(
        meters,
        "consumer_pending",
        "Messages that wait, not yet delivered to anybody",
        () -> pending);
    gauge(
        meters,
        "consumer_unacknowledged",
        "Messages delivered to any replica and not settled yet",
        () -> unacknowledged);
    gauge(
        meters,
        "consumer_parked",
        "Messages given up that wait for an operator",
        parked::getAsLong);
    gauge(
        meters,
        "consumer_lag",
        "All messages without their effect yet: pending, unacknowledged and parked",
        () -> pending + unacknowledged + parked.getAsLong());
  }

  private void gauge(Meters meters, String name, String description, Supplier<Number> value) {
    meters.gauge(name, description, "consumer", consumer, value);
  }

  /** How often {@link #ask} is to be called. */
  long askMillis() {
    return Math.min(ASK_MILLIS, patience.toMillis() / 3);
  }

  /** Why nothing is delivered though messages wait, for a person; empty if that is not so. */
  String stall() {
    return stall;
  }

  /** Something is delivered, or may be from now on. */
  void notIdle() {
    idleSince = 0;
    stalls = 0;
    stall = "";
  }

  /** What a delivery says of those that wait behind it. */
  void pending(long behind) {
    pending = behind;
  }

  /**
   * What is delivered tells the lag too, but nothing is delivered when it matters most. It is the
   * consumer's leader that answers this.
   */
  void ask() {
    if (asking || !broker.usable()) {
      return;
    }
    asking = true;
    broker
        .request(infoSubject, null, null, TIMEOUT)
        .onSuccess(answer -> told(new JsonObject(Buffer.buffer(answer.getData()))))
        .onComplete(done -> asking = false);
  }

  private void told(JsonObject info) {
    if (!info.containsKey("num_pending")) {
      return; // it is not there, which shows elsewhere
    }
    pending = info.getLong("num_pending");
    unacknowledged = info.getLong("num_ack_pending", 0L);
    long atMost = info.getJsonObject("config").getLong("max_ack_pending", -1L);
    boolean deliverable = pending > 0 && (atMost <= 0 || unacknowledged < atMost);
    if (!deliverable) {
      notIdle();
    } else if (idleSince == 0 && inProcess.getAsInt() == 0) {
      idleSince = System.nanoTime();
    }
  }

  /**
   * Whether the subscription is to be made anew: it may be what is wrong, or it is nothing that we
   * could mend, and others should know of it.
   */
  boolean stalled(long now) {
    if (idleSince == 0) {
      return false;
    }
    if (inProcess.getAsInt() > 0 || bound.getAsInt() == 0) {
      idleSince = now; // it is ourselves who take nothing
      return false;
    }
    if (now - idleSince < patience.toNanos()) {
      return false;
    }
    idleSince = now;
    stalls++;
    log.atWarn()
        .addKeyValue("consumer", consumer)
        .addKeyValue("pending", pending)
        .addKeyValue("times", stalls)
        .log("Messages wait and none is delivered, subscribing anew");
    if (stalls >= STALLS_UNTIL_TOLD) {
      stall = "messages wait and none is delivered";
    }
    return true;
  }
}
