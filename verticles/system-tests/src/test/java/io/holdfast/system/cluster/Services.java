package io.holdfast.system.cluster;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.AuditGroup;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Every service in this JVM, each with a connection of its own, as in processes of their own: they
 * hang on different nodes.
 */
final class Services implements AutoCloseable {

  private static final Duration READY = Duration.ofSeconds(90);

  private final Path folder;
  private final String natsUrl;
  private final String namespace = TestBroker.newNamespace();
  private final List<TestGroups> platforms = new ArrayList<>();
  private final List<RunningGroup> services = new ArrayList<>();
  private String gateway;
  private String orders;
  private String inventory;

  Services(Path folder, String natsUrl) {
    this.folder = folder;
    this.natsUrl = natsUrl;
    try {
      gateway = start(new GatewayGroup());
      orders = start(new OrdersGroup());
      inventory = start(new InventoryGroup());
      start(new PaymentsGroup());
      start(new NotificationsGroup());
      start(new AuditGroup());
      awaitReady();
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private String start(VerticleGroup group) {
    TestGroups platform =
        TestGroups.on(natsUrl, namespace)
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("STREAM_REPLICAS", Integer.toString(Cluster.NODES))
            .with("STREAM_MAX_BYTES", Long.toString(512L << 20))
            .with("ACK_WAIT_MS", "5000")
            .with("PAYMENT_GATEWAY_TIMEOUT_MS", "2000")
            .with("AUDIT_INTERVAL_MS", "200");
    platforms.add(platform);
    if (gateway != null) {
      platform.with("PAYMENT_GATEWAY_URL", gateway);
    }
    RunningGroup running = platform.startOnly(group);
    services.add(running);
    return TestGroups.url(running);
  }

  String namespace() {
    return namespace;
  }

  String orders() {
    return orders;
  }

  String gateway() {
    return gateway;
  }

  void awaitReady() {
    eventually("every service is ready", READY, this::troubles, List::isEmpty);
  }

  /** Why services are not ready, by group. */
  List<String> troubles() {
    return services.stream()
        .filter(service -> !service.notReady().isEmpty())
        .map(service -> service.name() + ": " + service.notReady())
        .toList();
  }

  void receive(String sku, int quantity) {
    eventually(
        sku + " is in stock",
        () ->
            Http.post(
                    inventory + "/stock/" + sku + "/receipts",
                    new JsonObject().put("quantity", quantity),
                    "Idempotency-Key",
                    "receipt-" + sku)
                .status(),
        status -> status == 201 || status == 200);
  }

  @Override
  public void close() {
    boolean well = troubles().isEmpty();
    for (TestGroups platform : platforms.reversed()) {
      if (well) {
        platform.close();
      } else {
        platform.crash(); // what is in process will not end
      }
    }
    platforms.clear();
  }
}
