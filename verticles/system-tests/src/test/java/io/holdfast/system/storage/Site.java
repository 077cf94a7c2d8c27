package io.holdfast.system.storage;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.AuditGroup;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/** All of Holdfast in this JVM over a broker that is not, with customers who order all the time. */
final class Site implements AutoCloseable {

  private static final Duration READY = Duration.ofSeconds(90);

  /** Shorter than the default, as what a killed broker forgot comes again after it. */
  static final String ACK_WAIT_MILLIS = "5000";

  private static final int CUSTOMERS = 6;
  private static final long REFUSED_PAUSE = Duration.ofMillis(100).toNanos();

  /** What an order of this suite asks for, again and again. */
  private static final String SKU = "cup";

  private final Path folder;
  private final String natsUrl;
  private final String namespace = TestBroker.newNamespace();
  private final TestGroups groups;
  private final List<RunningGroup> services = new ArrayList<>();
  private final String gateway;
  private final String orders;
  private final Queue<String> accepted = new ConcurrentLinkedQueue<>();
  private final List<Thread> customers = new ArrayList<>();
  private volatile boolean ordering;

  Site(Path folder, String natsUrl, int replicas) {
    this.folder = folder;
    this.natsUrl = natsUrl;
    this.groups =
        TestGroups.on(natsUrl, namespace)
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("STREAM_REPLICAS", Integer.toString(replicas))
            .with("ACK_WAIT_MS", ACK_WAIT_MILLIS)
            .with("PAYMENT_GATEWAY_TIMEOUT_MS", "2000")
            .with("AUDIT_INTERVAL_MS", "50");
    this.gateway = TestGroups.url(groups.start(new GatewayGroup()));
    groups.with("PAYMENT_GATEWAY_URL", gateway);
    for (var group :
        List.of(
            new OrdersGroup(),
            new InventoryGroup(),
            new PaymentsGroup(),
            new NotificationsGroup(),
            new AuditGroup())) {
      services.add(groups.startOnly(group));
    }
    awaitReady();
    this.orders = TestGroups.url(services.get(0));
    Http.Answer received =
        Http.post(
            TestGroups.url(services.get(1)) + "/stock/" + SKU + "/receipts",
            new JsonObject().put("quantity", 10_000_000),
            "Idempotency-Key",
            "receipt-1");
    if (received.status() != 201) {
      throw new AssertionError("not received: " + received.body());
    }
  }

  String namespace() {
    return namespace;
  }

  /** Every one that got a 202, as its customer noted it. */
  List<String> accepted() {
    return List.copyOf(accepted);
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

  /** The answer's status. */
  int order() {
    Http.Answer answer =
        Http.post(
            orders + "/orders",
            new JsonObject()
                .put("customer_id", "customer-1")
                .put("currency", "EUR")
                .put(
                    "items",
                    new JsonArray()
                        .add(
                            new JsonObject()
                                .put("sku", SKU)
                                .put("quantity", 1)
                                .put("unit_price", 12.5))));
    if (answer.status() == 202) {
      accepted.add(answer.json().getString("order_id"));
    }
    return answer.status();
  }

  void startOrdering() {
    ordering = true;
    for (int customer = 0; customer < CUSTOMERS; customer++) {
      customers.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (ordering) {
                      try {
                        if (order() != 202) {
                          LockSupport.parkNanos(REFUSED_PAUSE);
                        }
                      } catch (UncheckedIOException noAnswer) {
                        LockSupport.parkNanos(REFUSED_PAUSE);
                      }
                    }
                  }));
    }
  }

  /** Orders go on until so many more are accepted. */
  void awaitMore(int orders) {
    int before = accepted.size();
    eventually(
        orders + " more orders are accepted",
        READY,
        () -> accepted.size() >= before + orders,
        done -> done);
  }

  void stopOrdering() {
    ordering = false;
    for (Thread customer : customers) {
      try {
        customer.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
    customers.clear();
  }

  /** What {@code ./holdfast reconcile} prints, and its exit status, over all accepted orders. */
  Shell.Result reconcile(int waitSeconds) {
    Path list = folder.resolve("accepted.log");
    Path jar = ProjectRoot.find().resolve("verticles/launcher/target/launcher-fat.jar");
    if (!Files.exists(jar)) {
      throw new AssertionError(jar + " is not there: mvn package builds it");
    }
    try {
      Files.write(list, accepted());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Shell.tryToRun(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-Dholdfast.root=" + ProjectRoot.find(),
        "-jar",
        jar.toString(),
        "reconcile",
        "--nats",
        natsUrl,
        "--namespace",
        namespace,
        "--gateway",
        gateway,
        "--accepted",
        list.toString(),
        "--wait",
        Integer.toString(waitSeconds),
        "--data",
        folder.resolve("none").toString());
  }

  @Override
  public void close() {
    stopOrdering();
    if (troubles().isEmpty()) {
      groups.close();
    } else {
      groups.crash(); // what is in process will not end
    }
  }
}
