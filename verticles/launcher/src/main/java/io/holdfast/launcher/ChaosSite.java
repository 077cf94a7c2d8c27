package io.holdfast.launcher;

import io.holdfast.broker.ClusterRoutes;
import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.launcher.chaos.BrokerLink;
import io.holdfast.launcher.chaos.Customers;
import io.holdfast.launcher.chaos.FaultKind;
import io.holdfast.launcher.chaos.Plan;
import io.holdfast.launcher.chaos.Plan.Fault;
import io.holdfast.runtime.boot.VerticleGroup;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A whole system to be broken: every service in a JVM of its own, each with its own wire to the
 * broker, and a broker or three. Methods block; faults on different targets may be applied on
 * different threads.
 */
final class ChaosSite {

  private static final Duration READY_LIMIT = Duration.ofSeconds(90);
  private static final Duration DRAIN_LIMIT = Duration.ofSeconds(45);
  private static final double LOST_ACKS = 0.3;
  private static final long PLENTY = 10_000_000;

  /** Settings of another system, whose customers and operators these are not. */
  private static final Set<String> NOT_ITS_OWN =
      Set.of(
          "MANAGEMENT_PORT",
          "ORDERS_REQUIRE_TOKEN",
          "JWKS_URL",
          "JWKS_FILE",
          "JWT_ISSUER",
          "JWT_AUDIENCE");

  private final Map<String, ServiceProcess> services = new LinkedHashMap<>();
  private final Map<String, BrokerLink> links = new LinkedHashMap<>();
  private final Map<String, NatsServer> brokers = new LinkedHashMap<>();
  private final Map<String, String> urls = new LinkedHashMap<>();
  private final AtomicInteger uncleanDrains = new AtomicInteger();
  private final Function<StartupArchive, List<String>> archives;
  private volatile boolean closing;

  private ChaosSite(Function<StartupArchive, List<String>> archives) {
    this.archives = archives;
  }

  /** Starts everything and waits until it is ready and has goods. */
  static ChaosSite start(Path data, Vertx vertx, boolean cluster, long seed)
      throws IOException, InterruptedException {
    return start(new ChaosSite(StartupArchive::use), data, vertx, cluster, seed);
  }

  /** The same, of services that each leave an archive for faster starts when they end. */
  static ChaosSite training(Path data, Vertx vertx) throws IOException, InterruptedException {
    return start(new ChaosSite(StartupArchive::make), data, vertx, false, 0);
  }

  private static ChaosSite start(ChaosSite site, Path data, Vertx vertx, boolean cluster, long seed)
      throws IOException, InterruptedException {
    try {
      site.startBrokers(data, cluster);
      site.startServices(data, vertx, cluster, seed);
      ServiceProbe.awaitReady(site.urls, READY_LIMIT);
      site.stockUp();
      return site;
    } catch (IOException | InterruptedException | RuntimeException e) {
      site.stop();
      throw e;
    }
  }

  private void startBrokers(Path data, boolean cluster) throws IOException {
    NatsServerBinary binary =
        NatsServerBinary.findOrFetch(DataFolder.projectRoot().resolve(".tools"), Terminal::say);
    if (!cluster) {
      brokers.put(
          Plan.BROKER, NatsServer.start(binary, NatsServerConfig.in(data.resolve("nats")).build()));
      return;
    }
    ClusterRoutes routes = ClusterRoutes.here("chaos", Plan.NODES.size());
    for (int i = 0; i < Plan.NODES.size(); i++) {
      String name = Plan.NODES.get(i);
      // Clients are not told of the other brokers, so that they keep to their own wire.
      String extra = routes.of(i, "no_advertise: true");
      brokers.put(
          name,
          NatsServer.start(
              binary,
              NatsServerConfig.in(data.resolve(name)).serverName(name).extra(extra).build()));
    }
  }

