package io.holdfast.inventory.http;

import io.holdfast.events.Domain;
import io.holdfast.events.EventType;
import io.holdfast.events.Ids;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.inventory.StockDesk;
import io.holdfast.inventory.StockDesk.Settled;
import io.holdfast.inventory.StockDesk.Settled.Committed;
import io.holdfast.inventory.StockDesk.Settled.Superseded;
import io.holdfast.inventory.domain.StockRequest.Receive;
import io.holdfast.runtime.http.Access;
import io.holdfast.runtime.http.HttpShell;
import io.holdfast.runtime.http.IdempotencyKey;
import io.holdfast.runtime.http.JsonBody;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.http.ProblemException;
import io.holdfast.runtime.jetstream.EventStreams;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code /stock}: levels, and receipts of goods. */
public final class StockRoutes {

  private static final long MAX_QUANTITY = 1_000_000_000;

  private final EventStreams streams;
  private final StockDesk desk;
  private final Access access;
  private final String namespace;

  /**
   * @param namespace of this system
   */
  public StockRoutes(EventStreams streams, StockDesk desk, Access access, String namespace) {
    this.streams = streams;
    this.desk = desk;
    this.access = access;
    this.namespace = namespace;
  }

  public void mount(Router router) {
    router.get("/stock").handler(this::all);
    router.get("/stock/:sku").handler(this::one);
    access.operator(router.post("/stock/:sku/receipts")).handler(this::receive);
  }

  private void all(RoutingContext request) {
    allLevels(0, new ArrayList<>())
        .onSuccess(
            levels -> {
              JsonArray body = new JsonArray();
              levels.stream()
                  .sorted(Comparator.comparing(StockLevelChanged::sku))
                  .forEach(level -> body.add(json(level)));
              request.json(body);
            })
        .onFailure(request::fail);
  }

  private Future<List<StockLevelChanged>> allLevels(int offset, List<StockLevelChanged> soFar) {
    return streams
        .aggregates(EventType.STOCK_LEVEL_CHANGED, offset)
        .compose(
            skus ->
                skus.isEmpty()
                    ? Future.succeededFuture(soFar)
                    : levels(skus, 0, soFar)
                        .compose(read -> allLevels(offset + skus.size(), soFar)));
  }

  private Future<Void> levels(List<String> skus, int from, List<StockLevelChanged> into) {
    if (from >= skus.size()) {
      return Future.succeededFuture();
    }
    int to = Math.min(skus.size(), from + EventStreams.MAX_BATCH);
    return streams
        .loadAll(Domain.STOCK, skus.subList(from, to))
        .compose(
            found -> {
              found.stream()
                  .map(stored -> stored.envelope().event())
                  .filter(StockLevelChanged.class::isInstance)
                  .map(StockLevelChanged.class::cast)
                  .forEach(into::add);
              return levels(skus, to, into);
            });
  }

  private void one(RoutingContext request) {
    String sku = sku(request);
    desk.level(sku)
        .onSuccess(
            level ->
                level.ifPresentOrElse(
                    found -> request.json(json(found)),
                    () -> Problem.notFound("No stock was ever received of this sku").send(request)))
        .onFailure(request::fail);
  }

  private void receive(RoutingContext request) {
    String sku = sku(request);
    JsonBody body = JsonBody.of(request, Set.of("quantity"));
    long quantity = body.wholeNumber("quantity", 1, MAX_QUANTITY);
    body.check();
    String receiptId = IdempotencyKey.idFor(namespace, "rcp", request);
    String traceId = HttpShell.traceId(request, receiptId);
    Optional<String> noRoom = streams.noRoom();
    if (noRoom.isPresent()) {
      Problem.unavailable("No goods are taken in: " + noRoom.get()).send(request);
      return;
    }
    Receive receive = new Receive(sku, quantity, receiptId, traceId);
    desk.submit(receive)
        .onSuccess(settled -> answer(request, receive, settled))
        .onFailure(request::fail);
  }

  private static void answer(RoutingContext request, Receive receive, Settled settled) {
    boolean ours =
        switch (settled) {
          case Committed committed -> true;
          case Superseded other ->
              other.facts().stream()
                  .map(stored -> stored.envelope().event())
                  .anyMatch(
                      fact ->
                          fact.equals(
                              new StockReceived(
                                  receive.sku(), receive.quantity(), receive.receiptId())));
        };
    if (!ours) {
      IdempotencyKey.reused().send(request);
      return;
    }
    request
        .response()
        .setStatusCode(201)
        .putHeader("Content-Type", "application/json")
        .end(
            new JsonObject()
                .put("receipt_id", receive.receiptId())
                .put("sku", receive.sku())
                .put("quantity", receive.quantity())
                .toBuffer());
  }

  private static String sku(RoutingContext request) {
    String sku = request.pathParam("sku");
    if (!Ids.valid(sku)) {
      throw new ProblemException(Problem.invalid(List.of(new Problem.FieldError("sku", Ids.RULE))));
    }
    return sku;
  }

  private static JsonObject json(StockLevelChanged level) {
    return new JsonObject()
        .put("sku", level.sku())
        .put("received", level.received())
        .put("available", level.available())
        .put("reserved", level.reserved());
  }
}
