package io.holdfast.gateway;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The real group on a port of its own, and a client to it. */
final class Simulator implements AutoCloseable {

  private final Platform platform = Platform.start();
  private RunningGroup group;
  private WebClient client;

  private Simulator() {}

  /** Starts the group on this ledger, with further variables. */
  static Simulator on(Path ledger, Map<String, String> more) {
    Simulator simulator = new Simulator();
    Map<String, String> env = new HashMap<>(more);
    env.put("HTTP_PORT", "0");
    env.put("HOST", "127.0.0.1");
    env.put("DRAIN_TIMEOUT_SECONDS", "1");
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    env.put("LEDGER_FILE", ledger.toString());
    try {
      simulator.group =
          await(RunningGroup.start(new GatewayGroup(), env, simulator.platform, "gateway"));
    } catch (RuntimeException e) {
      await(simulator.platform.close());
      throw e;
    }
    simulator.client = client(simulator.platform, simulator.group.port());
    return simulator;
  }

  static Simulator on(Path ledger) {
    return on(ledger, Map.of());
  }

  /** A client to a simulator that runs elsewhere. */
  static Simulator at(int port) {
    Simulator simulator = new Simulator();
    simulator.client = client(simulator.platform, port);
    return simulator;
  }

  /** Posts a form, {@code name=value} each. */
  Future<HttpResponse<Buffer>> post(String path, String key, String... form) {
    MultiMap fields = MultiMap.caseInsensitiveMultiMap();
    for (String pair : form) {
      int at = pair.indexOf('=');
      fields.add(pair.substring(0, at), pair.substring(at + 1));
    }
    var request = client.post(path).bearerTokenAuthentication("sk_test");
    if (key != null) {
      request.putHeader("Idempotency-Key", key);
    }
    return request.timeout(5_000).sendForm(fields);
  }

  /** Charges an order 40 euros. */
  Future<HttpResponse<Buffer>> charge(String orderId) {
    return charge(orderId, "pm_card_visa");
  }

  Future<HttpResponse<Buffer>> charge(String orderId, String card) {
    return post(
        "/v1/payment_intents",
        "charge:" + orderId,
        "amount=4000",
        "currency=eur",
        "confirm=true",
        "payment_method=" + card,
        "metadata[order_id]=" + orderId);
  }

  /**
   * @param query names and values in turn
   */
  Future<HttpResponse<Buffer>> get(String path, String... query) {
    var request = client.get(path).bearerTokenAuthentication("sk_test");
    for (int i = 0; i < query.length; i += 2) {
      request.addQueryParam(query[i], query[i + 1]);
    }
    return request.timeout(5_000).send();
  }

  Future<HttpResponse<Buffer>> faults(String json) {
    return client
        .put("/simulator/faults")
        .putHeader("Content-Type", "application/json")
        .sendBuffer(Buffer.buffer(json));
  }

  WebClient client() {
    return client;
  }

  List<JsonObject> ledger(String... query) {
    return objects(await(get("/simulator/ledger", query)).bodyAsJsonObject(), "charges");
  }

  static List<JsonObject> objects(JsonObject body, String field) {
    return body.getJsonArray(field).stream().map(JsonObject.class::cast).toList();
  }

  static JsonObject error(HttpResponse<Buffer> response) {
    return response.bodyAsJsonObject().getJsonObject("error");
  }

  static <T> T await(Future<T> future) {
    try {
      return future.await(15, SECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("nothing came within 15 s", e);
    }
  }

  /** How a request failed that must not be answered. */
  static Throwable failure(Future<?> future) {
    return await(
        future.transform(
            done ->
                done.failed()
                    ? Future.succeededFuture(done.cause())
                    : Future.failedFuture(new AssertionError("answered: " + done.result()))));
  }

  RunningGroup group() {
    return group;
  }

  @Override
  public void close() {
    if (group != null) {
      await(group.drain());
    }
    await(platform.close());
  }

  private static WebClient client(Platform platform, int port) {
    return WebClient.create(
        platform.vertx(),
        new WebClientOptions().setDefaultHost("127.0.0.1").setDefaultPort(port),
        new io.vertx.core.http.PoolOptions().setHttp1MaxSize(64));
  }
}