  private void startServices(Path data, Vertx vertx, boolean cluster, long seed)
      throws IOException {
    Map<String, Integer> ports = new HashMap<>();
    for (VerticleGroup group : Groups.ALL) {
      ports.put(group.name(), FreePorts.one());
    }
    List<SocketAddress> addresses =
        brokers.values().stream()
            .map(broker -> SocketAddress.inetSocketAddress(broker.port(), "127.0.0.1"))
            .toList();
    for (VerticleGroup group : Groups.ALL) {
      Map<String, String> env = new HashMap<>(System.getenv());
      env.keySet().removeAll(NOT_ITS_OWN);
      env.put("HOST", "127.0.0.1");
      env.put("HTTP_PORT", Integer.toString(ports.get(group.name())));
      env.put("NATS_URL", natsUrl(vertx, addresses, group.name(), seed));
      env.put("NAMESPACE", "");
      env.put("STREAM_REPLICAS", cluster ? "3" : "1");
      env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + ports.get(Plan.GATEWAY));
      env.put("LEDGER_FILE", data.resolve("gateway-ledger.jsonl").toString());
      ChaosCommand.QUICKER.forEach(env::putIfAbsent);
      ServiceProcess process =
          new ServiceProcess(
              group.name(), env, data.resolve("logs/" + group.name() + ".log"), jvm(group.name()));
      process.start();
      services.put(group.name(), process);
      urls.put(group.name(), "http://127.0.0.1:" + ports.get(group.name()));
    }
  }

  /** Who lives for seconds has no use for the compiler that makes long lives faster. */
  private List<String> jvm(String group) {
    List<String> options = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1"));
    options.addAll(archives.apply(StartupArchive.of(ServiceProcess.jar(group))));
    return options;
  }

  private String natsUrl(Vertx vertx, List<SocketAddress> brokers, String group, long seed) {
    BrokerLink link = new BrokerLink(vertx, brokers, seed + group.hashCode());
    links.put(group, link);
    try {
      return "nats://127.0.0.1:" + link.listen().await(5, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no port to listen on", e);
    }
  }

  private void stockUp() {
    Map<String, Long> goods = new LinkedHashMap<>();
    Customers.SKUS.forEach(sku -> goods.put(sku, PLENTY));
    goods.put(Customers.SCARCE, (long) Customers.SCARCE_PIECES);
    goods.forEach(
        (sku, quantity) -> {
          Api.Answer answer =
              Api.post(
                  urls.get("inventory") + "/stock/" + sku + "/receipts",
                  new JsonObject().put("quantity", quantity),
                  "Idempotency-Key",
                  "chaos-stock-" + sku);
          if (answer.status() != 201) {
            throw new IllegalStateException("no goods: " + answer.status() + " " + answer.body());
          }
        });
  }

  String ordersUrl() {
    return urls.get("orders");
  }

  /** Of the broker itself, or of one of the cluster's. */
  String natsUrl() {
    return brokers.values().iterator().next().url();
  }

  String brokerVersion() {
    return brokers.values().iterator().next().version().toString();
  }

  /** As other commands find a system. */
  RunningSystem asRunning() {
    Map<String, Long> pids = new LinkedHashMap<>();
    services.forEach((name, process) -> pids.put(name, process.pid()));
    brokers.forEach((name, broker) -> pids.put(name, broker.pid()));
    return new RunningSystem(natsUrl(), "", urls, pids);
  }

  /** What a service says at this path, or nothing if it does not answer. */
  String ask(String service, String path) {
    try {
      return Api.get(urls.get(service) + path).body();
    } catch (Api.Unreachable gone) {
      return "";
    }
  }

  /** How often a service was started, so that counts from before a kill are not taken for gone. */
  int starts(String service) {
    return services.get(service).starts();
  }

  /**
   * Breaks something for as long as the fault lasts, and mends it.
   *
   * @return the moment from which the target could work again, {@link System#currentTimeMillis}
   */
  long apply(Fault fault) throws IOException, InterruptedException {
    switch (fault.kind()) {
      case KILL -> kill(fault);
      case PAUSE -> pause(fault);
      case DEPLOY -> deploy(services.get(fault.target()));
      case CLUSTER -> {
        if (fault.at().toMillis() % 2 == 0) {
          kill(fault);
        } else {
          pause(fault);
        }
      }
      case PARTITION -> {
        links.get(fault.target()).cut();
        pauseFor(fault.length());
        links.get(fault.target()).heal();
      }
      case DUPLICATE -> {
        links.get(fault.target()).loseAcks(LOST_ACKS);
        pauseFor(fault.length());
        links.get(fault.target()).loseAcks(0);
      }
      case OUTAGE, SLOW, DROP -> {
        JsonObject trouble = trouble(fault.kind());
        setFaults(trouble);
        pauseFor(fault.length());
        trouble.fieldNames().forEach(name -> trouble.put(name, name.equals("outage") ? false : 0));
        setFaults(trouble);
      }
    }
    return System.currentTimeMillis();
  }

  private static JsonObject trouble(FaultKind kind) {
    return switch (kind) {
      case OUTAGE -> new JsonObject().put("outage", true);
      case SLOW -> new JsonObject().put("latency_ms", 1_500).put("jitter_ms", 1_000);
      default ->
          new JsonObject()
              .put("drop_after_charge_rate", 0.2)
              .put("error_rate", 0.1)
              .put("rate_limit_rate", 0.05)
              .put("hang_rate", 0.02)
              .put("refund_error_rate", 0.3);
    };
  }

  /** The gateway may be down itself just now; when it comes back it has forgotten its faults. */
  private void setFaults(JsonObject faults) throws InterruptedException {
    for (int i = 0; i < 50 && !closing; i++) {
      try {
        if (Api.put(urls.get(Plan.GATEWAY) + "/simulator/faults", faults).status() == 200) {
          return;
        }
      } catch (Api.Unreachable down) {
        // again
      }
      Thread.sleep(100);
    }
  }

  private void kill(Fault fault) throws IOException, InterruptedException {
    NatsServer broker = brokers.get(fault.target());
    if (broker != null) {
      broker.kill();
      pauseFor(fault.length());
      broker.restart();
      return;
    }
    ServiceProcess service = services.get(fault.target());
    service.kill();
    pauseFor(fault.length());
    startAgain(service);
  }

  private void pause(Fault fault) throws IOException, InterruptedException {
    NatsServer broker = brokers.get(fault.target());
    if (broker != null) {
      broker.pause();
      pauseFor(fault.length());
      broker.resume();
      return;
    }
    ServiceProcess service = services.get(fault.target());
    service.pause();
    pauseFor(fault.length());
    service.resume();
  }

  private void deploy(ServiceProcess service) throws IOException, InterruptedException {
    service.terminate();
    if (!service.awaitEnd(DRAIN_LIMIT)) {
      throw new IllegalStateException(service.group() + " did not end within its drain time");
    }
    if (service.exitValue() != 0) {
      uncleanDrains.incrementAndGet();
    }
    startAgain(service);
  }

  private void startAgain(ServiceProcess service) throws IOException {
    if (!closing) {
      service.start();
    }
  }

  private void pauseFor(Duration length) throws InterruptedException {
    if (!closing) {
      Thread.sleep(length.toMillis());
    }
  }

  /** Deployments in which a service could not finish all that it had in process. */
  int uncleanDrains() {
    return uncleanDrains.get();
  }

  /** Waits until every service is ready. */
  void awaitReady() throws InterruptedException {
    ServiceProbe.awaitReady(urls, READY_LIMIT);
  }

  /**
   * Ends everything; may be called twice.
   *
   * @return the services that did not drain and end by themselves
   */
  synchronized List<String> stop() throws InterruptedException {
    closing = true;
    List<String> unclean = new ArrayList<>();
    List<ServiceProcess> living =
        services.values().stream().filter(ServiceProcess::isAlive).toList();
    living.forEach(ServiceProcess::terminate);
    for (ServiceProcess service : living) {
      if (!service.awaitEnd(DRAIN_LIMIT)) {
        service.kill();
        unclean.add(service.group());
      } else if (service.exitValue() != 0) {
        unclean.add(service.group());
      }
    }
    brokers.values().forEach(NatsServer::close);
    return unclean;
  }
}
