package io.holdfast.system.observability;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.AuditGroup;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every group over a real broker, each with meters of its own as if it were a process, and a day of
 * theirs in half a minute: orders that are paid, declined and out of stock, a gateway that errs and
 * one that is out, a message that nobody can read.
 */
final class Shop implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String SKU = "tea-pot";

  private final String namespace = TestBroker.newNamespace();
  private final Path folder;
  private final List<TestGroups> processes = new ArrayList<>();
  private final Map<String, String> urls = new LinkedHashMap<>();
  private final List<String> orders = new ArrayList<>();

  Shop(Path folder) {
    this.folder = folder;
    start(new GatewayGroup());
    start(new OrdersGroup());
    start(new InventoryGroup());
    start(new PaymentsGroup());
    start(new NotificationsGroup());
    start(new AuditGroup());
    Http.post(
        urls.get("inventory") + "/stock/" + SKU + "/receipts",
        new JsonObject().put("quantity", 1_000_000),
        "Idempotency-Key",
        "delivery-1");
  }

  private void start(VerticleGroup group) {
    TestGroups process =
        TestGroups.on(TestBroker.shared().url(), namespace)
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20")
            .with("BREAKER_FAILURES", "3")
            .with("BREAKER_RESET_MS", "1000")
            .with("PAYMENT_GATEWAY_URL", urls.getOrDefault("gateway", "http://127.0.0.1:1"));
    processes.add(process);
    urls.put(group.name(), TestGroups.url(process.start(group)));
  }

  /** Base addresses by group. */
  Map<String, String> urls() {
    return urls;
  }

  List<String> orderIds() {
    return orders;
  }

  void order(int count, String sku, String paymentMethod) {
    for (int i = 0; i < count; i++) {
      Http.Answer accepted =
          Http.post(
              urls.get("orders") + "/orders",
              new JsonObject()
                  .put("customer_id", "c" + i)
                  .put("currency", "EUR")
                  .put("payment_method", paymentMethod)
                  .put(
                      "items",
                      new JsonArray()
                          .add(
                              new JsonObject()
                                  .put("sku", sku)
                                  .put("quantity", 1)
                                  .put("unit_price", 3.5))));
      if (accepted.status() != 202) {
        throw new AssertionError(accepted.status() + " " + accepted.body());
      }
      orders.add(accepted.json().getString("order_id"));
    }
  }

  void order(int count) {
    order(count, SKU, "pm_card_visa");
  }

  void orderDeclined(int count) {
    order(count, SKU, "pm_card_chargeDeclined");
  }

  void orderOutOfStock(int count) {
    order(count, "sold-out", "pm_card_visa");
  }

  void gateway(JsonObject faults) {
    Http.put(urls.get("gateway") + "/simulator/faults", faults);
  }

  String breaker() {
    return Http.get(urls.get("payments") + "/breaker").json().getString("state");
  }

  /** Puts something where a new order should be. */
  void poison() throws Exception {
    Connection connection = Nats.connect(TestBroker.shared().url());
    connection
        .jetStream()
        .publish(
            namespace + ".orders.created.poison", "not an order".getBytes(StandardCharsets.UTF_8));
    connection.close();
  }

  void awaitEnds() {
    for (String id : orders) {
      eventually(
          "order " + id + " is final",
          LIMIT,
          () -> Http.get(urls.get("orders") + "/orders/" + id).json().getString("status"),
          status -> !status.equals("pending"));
    }
  }

  String metrics(String group) {
    return Http.get(urls.get(group) + "/metrics").body();
  }

  @Override
  public void close() {
    processes.reversed().forEach(TestGroups::close);
  }
}
