package io.holdfast.gateway.http;

import io.holdfast.gateway.Gateway;
import io.holdfast.gateway.domain.Charge;
import io.holdfast.gateway.faults.Dice;
import io.holdfast.gateway.faults.Faults;
import io.holdfast.gateway.faults.Rate;
import io.holdfast.runtime.http.JsonBody;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.http.ProblemException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What tests steer and read the simulator by. No fault touches these. */
public final class SimulatorRoutes {

  private static final int BATCH = 256;
  private static final String LATENCY = "latency_ms";
  private static final String JITTER = "jitter_ms";
  private static final String OUTAGE = "outage";
  private static final Set<String> FIELDS = fields();

  private final Vertx vertx;
  private final Gateway gateway;
  private final Dice dice;

  public SimulatorRoutes(Vertx vertx, Gateway gateway, Dice dice) {
    this.vertx = vertx;
    this.gateway = gateway;
    this.dice = dice;
  }

  public void mount(Router router) {
    router.get("/simulator/faults").handler(this::showFaults);
    router.put("/simulator/faults").handler(this::setFaults);
    router.get("/simulator/ledger").handler(this::showLedger);
  }

  private void showFaults(RoutingContext request) {
    Faults faults = dice.faults();
    JsonObject shown =
        new JsonObject().put(LATENCY, faults.latencyMs()).put(JITTER, faults.jitterMs());
    for (Rate rate : Rate.values()) {
      shown.put(rate.field(), faults.rate(rate));
    }
    send(request, shown.put(OUTAGE, faults.outage()).toBuffer());
  }

  /** Those that the body does not name stay as they are. */
  private void setFaults(RoutingContext request) {
    JsonBody body = JsonBody.of(request, FIELDS);
    Faults faults = dice.faults();
    if (body.has(LATENCY)) {
      faults = faults.withLatencyMs((int) body.wholeNumber(LATENCY, 0, Faults.MAX_MS));
    }
    if (body.has(JITTER)) {
      faults = faults.withJitterMs((int) body.wholeNumber(JITTER, 0, Faults.MAX_MS));
    }
    for (Rate rate : Rate.values()) {
      Optional<BigDecimal> share = body.decimal(rate.field());
      if (share.isPresent()) {
        if (share.get().signum() < 0 || share.get().compareTo(BigDecimal.ONE) > 0) {
          body.fault(rate.field(), "must be a number from 0 to 1");
        } else {
          faults = faults.with(rate, share.get().doubleValue());
        }
      }
    }
    if (body.has(OUTAGE)) {
      if (request.body().asJsonObject().getValue(OUTAGE) instanceof Boolean on) {
        faults = faults.withOutage(on);
      } else {
        body.fault(OUTAGE, "must be true or false");
      }
    }
    body.check();
    dice.set(faults);
    showFaults(request);
  }

  private void showLedger(RoutingContext request) {
    String orderId = request.request().getParam("order_id");
    int after = number(request, "after", 0);
    int limit = number(request, "limit", Integer.MAX_VALUE);
    if (orderId != null) {
      gateway
          .read(ledger -> ledger.chargesOf(orderId))
          .onSuccess(
              all ->
                  send(
                      request,
                      Buffer.buffer("{\"charges\":[")
                          .appendBuffer(StripeJson.lines(all))
                          .appendString("]}")))
          .onFailure(request::fail);
      return;
    }
    HttpServerResponse response = request.response();
    response.setChunked(true).putHeader("Content-Type", "application/json");
    response.write("{\"charges\":[");
    stream(response, after, limit, true);
  }

  /** Batch by batch, the next one only when the client has taken the last. */
  private void stream(HttpServerResponse response, int from, int left, boolean first) {
    gateway
        .read(ledger -> ledger.charges(from, Math.min(left, BATCH)))
        .compose(
            batch ->
                batch.isEmpty()
                    ? response.end("]}")
                    : send(response, batch, first).onSuccess(taken -> next(response, batch, left)))
        .onFailure(gone -> response.reset());
  }

  /** A turn of the event loop later: others want to be served as well, and stacks are finite. */
  private void next(HttpServerResponse response, List<Charge> sent, int left) {
    vertx.runOnContext(
        v -> stream(response, sent.getLast().position() + 1, left - sent.size(), false));
  }

  private static Future<Void> send(HttpServerResponse response, List<Charge> batch, boolean first) {
    Buffer lines = StripeJson.lines(batch);
    return response.write(first ? lines : Buffer.buffer(",").appendBuffer(lines));
  }

  private static int number(RoutingContext request, String name, int otherwise) {
    String value = request.request().getParam(name);
    if (value == null) {
      return otherwise;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // told below, as a negative one is
    }
    throw new ProblemException(
        Problem.invalid(List.of(new Problem.FieldError(name, "must be a whole number from 0 on"))));
  }

  private static void send(RoutingContext request, Buffer body) {
    request.response().putHeader("Content-Type", "application/json").end(body);
  }

  private static Set<String> fields() {
    Set<String> fields = new HashSet<>(Set.of(LATENCY, JITTER, OUTAGE));
    for (Rate rate : Rate.values()) {
      fields.add(rate.field());
    }
    return Set.copyOf(fields);
  }
}
