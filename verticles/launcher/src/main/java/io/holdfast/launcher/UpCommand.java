package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.runtime.boot.StopSignals;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.SettingsException;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.telemetry.Logging;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts everything on this machine, and keeps it running until it is told to stop. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    description =
        "Starts a broker and every service, seeds demo stock, prints the addresses. Ctrl-C drains, a second one hurries.")
final class UpCommand implements Callable<Integer> {

  private static final String NATS_SERVER = RunningSystem.BROKER;
  private static final int MAX_PORT = 65_535;
  private static final int NATS_PORT = 4222;
  private static final long MIN_STREAM_BYTES = 64L << 20;
  private static final long MAX_STREAM_BYTES = 64L << 30;
  private static final Duration READY_LIMIT = Duration.ofSeconds(60);

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private DataFolder dataFolder;

  @Option(names = "--processes", description = "One JVM per service instead of one for all")
  private boolean processes;

  @Option(
      names = "--port-offset",
      paramLabel = "N",
      description = "Added to every port, to run beside something else. Default: 0")
  private int portOffset;

  @Option(names = "--no-seed", description = "Do not take in the demo stock")
  private boolean noSeed;

  @Option(
      names = "--no-restart",
      description = "Leave a process that ended, instead of starting it again")
  private boolean noRestart;

  private volatile NatsServer broker;
  private volatile Services services;
  private volatile ChildWatch watch;
  private volatile String address;
  private volatile String namespace;
  private volatile boolean up;

  @Override
  public Integer call() throws Exception {
    Path data = dataFolder.path();
    Files.createDirectories(data);
    Optional<RunningSystem> running = RunningSystem.find(data);
    if (running.isPresent()) {
      return Terminal.refused(
          spec,
          "Something is running over %s already: %s. Stop it, or give another --data DIR."
              .formatted(data, running.get().living()));
    }
    if (portOffset < 0 || Groups.ALL.stream().anyMatch(group -> port(group) > MAX_PORT)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--port-offset must be 0 or more, and leave every port below 65536");
    }
    for (VerticleGroup group : Groups.ALL) {
      if (!free(port(group))) {
        return Terminal.refused(
            spec,
            "Port %d, for %s, is taken. Stop what holds it, or add --port-offset 1000 to move all ports."
                .formatted(port(group), group.name()));
      }
    }

    watch = new ChildWatch(!noRestart, () -> note(data), Terminal::say);
    StopSignals.listen("stop", () -> stopAndHalt(data), this::hurry);
    String natsUrl = startBroker(data);
    Map<String, String> env = environment(data, natsUrl);
    say(
        "Starting %d services, %s. Logs: %s",
        Groups.ALL.size(), processes ? "one JVM each" : "in this JVM", data.resolve("logs"));
    try {
      services =
          processes
              ? ServiceProcesses.start(env, this::port, data.resolve("logs"))
              : ServicesInJvm.start(env, this::port, data.resolve("logs"));
    } catch (SettingsException e) {
      spec.commandLine().getErr().println(e.getMessage());
      return 2;
    }
    namespace = env.getOrDefault("NAMESPACE", "");
    address = natsUrl;
    Map<String, String> urls = urls();
    services.awaitReady(urls, READY_LIMIT);
    if (!noSeed) {
      DemoStock.seed(urls.get("inventory"));
    }
    note(data);
    up = true;
    services.children().forEach(watch::watch);
    if (broker != null) {
      watch.watch(new BrokerChild(broker));
    }
    tell(natsUrl, urls);
    new CountDownLatch(1).await(); // until a signal runs the shutdown hook
    return 0;
  }

  private Map<String, String> urls() {
    Map<String, String> urls = new LinkedHashMap<>();
    Groups.ALL.forEach(group -> urls.put(group.name(), "http://127.0.0.1:" + port(group)));
    return urls;
  }

  /** Tells the other commands where everything is now; after a restart too. */
  private synchronized void note(Path data) {
    Map<String, String> urls = urls();
    Map<String, Long> pids = new LinkedHashMap<>(services.pids());
    if (broker != null) {
      pids.put(NATS_SERVER, broker.pid());
      broker.monitoringUrl().ifPresent(url -> urls.put(RunningSystem.MONITORING, url));
    }
    try {
      new RunningSystem(address, namespace, urls, pids).write(data);
    } catch (IOException e) {
      say("Other commands will not find what runs here: %s", e);
    }
  }

  private String startBroker(Path data) {
    String given = System.getenv("NATS_URL");
    if (given != null && !given.isEmpty()) {
      say("Using the broker at NATS_URL. What it syncs, and when, is its own matter.");
      return given;
    }
    NatsServerBinary binary =
        NatsServerBinary.findOrFetch(DataFolder.projectRoot().resolve(".tools"), Terminal::say);
    Path folder = data.resolve("nats");
    if (NatsServer.stopLeftOver(folder)) {
      say("Stopped a nats-server that an earlier run had left behind.");
    }
    int port = free(NATS_PORT + portOffset) ? NATS_PORT + portOffset : 0;
    broker =
        NatsServer.start(
            binary,
            NatsServerConfig.in(folder)
                .port(port)
                .monitoringPort(0)
                .syncAlways(true)
                .stopWithJvm(false)
                .build());
    say(
        "nats-server %s is up at %s, every write synced to %s",
        broker.version(), broker.url(), folder);
    return broker.url();
  }

