package io.holdfast.payments.http;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Ids;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.payments.domain.Payment;
import io.holdfast.payments.domain.Payment.Charged;
import io.holdfast.payments.domain.Payment.Declined;
import io.holdfast.payments.domain.Payment.Expired;
import io.holdfast.payments.domain.Payment.Open;
import io.holdfast.payments.domain.Payment.Refunded;
import io.holdfast.payments.domain.Payment.Voided;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.resilience.Breaker;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;

/** {@code /payments/{order_id}} and {@code /breaker}. */
public final class PaymentRoutes {

  private final EventStreams streams;
  private final Breaker breaker;

  public PaymentRoutes(EventStreams streams, Breaker breaker) {
    this.streams = streams;
    this.breaker = breaker;
  }

  public void mount(Router router) {
    router.get("/payments/:order_id").handler(this::payment);
    router.get("/breaker").handler(this::breaker);
  }

  private void payment(RoutingContext request) {
    String orderId = request.pathParam("order_id");
    if (!Ids.valid(orderId)) {
      Problem.notFound("There is no such order").send(request);
      return;
    }
    streams
        .load(Domain.PAYMENTS, orderId)
        .onSuccess(
            history -> {
              if (history.events().isEmpty()) {
                Problem.notFound("Nothing was charged, voided or declined for this order")
                    .send(request);
              } else {
                request.json(json(orderId, history));
              }
            })
        .onFailure(request::fail);
  }

  private static JsonObject json(String orderId, History history) {
    JsonObject body =
        new JsonObject()
            .put("order_id", orderId)
            .put(
                "status",
                switch (Payment.of(
                    history.events().stream().map(s -> s.envelope().event()).toList())) {
                  case Open open -> "open";
                  case Charged charged -> "processed";
                  case Declined declined -> "failed";
                  case Expired expired -> "failed";
                  case Voided voided -> "voided";
                  case Refunded refunded -> "refunded";
                });
    history
        .find(PaymentProcessed.class)
        .ifPresent(
            fact ->
                body.put("payment_id", fact.paymentId())
                    .put("amount", fact.amount())
                    .put("currency", fact.currency()));
    history
        .find(PaymentFailed.class)
        .ifPresent(fact -> body.put("code", fact.code()).put("message", fact.message()));
    history
        .find(PaymentRefunded.class)
        .ifPresent(
            fact ->
                body.put("payment_id", fact.paymentId())
                    .put("refund_id", fact.refundId())
                    .put("refunded_amount", fact.amount()));
    JsonArray facts = new JsonArray();
    for (Stored stored : history.events()) {
      Envelope<?> envelope = stored.envelope();
      facts.add(
          new JsonObject()
              .put("type", envelope.type().typeName())
              .put("timestamp", envelope.timestamp().toString())
              .put("event_id", envelope.id()));
    }
    return body.put("history", facts);
  }

  private void breaker(RoutingContext request) {
    JsonObject body =
        new JsonObject()
            .put("name", breaker.name())
            .put("state", breaker.state())
            .put("failures", breaker.failures());
    breaker.openedAt().ifPresent(at -> body.put("opened_at", at.toString()));
    breaker.nextProbeAt().ifPresent(at -> body.put("next_probe_at", at.toString()));
    request.json(body);
  }
}
