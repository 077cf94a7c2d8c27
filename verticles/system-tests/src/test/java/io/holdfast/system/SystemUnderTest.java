package io.holdfast.system;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All of Holdfast as it is deployed: a broker, and every group's packaged JAR in a process of its
 * own.
 */
final class SystemUnderTest implements AutoCloseable {

  static final List<String> GROUPS =
      List.of("gateway", "orders", "inventory", "payments", "notifications", "audit");

  private final Path folder;
  private final NatsServer broker;
  private final Map<String, String> env = new HashMap<>();
  private final Map<String, Integer> ports = new LinkedHashMap<>();
  private final Map<String, JarProcess> processes = new LinkedHashMap<>();

  SystemUnderTest(Path folder) {
    this.folder = folder;
    this.broker = TestBroker.own(folder.resolve("nats"));
    GROUPS.forEach(group -> ports.put(group, FreePorts.one()));
    env.put("NATS_URL", broker.url());
    env.put("NAMESPACE", TestBroker.newNamespace());
    env.put("HOST", "127.0.0.1");
    env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + ports.get("gateway"));
    env.put("LEDGER_FILE", folder.resolve("ledger.jsonl").toString());
    env.put("STREAM_MAX_BYTES", Long.toString(256L << 20));
    // What a process held when it was killed comes again after this, and not only after 30 s.
    env.put("ACK_WAIT_MS", "10000");
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
  }

  /** A variable more, for groups that are launched after this. */
  SystemUnderTest with(String variable, String value) {
    env.put(variable, value);
    return this;
  }

  /** Starts every group and waits until all are ready. */
  void start() {
    GROUPS.forEach(this::launch);
    processes.values().forEach(JarProcess::awaitReady);
  }

  /** Starts a group, again after it ended; does not wait. */
  JarProcess launch(String group) {
    JarProcess process =
        JarProcess.group(
            group, ports.get(group), env, folder.resolve("logs"), JarProcess.SHORT_LIVED);
    processes.put(group, process);
    return process;
  }

  JarProcess process(String group) {
    return processes.get(group);
  }

  NatsServer broker() {
    return broker;
  }

  String url(String group) {
    return "http://127.0.0.1:" + ports.get(group);
  }

  void receive(String sku, int quantity) {
    Http.Answer answer =
        Http.post(
            url("inventory") + "/stock/" + sku + "/receipts",
            new JsonObject().put("quantity", quantity),
            "Idempotency-Key",
            "receipt-" + sku);
    if (answer.status() != 201) {
      throw new AssertionError("not received: " + answer.body());
    }
  }

  /**
   * Runs {@code reconcile} from the launcher's JAR, as a person would; its exit status and output.
   */
  Reconciled reconcile(Path accepted) {
    Path log = folder.resolve("logs/reconcile-" + System.nanoTime() + ".log");
    try (JarProcess command =
        JarProcess.launcher(
            Map.of(),
            log,
            "reconcile",
            "--nats",
            broker.url(),
            "--namespace",
            env.get("NAMESPACE"),
            "--gateway",
            url("gateway"),
            "--accepted",
            accepted.toString(),
            "--data",
            folder.resolve("none").toString())) {
      return new Reconciled(command.exitStatus(), command.output());
    }
  }

  record Reconciled(int status, String output) {}

  @Override
  public void close() {
    processes.values().forEach(JarProcess::close);
    broker.close();
  }
}
