package io.holdfast.launcher;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.OwnSession;
import io.holdfast.launcher.bench.LoadProcess.Target;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A whole system to be measured, as {@code up} would start it: the same JVMs with the same options,
 * a broker, and the gateway's simulator in a process of its own, so that it is counted apart.
 * Blocking.
 */
final class BenchSite implements AutoCloseable {

  static final String SIMULATOR = "simulator";

  private static final Duration READY_LIMIT = Duration.ofSeconds(90);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(45);
  private static final long LOOK_MILLIS = 20;
  private static final long PLENTY = 1_000_000_000;

  /** What {@code ./holdfast}, which needs them before any JVM runs, gives the one of {@code up}. */
  static final List<String> LAUNCHER_JVM =
      List.of("-XX:+UseSerialGC", "-Xmx768m", "-Xmn320m", "-XX:MaxTenuringThreshold=2");

  private final Path data;
  private final boolean oneJvm;
  private final NatsServer broker;
  private final Map<String, String> env;
  private final Map<String, ServiceProcess> processes = new ConcurrentHashMap<>();
  private final Map<String, String> urls = new LinkedHashMap<>();
  private final List<String> orders = new ArrayList<>();
  private volatile Process up;

  private BenchSite(Path data, boolean oneJvm, boolean durable) throws IOException {
    this.data = data;
    this.oneJvm = oneJvm;
    Files.createDirectories(data);
    this.broker = startBroker(data.resolve("nats"), durable);
    this.env = new HashMap<>(System.getenv());
    env.remove("HTTP_PORT");
    env.put("NATS_URL", broker.url());
    env.put("NAMESPACE", "");
    env.put("HOST", "127.0.0.1");
    env.put("DRAIN_GRACE_MS", "0"); // as up does
    if (durable) {
      env.putIfAbsent("GROUP_COMMIT", "true"); // as up does with a broker that it starts
    }
    env.remove("LEDGER_FILE");
    env.put("STREAM_MAX_BYTES", Long.toString(streamBytes(data)));
  }

  /** Starts everything and waits until it is ready and has goods. */
  static BenchSite start(Path data, boolean oneJvm, boolean durable, List<String> simulatorJvm)
      throws IOException, InterruptedException {
    BenchSite site = new BenchSite(data, oneJvm, durable);
    // They have sessions of their own, so Ctrl-C does not reach them.
    Runtime.getRuntime().addShutdownHook(new Thread(site::kill, "stop-site"));
    try {
      site.startAll(simulatorJvm);
      return site;
    } catch (IOException | InterruptedException | RuntimeException e) {
      site.close();
      throw e;
    }
  }

  /** A broker as {@code up} starts it, but with its writes synced only if asked for. */
  static NatsServer startBroker(Path folder, boolean durable) {
    return NatsServer.start(
        natsServer(), NatsServerConfig.in(folder).monitoringPort(0).syncAlways(durable).build());
  }

  static NatsServerBinary natsServer() {
    return NatsServerBinary.findOrFetch(DataFolder.projectRoot().resolve(".tools"), Terminal::say);
  }

  private void startAll(List<String> simulatorJvm) throws IOException, InterruptedException {
    int offset = freeOffset();
    VerticleGroup gateway = Groups.named("gateway");
    String gatewayUrl = startService(gateway, SIMULATOR, FreePorts.one(), simulatorJvm);
    env.put("PAYMENT_GATEWAY_URL", gatewayUrl);
    for (VerticleGroup group : Groups.ALL) {
      if (group.name().equals(gateway.name())) {
        continue;
      }
      if (oneJvm) {
        urls.put(group.name(), "http://127.0.0.1:" + (group.defaultPort() + offset));
      } else {
        startService(group, group.name(), group.defaultPort() + offset, List.of());
      }
    }
    if (oneJvm) {
      startUp(offset);
    }
    ServiceProbe.awaitReady(urls, READY_LIMIT, this::checkAlive);
    orders.add(urls.get("orders"));
    stockUp();
  }

  private String startService(VerticleGroup group, String name, int port, List<String> jvm)
      throws IOException {
    Map<String, String> own = new HashMap<>(env);
    own.put("HTTP_PORT", Integer.toString(port));
    own.put("LEDGER_FILE", data.resolve(name + "-ledger.jsonl").toString()); // the simulator's
    List<String> options =
        new ArrayList<>(StartupArchive.of(ServiceProcess.jar(group.name())).use());
    options.addAll(jvm);
    ServiceProcess process =
        new ServiceProcess(group.name(), own, data.resolve("logs/" + name + ".log"), options);
    process.start();
    processes.put(name, process);
    String url = "http://127.0.0.1:" + port;
    urls.put(name, url);
    return url;
  }

  /** What a person would type, over the bench's broker. */
  private void startUp(int offset) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(LAUNCHER_JVM);
    command.add("-Dholdfast.root=" + DataFolder.projectRoot());
    command.addAll(List.of("-jar", launcherJar().toString(), "up", "--no-restart"));
    command.addAll(List.of("--data", data.toString()));
    command.addAll(List.of("--port-offset", Integer.toString(offset)));
    ProcessBuilder builder = new ProcessBuilder(OwnSession.of(System.getenv(), command));
    builder.environment().clear();
    builder.environment().putAll(env);
    builder.redirectErrorStream(true);
    builder.redirectOutput(data.resolve("up.log").toFile());
    up = builder.start();
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  static Path launcherJar() {
    return ServiceProcess.jar("launcher");
  }

