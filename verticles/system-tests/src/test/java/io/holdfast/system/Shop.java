package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.AuditGroup;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Every service and the gateway's simulator in this JVM, in a namespace of their own. */
public final class Shop implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Map<String, String> urls = new HashMap<>();
  private final TestGroups groups;
  private final Streams streams;

  private Shop(TestGroups groups, String natsUrl, UnaryOperator<String> gateway) {
    this.groups = groups;
    start(new GatewayGroup());
    groups.with("PAYMENT_GATEWAY_URL", gateway.apply(url("gateway")));
    start(new OrdersGroup());
    start(new InventoryGroup());
    start(new PaymentsGroup());
    start(new NotificationsGroup());
    start(new AuditGroup());
    this.streams = new Streams(natsUrl, groups.namespace(), StreamCatalog.AUDITED);
  }

  /** Over the shared broker, with settings besides the usual ones. */
  public static Shop open(Path folder, Map<String, String> settings) {
    return open(folder, settings, UnaryOperator.identity());
  }

  /**
   * @param gateway where payments finds the gateway, told where it is
   */
  public static Shop open(
      Path folder, Map<String, String> settings, UnaryOperator<String> gateway) {
    return open(TestBroker.shared().url(), folder, settings, gateway);
  }

  /** Over a broker of the caller's. */
  public static Shop open(
      String natsUrl, Path folder, Map<String, String> settings, UnaryOperator<String> gateway) {
    TestGroups groups =
        TestGroups.on(natsUrl, TestBroker.newNamespace())
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20");
    settings.forEach(groups::with);
    return new Shop(groups, natsUrl, gateway);
  }

  private void start(VerticleGroup group) {
    urls.put(group.name(), TestGroups.url(groups.start(group)));
  }

  public String url(String service) {
    return urls.get(service);
  }

  public Streams streams() {
    return streams;
  }

  /** A subject's or a stream's prefix. */
  public String namespace() {
    return groups.namespace();
  }

  public void receive(String sku, int quantity) {
    Http.Answer answer =
        Http.post(
            url("inventory") + "/stock/" + sku + "/receipts",
            new JsonObject().put("quantity", quantity),
            "Idempotency-Key",
            "first-" + sku);
    if (answer.status() != 201) {
      throw new AssertionError(answer.body());
    }
  }

  /** An order of one piece. */
  public static JsonObject order(String customer, String sku) {
    return new JsonObject()
        .put("customer_id", customer)
        .put("currency", "EUR")
        .put(
            "items",
            new JsonArray()
                .add(new JsonObject().put("sku", sku).put("quantity", 1).put("unit_price", 10)));
  }

  /**
   * @return what {@code POST /orders} answered
   */
  public JsonObject place(JsonObject order, String... headers) {
    Http.Answer answer = Http.post(url("orders") + "/orders", order, headers);
    if (answer.status() != 202) {
      throw new AssertionError(answer.body());
    }
    return answer.json();
  }

  public void awaitStatus(String orderId, String status) {
    eventually(
        orderId + " is " + status,
        LIMIT,
        () -> Http.get(url("orders") + "/orders/" + orderId).json().getString("status"),
        status::equals);
  }

  public void awaitSettled() {
    StreamCatalog.CONSUMERS.forEach(c -> streams.awaitSettled(c.stream(), c.name()));
  }

  @Override
  public void close() {
    streams.close();
    groups.close();
  }
}
