package io.holdfast.system.failpoints;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.system.JarProcess;
import io.holdfast.testkit.TestBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The packaged JARs, a broker that syncs every write, and between each service and what it talks to
 * a wire with a trap.
 */
final class Site implements AutoCloseable {

  static final List<String> SERVICES =
      List.of("payments", "inventory", "orders", "notifications", "audit");

  private static final String GATEWAY = "gateway";

  /** Beside what it is told to wait. */
  private static final Duration RECONCILES = Duration.ofMinutes(2);

  private final Path folder;
  private final NatsServer broker;
  private final Map<String, Integer> ports = new HashMap<>();
  private final Map<String, Map<String, String>> env = new HashMap<>();
  private final Map<String, Trap> traps = new LinkedHashMap<>();
  private final Map<String, NatsWire> wires = new HashMap<>();
  private final GatewayWire gatewayWire;
  private final Map<String, JarProcess> processes = new HashMap<>();

  Site(Path folder, Races races) {
    this.folder = folder;
    this.broker = TestBroker.own(folder.resolve("nats"));
    for (String service : SERVICES) {
      Trap trap = new Trap();
      traps.put(service, trap);
      wires.put(service, new NatsWire(broker.port(), trap, races));
    }
    ports.put(GATEWAY, FreePorts.one());
    SERVICES.forEach(service -> ports.put(service, FreePorts.one()));
    this.gatewayWire = new GatewayWire(ports.get(GATEWAY), traps.get("payments"), races);
    env.put(
        GATEWAY,
        Map.of("HOST", "127.0.0.1", "LEDGER_FILE", folder.resolve("ledger.jsonl").toString()));
    for (String service : SERVICES) {
      env.put(
          service,
          Map.of(
              "HOST", "127.0.0.1",
              "NATS_URL", wires.get(service).url(),
              "NAMESPACE", "",
              "STREAM_MAX_BYTES", Long.toString(256L << 20),
              "PAYMENT_GATEWAY_URL", gatewayWire.url(),
              // An answer may be held back until a cancellation has overtaken it.
              "PAYMENT_GATEWAY_TIMEOUT_MS", "20000",
              // What a process held when it was killed comes again after this.
              "ACK_WAIT_MS", "1000"));
    }
  }

  void start() {
    launch(GATEWAY);
    SERVICES.forEach(this::launch);
    awaitReady();
  }

  synchronized void awaitReady() {
    processes.values().forEach(JarProcess::awaitReady);
  }

  /** Starts a service, again after it was killed; does not wait. */
  synchronized void launch(String service) {
    JarProcess process =
        JarProcess.group(
            service,
            ports.get(service),
            env.get(service),
            folder.resolve("logs"),
            JarProcess.SHORT_LIVED);
    processes.put(service, process);
    if (traps.containsKey(service)) {
      traps.get(service).watch(process::kill);
    }
  }

  Trap trap(String service) {
    return traps.get(service);
  }

  NatsWire wire(String service) {
    return wires.get(service);
  }

  String url(String service) {
    return "http://127.0.0.1:" + ports.get(service);
  }

  String brokerUrl() {
    return broker.url();
  }

  /**
   * Runs {@code reconcile} from the launcher's JAR, as a person would.
   *
   * @param json where its report goes
   */
  Reconciled reconcile(Path accepted, Path json, int waitSeconds) {
    try (JarProcess command =
        JarProcess.launcher(
            Map.of(),
            folder.resolve("logs/reconcile.log"),
            "reconcile",
            "--nats",
            broker.url(),
            "--gateway",
            url(GATEWAY),
            "--accepted",
            accepted.toString(),
            "--wait",
            Integer.toString(waitSeconds),
            "--json",
            json.toString(),
            "--data",
            folder.resolve("none").toString())) {
      Duration limit = Duration.ofSeconds(waitSeconds).plus(RECONCILES);
      eventually("reconcile ends", limit, command::isAlive, alive -> !alive);
      return new Reconciled(command.exitStatus(), command.output());
    }
  }

  record Reconciled(int status, String output) {}

  @Override
  public synchronized void close() {
    processes.values().forEach(JarProcess::close);
    wires.values().forEach(NatsWire::close);
    gatewayWire.close();
    broker.close();
  }
}
