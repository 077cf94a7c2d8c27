package io.holdfast.orders.http;

import io.holdfast.events.Envelope;
import io.holdfast.events.Ids;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.orders.OrderDesk;
import io.holdfast.orders.OrderDesk.Placed;
import io.holdfast.orders.OrderDesk.View;
import io.holdfast.orders.domain.Order.Cancelled;
import io.holdfast.runtime.http.Access;
import io.holdfast.runtime.http.HttpShell;
import io.holdfast.runtime.http.IdempotencyKey;
import io.holdfast.runtime.http.JsonBody;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;

/** {@code /orders}: place, look at, follow, cancel. */
public final class OrderRoutes {

  private final OrderDesk desk;
  private final OrderFollowers followers;
  private final Access access;
  private final String namespace;

  /**
   * @param namespace of this system
   */
  public OrderRoutes(OrderDesk desk, OrderFollowers followers, Access access, String namespace) {
    this.desk = desk;
    this.followers = followers;
    this.access = access;
    this.namespace = namespace;
  }

  public void mount(Router router) {
    access.customer(router.post("/orders")).handler(this::place);
    router.get("/orders/:id").handler(this::show);
    router.get("/orders/:id/events").handler(this::follow);
    access.customer(router.post("/orders/:id/cancel")).handler(this::cancel);
  }

  private void place(RoutingContext request) {
    JsonBody body = JsonBody.of(request, OrderRequest.fields());
    String orderId = IdempotencyKey.idFor(namespace, "ord", request);
    OrderCreated order = OrderRequest.parse(body, orderId);
    String traceId = HttpShell.traceId(request, orderId);
    Optional<String> noRoom = desk.noRoom();
    if (noRoom.isPresent()) {
      Problem.unavailable("No new orders: " + noRoom.get()).send(request);
      return;
    }
    desk.place(order, traceId)
        .onSuccess(
            placed -> {
              switch (placed) {
                case Placed.Accepted accepted -> accepted(request, accepted);
                case Placed.KeyReused reused -> IdempotencyKey.reused().send(request);
              }
            })
        .onFailure(request::fail);
  }

  private static void accepted(RoutingContext request, Placed.Accepted accepted) {
    request
        .response()
        .setStatusCode(202)
        .putHeader("Location", "/orders/" + accepted.orderId())
        .putHeader("Content-Type", "application/json")
        .end(
            new JsonObject()
                .put("order_id", accepted.orderId())
                .put("status", "pending")
                .put("trace_id", accepted.traceId())
                .toBuffer());
  }

  private void show(RoutingContext request) {
    String orderId = request.pathParam("id");
    if (!Ids.valid(orderId)) {
      unknown(request);
      return;
    }
    desk.view(orderId)
        .onSuccess(
            view -> {
              if (view.state().accepted().isEmpty()) {
                unknown(request);
              } else {
                request.json(json(view));
              }
            })
        .onFailure(request::fail);
  }

  private void follow(RoutingContext request) {
    String orderId = request.pathParam("id");
    if (!Ids.valid(orderId)) {
      unknown(request);
      return;
    }
    desk.view(orderId)
        .onSuccess(
            view -> {
              if (view.state().accepted().isEmpty()) {
                unknown(request);
              } else {
                followers.follow(orderId, view, request);
              }
            })
        .onFailure(request::fail);
  }

  private void cancel(RoutingContext request) {
    String orderId = request.pathParam("id");
    if (!Ids.valid(orderId)) {
      unknown(request);
      return;
    }
    HttpShell.isOn(request, orderId);
    desk.cancel(orderId)
        .onSuccess(
            result -> {
              switch (result) {
                case CANCELLED ->
                    request
                        .response()
                        .setStatusCode(202)
                        .putHeader("Content-Type", "application/json")
                        .end(
                            new JsonObject()
                                .put("order_id", orderId)
                                .put("status", "cancelled")
                                .toBuffer());
                case UNKNOWN_ORDER -> unknown(request);
                case TOO_LATE ->
                    Problem.of(
                            409,
                            "order-final",
                            "The order is final",
                            "An order can be cancelled only while it is pending")
                        .send(request);
              }
            })
        .onFailure(request::fail);
  }

  static JsonObject json(View view) {
    OrderCreated order = view.state().accepted().orElseThrow();
    JsonArray items = new JsonArray();
    order
        .items()
        .forEach(
            item ->
                items.add(
                    new JsonObject()
                        .put("sku", item.sku())
                        .put("quantity", item.quantity())
                        .put("unit_price", item.unitPrice())));
    JsonArray history = new JsonArray();
    view.facts().forEach(fact -> history.add(json(fact)));
    JsonObject body =
        new JsonObject()
            .put("order_id", order.orderId())
            .put("customer_id", order.customerId())
            .put("status", view.state().status())
            .put("amount", order.amount())
            .put("currency", order.currency())
            .put("items", items)
            .put("trace_id", view.facts().getFirst().envelope().traceId());
    if (view.state() instanceof Cancelled cancelled) {
      body.put("reason", cancelled.reason().wireName());
      if (cancelled.detail() != null) {
        body.put("detail", cancelled.detail());
      }
    }
    if (order.paymentMethod() != null) {
      body.put("payment_method", order.paymentMethod());
    }
    return body.put("history", history);
  }

  static JsonObject json(Stored fact) {
    Envelope<?> envelope = fact.envelope();
    return new JsonObject()
        .put("type", envelope.type().typeName())
        .put("timestamp", envelope.timestamp().toString())
        .put("event_id", envelope.id());
  }

  private static void unknown(RoutingContext request) {
    Problem.notFound("There is no such order").send(request);
  }
}
