package io.holdfast.notifications;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Reactions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Clock;

/** Tells the customer how the order ended, and records that it did. */
public final class NotificationVerticle extends VerticleBase {

  private final EventStreams streams;
  private final Channel channel;
  private final Clock clock;

  public NotificationVerticle(EventStreams streams, Channel channel, Clock clock) {
    this.streams = streams;
    this.channel = channel;
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    return streams.consume(
        "notifications-send",
        Reactions.on(OrderConfirmed.class, this::confirmed)
            .and(OrderCancelled.class, this::cancelled));
  }

  private Future<Outcome> confirmed(Delivery<OrderConfirmed> order) {
    return tell(order, Notification.of(order.event(), order.traceId()));
  }

  private Future<Outcome> cancelled(Delivery<OrderCancelled> order) {
    return tell(order, Notification.of(order.event(), order.traceId()));
  }

  /**
   * A redelivery looks first whether the customer was told; the first delivery has no reason to.
   */
  private Future<Outcome> tell(Delivery<?> order, Notification notification) {
    if (!order.redelivered()) {
      return send(notification);
    }
    return streams
        .load(Domain.NOTIFICATIONS, notification.orderId())
        .compose(
            history ->
                history.find(NotificationSent.class).isPresent()
                    ? Future.succeededFuture(new Ignored("was told before"))
                    : send(notification));
  }

  private Future<Outcome> send(Notification notification) {
    NotificationSent fact =
        new NotificationSent(
            notification.orderId(),
            notification.customerId(),
            notification.template(),
            channel.name());
    return channel
        .send(notification)
        .compose(
            sent -> streams.append(Envelope.once(fact, clock.instant(), notification.traceId()), 0))
        .map(
            result ->
                switch (result) {
                  case Appended appended -> Outcome.DONE;
                  case Conflict conflict -> new Ignored("was told before");
                });
  }
}
