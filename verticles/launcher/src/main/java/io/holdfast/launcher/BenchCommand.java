package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.broker.NatsServer;
import io.holdfast.launcher.bench.CeilingProcess;
import io.holdfast.launcher.bench.Contestant;
import io.holdfast.launcher.bench.Figures;
import io.holdfast.launcher.bench.LoadProcess;
import io.holdfast.launcher.bench.Mode;
import io.holdfast.launcher.bench.Peer;
import io.holdfast.launcher.bench.Report;
import io.holdfast.launcher.bench.Targets;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures how fast and how dear an order is, beside what else could carry it. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures, round by round in turn: the broker alone (a bare chain of the same messages),"
          + " Holdfast in one JVM",
      "per service, Holdfast in one JVM, and another implementation if there is one (--peer); each"
          + " with the broker's",
      "default and with every write synced. Prints medians, and each target with met or not met."
    })
final class BenchCommand implements Callable<Integer> {

  private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  /** Orders between acceptance and the customer's notification, as the peer has it too. */
  private static final long IN_FLIGHT = 1_000;

  private static final int CONNECTIONS = 32;
  private static final int PACED_CONNECTIONS = 64;
  private static final double PACE = 10_000 / 60.0;

  /** Six seconds of it. */
  private static final long PACED_WARM_UP = 1_000;

  private static final int REPLICAS = 4;
  private static final List<String> SERVICES =
      List.of("orders", "inventory", "payments", "notifications", "audit");

  /** The simulator keeps something of every charge in memory. */
  private static final List<String> SIMULATOR_OF_MANY = List.of("-Xmx3g");

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private DataFolder dataFolder;

  @Option(
      names = "--quick",
      description = "One round of few orders, within 4 minutes; the warm-up is short, too")
  private boolean quick;

  @Option(names = "--rounds", paramLabel = "N", description = "Default: 5, or 1 if quick")
  private Integer rounds;

  @Option(
      names = "--peer",
      paramLabel = "DIR",
      description = "Where the run.sh of another implementation is")
  private Path peerFolder;

  @Option(
      names = "--only",
      paramLabel = "WHO,...",
      split = ",",
      hideParamSyntax = true,
      description = "Of ceiling, processes, one-jvm, peer. Default: all")
  private List<String> only = Stream.of(Contestant.values()).map(Contestant::word).toList();

  @Option(
      names = "--modes",
      paramLabel = "MODE,...",
      split = ",",
      hideParamSyntax = true,
      description = "Of relaxed, durable. Default: both")
  private List<String> modes = Stream.of(Mode.values()).map(Mode::word).toList();

