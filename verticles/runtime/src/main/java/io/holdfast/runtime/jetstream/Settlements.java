package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.events.StockEvent;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.Outcome.Done;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Outcome.Reject;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.nats.client.Message;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Settles each delivery of one consumer with the broker as its outcome says: acknowledged, given
 * back for another attempt after a while, or parked in DEADLETTERS and then terminated. Once each,
 * and with its counters and log lines.
 *
 * <p>The event loop's alone, and never blocks.
 */
final class Settlements {

  /** A broker that refuses does so for many messages; one line in so long tells of it. */
  private static final long TELL_NANOS = Duration.ofSeconds(10).toNanos();

  /** From so many deliveries on it is told, each time there are ten times as many. */
  private static final long MANY_DELIVERIES = 100;

  private static final String ATTEMPTS_EXHAUSTED = "attempts_exhausted";
  private static final String REJECTED = "rejected";

  private final ConsumerSpec spec;
  private final RetryPolicy retryPolicy;
  private final DeadLetters deadLetters;
  private final AckSender acks;
  private final Consumer<InProcess> settled;
  private final Meters meters;
  private final Tracing tracing;
  private final Logger log;
  private final Map<String, Counter> processed = new HashMap<>();
  private final RecentFailures failures = new RecentFailures();
  private long lastTold = System.nanoTime() - TELL_NANOS;

  /**
   * @param settled is told of each that is done with here
   */
  Settlements(
      ConsumerSpec spec,
      RetryPolicy retryPolicy,
      DeadLetters deadLetters,
      AckSender acks,
      Consumer<InProcess> settled,
      Meters meters,
      Tracing tracing,
      Logger log) {
    this.spec = spec;
    this.retryPolicy = retryPolicy;
    this.deadLetters = deadLetters;
    this.acks = acks;
    this.settled = settled;
    this.meters = meters;
    this.tracing = tracing;
    this.log = log;
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

  /**
   * What kills its process leaves no failure behind, only deliveries; and so does an outage that is
   * waited for. So their number alone gives no message up, but it is told.
   */
  void tellIfMany(InProcess entry, long deliveries) {
    long level = MANY_DELIVERIES;
    while (level < deliveries) {
      level *= 10;
    }
    if (level == deliveries) {
      Failures soFar = failures.of(entry.sequence);
      logged(Level.WARN, entry.message, null)
          .addKeyValue("deliveries", deliveries)
          .addKeyValue("error", soFar == null ? "none known here" : soFar.last().toString())
          .log("Delivered again and again");
    }
  }

  /** Settles one, unless that has been begun before. */
  void settle(InProcess entry, Outcome outcome) {
    if (entry.settling) {
      return; // given back meanwhile
    }
    entry.settling = true;
    if (tracing.on()) {
      tell(entry.work, outcome);
    }
    switch (outcome) {
      case Done done -> acknowledge(entry, "done");
      case Ignored ignored -> acknowledge(entry, "ignored");
      case Postpone postpone -> {
        processed("postponed").increment();
        giveBackLater(entry, postpone.delay());
      }
      case Retry retry -> retry(entry, retry);
      case Reject reject -> {
        Failures last = failures.add(entry.sequence, reject.cause());
        String reason =
            reject.cause() instanceof UndecodableEventException undecodable
                ? undecodable.reason().word()
                : REJECTED;
        park(entry, last, reason);
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

  private void acknowledge(InProcess entry, String outcome) {
    acks.send(entry.message::ack); // if it is lost, the message comes again and finds its effect
    processed(outcome).increment();
    failures.forget(entry.sequence);
    settled.accept(entry);
  }

  private void retry(InProcess entry, Retry asked) {
    Throwable cause = asked.cause();
    // What the broker could not do says nothing about the message: it spends no attempt, and the
    // message could not be parked now either.
    boolean brokersFault = cause instanceof BrokerException;
    int attempt;
    if (brokersFault) {
      attempt = (int) Math.min(Integer.MAX_VALUE, entry.message.metaData().deliveredCount());
    } else {
      Failures soFar = failures.add(entry.sequence, cause);
      attempt = soFar.count();
      if (retryPolicy.exhausted(attempt)) {
        park(entry, soFar, ATTEMPTS_EXHAUSTED);
        return;
      }
    }
    Duration delay = retryPolicy.backoff(attempt, ThreadLocalRandom.current());
    if (asked.within() != null && asked.within().compareTo(delay) < 0) {
      delay = asked.within();
    }
    logged(brokersFault ? brokersFaultLevel() : Level.WARN, entry.message, entry.envelope)
        .addKeyValue("attempt", attempt)
        .addKeyValue("error", cause.toString())
        .addKeyValue("retry_in_ms", delay.toMillis())
        .log("Could not process, will try again");
    meters.retries(spec.name()).increment();
    processed("retry").increment();
    giveBackLater(entry, delay);
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

  private void giveBackLater(InProcess entry, Duration delay) {
    acks.send(() -> entry.message.nakWithDelay(delay));
    settled.accept(entry);
  }

  private void park(InProcess entry, Failures soFar, String reason) {
    Message message = entry.message;
    Future.<Void>succeededFuture()
        .compose( // so that one that throws does not hold the message for ever
            v ->
                deadLetters.park(
                    spec.original(),
                    entry.from,
                    message.getHeaders(),
                    message.getData(),
                    soFar,
                    reason))
        .onComplete(
            parked -> {
              if (parked.succeeded()) {
                logged(Level.ERROR, message, entry.envelope)
                    .addKeyValue("attempt", soFar.count())
                    .addKeyValue("reason", reason)
                    .addKeyValue("error", String.valueOf(soFar.last()))
                    .log("Gave up, parked in DEADLETTERS");
                acks.send(message::term);
                meters.deadLetters(spec.name(), reason).increment();
                processed("dead_lettered").increment();
                failures.forget(entry.sequence);
                settled.accept(entry);
              } else {
                logged(Level.WARN, message, entry.envelope)
                    .addKeyValue("error", parked.cause().toString())
                    .log("Could not park, will try again");
                giveBackLater(
                    entry, retryPolicy.backoff(soFar.count(), ThreadLocalRandom.current()));
              }
            });
  }

  /**
   * Parks what the broker has given up by itself, which nobody here is at work on.
   *
   * @return fails where that did not come about, which is logged; trying again is safe
   */
  Future<Void> parkExhausted(long sequence, long deliveries) {
    Failures known = failures.of(sequence);
    Failures soFar =
        known != null
            ? known
            : Failures.first(
                new IllegalStateException("delivered " + deliveries + " times, without an answer"),
                Instant.now());
    return deadLetters
        .parkStored(spec, sequence, deliveries, soFar)
        .onSuccess(
            parked -> {
              log.atError()
                  .addKeyValue("consumer", spec.name())
                  .addKeyValue("sequence", sequence)
                  .addKeyValue("deliveries", deliveries)
                  .log(
                      "The broker gave a message up, parked in DEADLETTERS: run ./holdfast doctor");
              meters.deadLetters(spec.name(), DeadLetters.MAX_DELIVERIES).increment();
              failures.forget(sequence);
            })
        .onFailure(
            cause ->
                log.atWarn()
                    .addKeyValue("consumer", spec.name())
                    .addKeyValue("sequence", sequence)
                    .addKeyValue("error", cause.toString())
                    .log("Could not park what the broker gave up, will try again"));
  }

  private LoggingEventBuilder logged(Level level, Message message, Envelope<?> envelope) {
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
}