  private Map<String, String> environment(Path data, String natsUrl) throws IOException {
    Map<String, String> env = new HashMap<>(System.getenv());
    env.remove("HTTP_PORT");
    env.remove("MANAGEMENT_PORT"); // one for all cannot be, and the probes below use the other
    env.put("NATS_URL", natsUrl);
    env.putIfAbsent("HOST", "127.0.0.1");
    env.putIfAbsent("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    env.putIfAbsent("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + port(Groups.named("gateway")));
    env.putIfAbsent("LEDGER_FILE", data.resolve("gateway-ledger.jsonl").toString());
    if (broker != null) {
      env.putIfAbsent("GROUP_COMMIT", "true"); // as it syncs every write
    }
    env.putIfAbsent("STREAM_MAX_BYTES", Long.toString(streamBytes(data)));
    return env;
  }

  /**
   * Together the streams may fill half of what is free now, so that they refuse before the disk
   * does.
   */
  private static long streamBytes(Path data) throws IOException {
    long free = Files.getFileStore(data).getUsableSpace();
    return Math.clamp(
        free / 2 / StreamCatalog.maxBytesOfAll(1), MIN_STREAM_BYTES, MAX_STREAM_BYTES);
  }

  private int port(VerticleGroup group) {
    return group.defaultPort() + portOffset;
  }

  private static boolean free(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static void tell(String natsUrl, Map<String, String> urls) {
    say("");
    say(Terminal.bold("Holdfast is up."));
    say("");
    say("  orders         %s/orders", urls.get("orders"));
    say("  inventory      %s/stock", urls.get("inventory"));
    say("  payments       %s/breaker", urls.get("payments"));
    say("  notifications  %s/ready", urls.get("notifications"));
    say("  audit          %s/audit/blocks", urls.get("audit"));
    say("  gateway        %s/simulator/ledger   (a simulator)", urls.get("gateway"));
    say("  broker         %s", natsUrl);
    say("");
    say("In another terminal:");
    say("  ./holdfast order        places an order and follows it to its end");
    say("  ./holdfast reconcile    checks every promise against what is stored");
    say("  ./holdfast why ORDER    tells one order's story, and who holds it");
    say("");
    say("Ctrl-C drains and stops. A second one waits for nothing.");
  }

  private void hurry() {
    Services stopping = services;
    if (stopping != null) {
      say("Waiting for nothing more ...");
      stopping.hurry();
    }
  }

  /** First the services finish what they have, then the broker goes. */
  private void stopAndHalt(Path data) {
    boolean clean = true;
    watch.stop();
    if (services != null) {
      say("");
      say("Draining ...");
      clean = services.stop();
    }
    if (broker != null) {
      broker.stop();
    }
    try {
      RunningSystem.forget(data);
    } catch (IOException e) {
      say("Could not tidy up %s: %s", data, e.getMessage());
    }
    if (services != null) {
      say(
          clean
              ? "Stopped; everything in process was finished."
              : "Stopped; not everything in process could be finished. Nothing is lost: it goes on at the next start.");
      Logging.close();
      Runtime.getRuntime()
          .halt(up && clean ? 0 : 1); // what failed before it was up stays a failure
    }
  }

  /** Our nats-server, which comes back on its port and store. */
  private record BrokerChild(NatsServer broker) implements ChildWatch.Child {

    @Override
    public String name() {
      return NATS_SERVER;
    }

    @Override
    public boolean isAlive() {
      return broker.isAlive();
    }

    @Override
    public long pid() {
      return broker.pid();
    }

    @Override
    public OptionalInt exitStatus() {
      return OptionalInt.empty();
    }

    @Override
    public Path log() {
      return broker.logFile();
    }

    @Override
    public void start() {
      broker.restart();
    }
  }

  /** The services, in whatever processes they run. */
  interface Services {
    Map<String, Long> pids();

    /** Those that run in processes of their own, to be watched. */
    default List<? extends ChildWatch.Child> children() {
      return List.of();
    }

    /** Waits until every service is ready; throws with the reason of one that is not. */
    void awaitReady(Map<String, String> urls, Duration limit) throws InterruptedException;

    /** Drains and stops; whether everything in process was finished. */
    boolean stop();

    /** Ends the wait of a {@link #stop} that runs on another thread, or is about to. */
    void hurry();
  }

  static List<String> names() {
    return Groups.ALL.stream().map(VerticleGroup::name).toList();
  }
}