  @Option(
      names = "--orders",
      paramLabel = "N",
      description = "Orders of a saturated part. Default: 40000, or 10000 if quick")
  private Long orders;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "Orders before anything is measured. Default: 30000, or 8000 if quick")
  private Long warmUp;

  @Option(
      names = "--long",
      description = {
        "Then also: what an order costs when --stored others are stored, and with four replicas of"
            + " every service.",
        "Takes some 20 minutes more"
      })
  private boolean alsoLong;

  @Option(
      names = "--stored",
      paramLabel = "N",
      description = "With --long: so many orders are stored. Default: ${DEFAULT-VALUE}")
  private long stored = 1_000_000;

  @Option(
      names = "--micro",
      description = "Instead of all that: the hot pieces by themselves, under JMH")
  private boolean micro;

  @Option(names = "--json", paramLabel = "FILE", description = "Writes every figure there too")
  private Path json;

  private final Figures figures = new Figures();
  private final List<String> troubles = new ArrayList<>();
  private Path java;
  private Path jar;
  private Path data;
  private Sizes sizes;

  /** How many orders each part has. */
  private record Sizes(
      int rounds,
      long orders,
      long warmUp,
      long paced,
      long lone,
      double loneRate,
      long chain,
      long chainWarmUp,
      long chainDurable,
      long chainDurableWarmUp,
      long peer,
      long peerDurable,
      boolean startAll) {}

  @Override
  public Integer call() throws Exception {
    if (micro) {
      return Microbenchmarks.run(quick, json);
    }
    Set<Contestant> contestants = choose(only, "--only", Contestant::named, Contestant.class);
    Set<Mode> chosenModes = choose(modes, "--modes", Mode::named, Mode.class);
    sizes = sizes();
    if (sizes.rounds() < 1 || sizes.rounds() > 100) {
      throw bad("--rounds must be from 1 to 100");
    }
    if (sizes.orders() < 500 || sizes.orders() > 10_000_000) {
      throw bad("--orders must be from 500 to 10000000");
    }
    if (sizes.warmUp() < 100 || sizes.warmUp() > 10_000_000) {
      throw bad("--warm-up must be from 100 to 10000000");
    }
    if (stored < 1_000 || stored > 100_000_000) {
      throw bad("--stored must be from 1000 to 100000000");
    }
    Optional<Peer> peer = peer(contestants);
    java = Path.of(BenchSite.java());
    jar = BenchSite.launcherJar();
    data =
        dataFolder
            .path()
            .resolve("bench")
            .resolve(STAMP.format(LocalDateTime.now(ZoneId.systemDefault())));
    Files.createDirectories(data);
    Logging.toFile(data.resolve("bench.log"), "bench", Map.of("LOG_LEVEL", "warn"));
    StartupArchive.makeMissing(data);
    tellConditions(contestants, peer);
    long begun = System.nanoTime();
    for (int round = 1; round <= sizes.rounds(); round++) {
      for (Mode mode : chosenModes) {
        for (Contestant contestant : contestants) {
          if (contestant != Contestant.PEER || peer.isPresent()) {
            measure(contestant, mode, round, peer);
          }
        }
      }
    }
    if (alsoLong) {
      inTheLongRun("with many orders stored", this::withManyStored);
      inTheLongRun("with four replicas", this::withReplicas);
    }
    report(chosenModes, Duration.ofNanos(System.nanoTime() - begun));
    return troubles.isEmpty() ? 0 : 1;
  }

  private Sizes sizes() {
    long n = orders == null ? (quick ? 10_000 : 40_000) : orders;
    long warm = warmUp == null ? (quick ? 8_000 : 30_000) : warmUp;
    int times = rounds == null ? (quick ? 1 : 5) : rounds;
    // Where each message waits for the disk, few orders take as long as many do elsewhere.
    return quick
        ? new Sizes(
            times,
            n,
            warm,
            Math.min(n, 1_000),
            10,
            10,
            3 * n,
            2 * n,
            n * 2 / 5,
            n / 10,
            n,
            n / 3,
            false)
        : new Sizes(times, n, warm, 2_500, 30, 5, 2 * n, warm, n / 4, n / 20, n, n / 4, true);
  }

  private Optional<Peer> peer(Set<Contestant> contestants) {
    if (peerFolder == null || !contestants.contains(Contestant.PEER)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Peer(peerFolder));
    } catch (IllegalArgumentException none) {
      throw bad("--peer: " + none.getMessage());
    }
  }

  private <T extends Enum<T>> Set<T> choose(
      List<String> words, String option, Function<String, Optional<T>> named, Class<T> type) {
    Set<T> chosen = EnumSet.noneOf(type);
    for (String word : words) {
      chosen.add(
          named
              .apply(word.strip())
              .orElseThrow(() -> bad(option + " does not know '" + word + "'; see --help")));
    }
    return chosen;
  }

  private CommandLine.ParameterException bad(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private void tellConditions(Set<Contestant> contestants, Optional<Peer> peer) {
    say(
        "%d rounds; %,d orders at saturation, at most %,d of them under way, over %d connections;"
            + " %,d at 10,000 a minute, after %,d more; warm-up %,d orders.",
        sizes.rounds(),
        sizes.orders(),
        IN_FLIGHT,
        CONNECTIONS,
        sizes.paced(),
        PACED_WARM_UP,
        sizes.warmUp());
    say(
        "nats-server %s. JVM %s; services: %s; all in one: %s; the load and the chain have JVMs of"
            + " their own. %d processors. Files: %s",
        BenchSite.natsServer().version(),
        Runtime.version(),
        BenchSite.jvmOptions(false),
        BenchSite.jvmOptions(true),
        Runtime.getRuntime().availableProcessors(),
        data);
    if (contestants.contains(Contestant.PEER) && peer.isEmpty()) {
      say("No peer, as no --peer DIR names one.");
    }
    if (quick) {
      say("Quick: the JVMs are not yet as warm as they become, so they look dearer than they are.");
    }
    say("");
  }

  private void measure(Contestant contestant, Mode mode, int round, Optional<Peer> peer)
      throws InterruptedException {
    Path folder = data.resolve("%d-%s-%s".formatted(round, mode.word(), contestant.word()));
    boolean durable = mode == Mode.DURABLE;
    try {
      Files.createDirectories(folder);
      Map<String, JsonObject> steps =
          switch (contestant) {
            case CEILING -> ceiling(folder, durable);
            case PROCESSES -> holdfast(folder, false, durable);
            case ONE_JVM -> holdfast(folder, true, durable);
            case PEER ->
                peer.orElseThrow()
                    .run(
                        BenchSite.natsServer().path(),
                        durable,
                        durable ? sizes.peerDurable() : sizes.peer(),
                        sizes.paced(),
                        folder);
          };
      JsonObject flat = Figures.flat(steps);
      figures.add(contestant, mode, flat);
      steps.forEach(
          (step, result) -> {
            if (result.containsKey("trouble")) {
              trouble(contestant, mode, step + ": " + result.getString("trouble"));
            }
          });
      say(
          "round %d  %-8s %-11s %,9.0f orders/min  %5.2f CPU s per 10,000  others %.2f processors",
          round,
          mode.word(),
          contestant.title(),
          flat.getDouble("saturated.orders_per_min"),
          flat.getDouble("saturated.cpu_s_all"),
          flat.getDouble("saturated.others_cores", Double.NaN));
      StartupArchive.deleteAll(folder);
    } catch (IOException | RuntimeException failure) {
      trouble(contestant, mode, failure.getMessage() + "; what is left of it is in " + folder);
    }
  }

  private void trouble(Contestant contestant, Mode mode, String what) {
    String line = contestant.title() + ", " + mode.word() + ": " + what;
    troubles.add(line);
    say("%s", Terminal.bad(line));
  }

  /** The streams are made by the code that makes them for the services. */
  private Map<String, JsonObject> ceiling(Path folder, boolean durable)
      throws IOException, InterruptedException {
    try (NatsServer broker = BenchSite.startBroker(folder.resolve("nats"), durable)) {
      StreamAccess.createStreams(broker.url());
      return Map.of(
          "saturated",
          CeilingProcess.run(
              java,
              jar,
              broker.url(),
              broker.pid(),
              durable ? sizes.chainDurableWarmUp() : sizes.chainWarmUp(),
              durable ? sizes.chainDurable() : sizes.chain(),
              IN_FLIGHT,
              folder.resolve("chain.log")));
    }
  }

  private Map<String, JsonObject> holdfast(Path folder, boolean oneJvm, boolean durable)
      throws IOException, InterruptedException {
    Map<String, JsonObject> steps = new LinkedHashMap<>();
    try (BenchSite site = BenchSite.start(folder, oneJvm, durable, List.of())) {
      try (LoadProcess load = load(site, folder)) {
        load.closedLoop("warm-up", sizes.warmUp(), CONNECTIONS, IN_FLIGHT);
        // What runs one order at a time is other code than what runs hundreds, and is compiled
        // anew.
        load.openLoop("paced warm-up", PACED_WARM_UP, PACED_CONNECTIONS, PACE);
        steps.put("paced", load.openLoop("paced", sizes.paced(), PACED_CONNECTIONS, PACE));
        steps.put(
            "saturated", load.closedLoop("saturated", sizes.orders(), CONNECTIONS, IN_FLIGHT));
        steps.put("lone", load.openLoop("lone", sizes.lone(), 1, sizes.loneRate()));
      }
      if (!oneJvm) {
        steps.put("start", starts(site));
      }
    }
    return steps;
  }

  private LoadProcess load(BenchSite site, Path folder) throws IOException {
    return new LoadProcess(java, jar, site.target(), folder.resolve("load.log"));
  }

  /** How long one more of each service takes until it is ready, beside those that run and idle. */
  private JsonObject starts(BenchSite site) throws IOException, InterruptedException {
    JsonObject starts = new JsonObject();
    for (String group : sizes.startAll() ? SERVICES : List.of("orders")) {
      starts.put("ready_ms." + group, site.startReplica(group, group + "-2").toNanos() / 1e6);
      site.stopReplica(group + "-2");
      starts.put("jar_mib." + group, Files.size(ServiceProcess.jar(group)) / (double) (1 << 20));
    }
    return starts;
  }

  /** A measurement that is done once, of services in processes and a relaxed broker. */
  private interface LongRun {
    JsonObject in(Path folder) throws IOException, InterruptedException;
  }

  private void inTheLongRun(String what, LongRun run) throws InterruptedException {
    Path folder = data.resolve(what.replace(' ', '-'));
    try {
      Files.createDirectories(folder);
      figures.add(Contestant.PROCESSES, Mode.RELAXED, run.in(folder));
      StartupArchive.deleteAll(folder);
    } catch (IOException | RuntimeException failure) {
      trouble(
          Contestant.PROCESSES,
          Mode.RELAXED,
          what + ": " + failure.getMessage() + "; what is left of it is in " + folder);
    }
  }

  /**
   * Both times by services that have just been started and warmed up alike, so that only the store
   * is another.
   */
  private JsonObject withManyStored(Path folder) throws IOException, InterruptedException {
    try (BenchSite site = BenchSite.start(folder, false, false, SIMULATOR_OF_MANY)) {
      JsonObject few;
      long there = sizes.warmUp() + sizes.orders();
      try (LoadProcess load = load(site, folder)) {
        few = saturate(load, "few", sizes.warmUp());
        while (there < stored) {
          long more = Math.min(50_000, stored - there);
          JsonObject step = load.closedLoop("fill", more, CONNECTIONS, IN_FLIGHT);
          there += more;
          say(
              "%,10d stored  %,9.0f orders/min  broker %,5.0f MiB, %.2f CPU s per 10,000",
              there,
              step.getDouble("orders_per_min"),
              step.getDouble("rss_mib.nats-server"),
              step.getDouble("cpu_s.nats-server"));
        }
      }
      site.restartServices();
      try (LoadProcess load = load(site, folder)) {
        JsonObject many = saturate(load, "many", sizes.warmUp());
        return compared("many_stored", few, many).put("many_stored.orders", there);
      }
    }
  }

  private JsonObject withReplicas(Path folder) throws IOException, InterruptedException {
    try (BenchSite site = BenchSite.start(folder, false, false, List.of())) {
      JsonObject one;
      try (LoadProcess load = load(site, folder)) {
        one = saturate(load, "one", sizes.warmUp());
      }
      say("Starting %d replicas of each service ...", REPLICAS);
      for (String group : SERVICES) {
        for (int replica = 2; replica <= REPLICAS; replica++) {
          site.startReplica(group, group + "-" + replica);
        }
      }
      try (LoadProcess load = load(site, folder)) {
        // Each of them has its part of the orders alone to get warm by.
        return compared("replicas", one, saturate(load, "four", REPLICAS * sizes.warmUp()));
      }
    }
  }

  private JsonObject saturate(LoadProcess load, String step, long warmUpOrders) throws IOException {
    load.closedLoop("warm-up", warmUpOrders, CONNECTIONS, IN_FLIGHT);
    return load.closedLoop(step, sizes.orders(), CONNECTIONS, IN_FLIGHT);
  }

  /** Under {@code what.before}, {@code what.after}, and what became of cost and rate. */
  private static JsonObject compared(String what, JsonObject before, JsonObject after) {
    Map<String, JsonObject> steps = new LinkedHashMap<>();
    steps.put(what + "_before", before);
    steps.put(what + "_after", after);
    JsonObject flat = Figures.flat(steps);
    for (String figure :
        List.of("cpu_s_without_simulator", "cpu_s.nats-server", "orders_per_min")) {
      flat.put(
          what + "." + figure + "_growth",
          flat.getDouble(what + "_after." + figure) / flat.getDouble(what + "_before." + figure));
    }
    return flat;
  }

  private void report(Set<Mode> chosenModes, Duration took) throws IOException {
    for (Mode mode : chosenModes) {
      List<String> table = Report.of(figures, mode);
      if (!table.isEmpty()) {
        say("");
        say(
            Terminal.bold(
                mode == Mode.DURABLE
                    ? "Durable: every write is on the disk before it is acknowledged, as up has it"
                    : "Relaxed: writes are synced every two minutes, the broker's default"));
        table.forEach(Terminal::say);
      }
    }
    List<Targets.Verdict> verdicts = Targets.judge(figures);
    say("");
    say(Terminal.bold("Targets"));
    for (Targets.Verdict verdict : verdicts) {
      String line = verdict.toString();
      say(
          "%s",
          verdict.found().isEmpty()
              ? Terminal.faint(line)
              : verdict.met() ? Terminal.good(line) : Terminal.bad(line));
    }
    say("");
    NOT_COMPARABLE.forEach(Terminal::say);
    troubles.forEach(trouble -> say("%s", Terminal.bad(trouble)));
    say("Took %d s.", took.toSeconds());
    if (json != null) {
      Files.writeString(json, json(verdicts).encodePrettily());
    }
  }

  private static final List<String> NOT_COMPARABLE =
      List.of(
          "Not the same for all:",
          "- The bare chain has the same five messages, headers, guards, streams and consumers, and"
              + " nothing else: no HTTP, no",
          "  gateway, no stock levels, no ledger, no logs. Nothing that keeps our promises can"
              + " reach it.",
          "  When every write is synced it is no ceiling: it waits for each message, where batches"
              + " share one sync.",
          "- At 10,000 a minute ours has six seconds of the same before, as a JVM compiles anew what"
              + " runs alone; the peer measures itself.",
          "- The peer keeps its state in memory alone, has no guards, its audit is a file, and its"
              + " gateway is a call that returns",
          "  at once. Ours is the simulator, asked over HTTP and counted apart; targets compare"
              + " without it.",
          "- Our end is when every fact is sealed in the ledger, the peer's when it is in its file."
              + " Our latency to confirmed is",
          "  from when an order was due to when the load has heard of the stored confirmation; the"
              + " peer's is taken inside its",
          "  order service. Orders of ours have one item, so that stock is reserved; the peer's"
              + " have none.",
          "- Rates depend on who else uses the machine; CPU seconds per order hardly do. Compare by"
              + " these if others were busy.");

  private JsonObject json(List<Targets.Verdict> verdicts) {
    JsonArray targets = new JsonArray();
    for (Targets.Verdict verdict : verdicts) {
      JsonObject target =
          new JsonObject()
              .put("name", verdict.name())
              .put("what", verdict.what())
              .put(verdict.atLeast() ? "at_least" : "at_most", verdict.limit())
              .put("verdict", verdict.word());
      verdict.found().ifPresent(found -> target.put("found", found));
      targets.add(target);
    }
    return new JsonObject()
        .put("quick", quick)
        .put("rounds", sizes.rounds())
        .put("orders", sizes.orders())
        .put("warm_up", sizes.warmUp())
        .put("nats_server", BenchSite.natsServer().version().toString())
        .put("jvm", Runtime.version().toString())
        .put("jvm_options_processes", BenchSite.jvmOptions(false))
        .put("jvm_options_one_jvm", BenchSite.jvmOptions(true))
        .put("processors", Runtime.getRuntime().availableProcessors())
        .put("targets", targets)
        .put("troubles", new JsonArray(troubles))
        .put("figures", figures.json());
  }
}
