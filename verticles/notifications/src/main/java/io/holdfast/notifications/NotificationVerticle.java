package io.holdfast.notifications;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.notifications.Channel.Refused;
import io.holdfast.notifications.Channel.Unavailable;
import io.holdfast.notifications.Channels.Route;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Outcome.Reject;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.telemetry.Meters;
import io.micrometer.core.instrument.Counter;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** Tells the customer how the order ended, and records that it did. */
public final class NotificationVerticle extends VerticleBase {

  private static final int MAX_RECORDINGS = 5;

  /** Another replica may record what stands here, so that it is never taken out again. */
  private static final int MAX_UNRECORDED = 10_000;

  private final EventStreams streams;
  private final Channels channels;
  private final Meters meters;
  private final Clock clock;

  /**
   * The channels of orders whose customers were told, but of which the broker did not take the
   * record. The delivery is tried again until it does, and the customer is not to hear of every
   * attempt.
   */
  private final Map<String, String> unrecorded = new HashMap<>();

  public NotificationVerticle(EventStreams streams, Channels channels, Meters meters, Clock clock) {
    this.streams = streams;
    this.channels = channels;
    this.meters = meters;
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    return streams.consume(
        "notifications-send",
        Reactions.on(OrderConfirmed.class, this::tell)
            .and(OrderCancelled.class, this::tell)
            .atPace(channels.pace()));
  }

  /**
   * A redelivery looks first whether the customer was told; the first delivery has no reason to.
   */
  private Future<Outcome> tell(Delivery<? extends OrderEvent> order) {
    Notification notification = Notification.of(order.envelope());
    if (!order.redelivered()) {
      return send(notification);
    }
    return streams
        .load(Domain.NOTIFICATIONS, notification.orderId())
        .compose(
            history ->
                history.find(NotificationSent.class).isPresent()
                    ? Future.succeededFuture(toldBefore(notification))
                    : send(notification));
  }

  private Outcome toldBefore(Notification notification) {
    unrecorded.remove(notification.orderId());
    return new Ignored("was told before");
  }

  private Future<Outcome> send(Notification notification) {
    String told = unrecorded.get(notification.orderId());
    return told == null ? sendNow(notification) : record(notification, told);
  }

  private Future<Outcome> sendNow(Notification notification) {
    Route route = channels.forCustomer(notification.customerId());
    return route
        .channel()
        .send(notification, route.address())
        .transform(
            done ->
                done.succeeded()
                    ? record(notification, route.channel().name())
                    : Future.succeededFuture(judged(done.cause())));
  }

  private Future<Outcome> record(Notification notification, String channel) {
    return record(notification, channel, 0, 1);
  }

  /** A crash before this is stored repeats the telling, under the same id. */
  private Future<Outcome> record(
      Notification notification, String channel, long expectedSequence, int attempt) {
    NotificationSent fact =
        new NotificationSent(
            notification.orderId(), notification.customerId(), notification.template(), channel);
    return streams
        .append(Envelope.once(fact, clock.instant(), notification.traceId()), expectedSequence)
        .onFailure(brokersFault -> remember(notification.orderId(), channel))
        .compose(
            result ->
                switch (result) {
                  case Appended appended -> {
                    unrecorded.remove(notification.orderId());
                    sent(channel, notification.template()).increment();
                    yield Future.succeededFuture(Outcome.DONE);
                  }
                  case Conflict conflict
                      when conflict.history().find(NotificationSent.class).isPresent() ->
                      Future.succeededFuture(toldBefore(notification));
                  // What stands in its place is no fact of ours.
                  case Conflict conflict when attempt < MAX_RECORDINGS ->
                      record(notification, channel, conflict.history().lastSequence(), attempt + 1);
                  case Conflict conflict -> {
                    remember(notification.orderId(), channel);
                    yield Future.failedFuture("the place to record it changes all the time");
                  }
                });
  }

  private void remember(String orderId, String channel) {
    if (unrecorded.size() < MAX_UNRECORDED) {
      unrecorded.put(orderId, channel);
    }
  }

  /**
   * Whom nobody can tell is parked with the reason at once. While a channel is known to be out, or
   * asks to be left alone, waiting for it spends no attempt.
   */
  private static Outcome judged(Throwable failure) {
    if (failure instanceof Refused) {
      return new Reject(failure);
    }
    if (failure instanceof Unavailable channel
        && (channel.outage() || channel.retryAfter().isPresent())) {
      Duration wait =
          channel
              .retryAfter()
              .orElse(Duration.ofSeconds(1))
              .plusMillis(ThreadLocalRandom.current().nextLong(1_000));
      return new Postpone(wait, failure.getMessage());
    }
    return new Retry(failure);
  }

  private Counter sent(String channel, String template) {
    return Counter.builder("notifications_sent")
        .description("Customers told, and recorded")
        .tag("channel", channel)
        .tag("template", template)
        .register(meters.registry());
  }
}