  private void checkAlive() {
    processes.forEach(
        (name, process) -> {
          if (!process.isAlive()) {
            throw new IllegalStateException(name + " has ended; see " + process.log());
          }
        });
    if (oneJvm && !up.isAlive()) {
      throw new IllegalStateException("up has ended; see " + data.resolve("up.log"));
    }
  }

  private void stockUp() {
    for (DemoStock.Article article : DemoStock.ARTICLES) {
      Api.Answer answer =
          Api.post(
              urls.get("inventory") + "/stock/" + article.sku() + "/receipts",
              new JsonObject().put("quantity", PLENTY),
              "Idempotency-Key",
              "bench-stock-" + article.sku());
      if (answer.status() != 201) {
        throw new IllegalStateException("no goods: " + answer.status() + " " + answer.body());
      }
    }
  }

  /**
   * Starts one more of a service, and tells how long that took until it was ready.
   *
   * @param name of the process
   */
  Duration startReplica(String group, String name) throws IOException, InterruptedException {
    long begun = System.nanoTime();
    String url = startService(Groups.named(group), name, FreePorts.one(), List.of());
    ServiceProcess process = processes.get(name);
    while (!ready(url)) {
      if (!process.isAlive() || System.nanoTime() - begun > READY_LIMIT.toNanos()) {
        throw new IllegalStateException(name + " does not become ready; see " + process.log());
      }
      Thread.sleep(LOOK_MILLIS);
    }
    if (group.equals("orders")) {
      orders.add(url);
    }
    return Duration.ofNanos(System.nanoTime() - begun);
  }

  /** Ends one that {@link #startReplica} has started. */
  void stopReplica(String name) throws InterruptedException {
    ServiceProcess process = processes.remove(name);
    orders.remove(urls.remove(name));
    process.terminate();
    if (!process.awaitEnd(STOP_LIMIT)) {
      process.kill();
    }
  }

  /** Ends every service and starts it again; the broker and the simulator stay. */
  void restartServices() throws IOException, InterruptedException {
    for (ServiceProcess process : processes.values()) {
      if (!process.group().equals("gateway")) {
        process.terminate();
        if (!process.awaitEnd(STOP_LIMIT)) {
          process.kill();
        }
        process.start();
      }
    }
    ServiceProbe.awaitReady(urls, READY_LIMIT, this::checkAlive);
  }

  private static boolean ready(String url) {
    try {
      return Api.get(url + "/ready").status() == 200;
    } catch (Api.Unreachable notYet) {
      return false;
    }
  }

  /** As the load has to know it. */
  Target target() {
    Map<String, Long> pids = new LinkedHashMap<>();
    Map<String, String> metrics = new LinkedHashMap<>();
    pids.put("nats-server", broker.pid());
    if (oneJvm) {
      pids.put("holdfast", up.pid());
      metrics.put("holdfast", urls.get("orders") + "/metrics");
    }
    processes.forEach(
        (name, process) -> {
          pids.put(name, process.pid());
          metrics.put(name, urls.get(name) + "/metrics");
        });
    return new Target(
        orders,
        broker.url(),
        broker.monitoringUrl().orElseThrow(),
        urls.get("audit"),
        pids,
        metrics);
  }

  /** As other commands find a system. */
  RunningSystem asRunning() {
    Map<String, String> all = new LinkedHashMap<>(urls);
    all.put("gateway", urls.get(SIMULATOR));
    return new RunningSystem(broker.url(), "", all, target().pids());
  }

  /** How services were started, to be told. */
  static String jvmOptions(boolean oneJvm) {
    return oneJvm
        ? String.join(" ", LAUNCHER_JVM)
        : String.join(" ", ServiceProcess.JVM)
            + " and a class-data archive made once for each build";
  }

  /** Drains and stops everything; at once if this thread is interrupted. */
  @Override
  public void close() {
    try {
      if (up != null && up.isAlive()) {
        up.destroy();
        if (!up.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          up.destroyForcibly();
        }
      }
      List<ServiceProcess> living =
          processes.values().stream().filter(ServiceProcess::isAlive).toList();
      living.forEach(ServiceProcess::terminate);
      for (ServiceProcess process : living) {
        if (!process.awaitEnd(STOP_LIMIT)) {
          process.kill();
        }
      }
    } catch (InterruptedException e) {
      kill();
      Thread.currentThread().interrupt();
    } finally {
      broker.close();
    }
  }

  /** Ends the services at once, as nothing of theirs is wanted any more. */
  void kill() {
    Stream.concat(
            processes.values().stream()
                .filter(ServiceProcess::isAlive)
                .flatMap(process -> ProcessHandle.of(process.pid()).stream()),
            Stream.ofNullable(up).map(Process::toHandle))
        .forEach(ProcessHandle::destroyForcibly);
  }

  private static long streamBytes(Path data) throws IOException {
    long free = Files.getFileStore(data).getUsableSpace();
    return Math.clamp(free / 2 / StreamCatalog.maxBytesOfAll(1), 64L << 20, 64L << 30);
  }

  /** A distance from the usual ports at which all of them are free. */
  private static int freeOffset() {
    return IntStream.generate(() -> ThreadLocalRandom.current().nextInt(2_000, 22_000))
        .limit(100)
        .filter(offset -> Groups.ALL.stream().allMatch(group -> free(group.defaultPort() + offset)))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no free ports"));
  }

  static boolean free(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException taken) {
      return false;
    }
  }
}
