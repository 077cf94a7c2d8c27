package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.chaos.Customers;
import io.holdfast.launcher.chaos.FaultKind;
import io.holdfast.launcher.chaos.Plan;
import io.holdfast.launcher.chaos.Plan.Fault;
import io.holdfast.launcher.chaos.Recoveries;
import io.holdfast.launcher.chaos.Recoveries.Happened;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Breaks a whole system under load, again and again, and then checks every promise. */
@Command(
    name = "chaos",
    mixinStandardHelpOptions = true,
    description = {
      "Starts a system of its own, one JVM per service, loads it, breaks it by a plan, and reconciles.",
      "Exit status 0 only if every promise was kept. The same seed repeats the same plan."
    })
final class ChaosCommand implements Callable<Integer> {

  /**
   * So that more happens in a minute; promises do not depend on them. The environment goes first.
   */
  static final Map<String, String> QUICKER =
      Map.of("BREAKER_RESET_MS", "3000", "ACK_WAIT_MS", "10000", "DRAIN_GRACE_MS", "0");

  private static final Duration SERVED_LIMIT = Duration.ofMinutes(2);
  private static final int SETTLE_SECONDS = 120;
  private static final long LOOK_MILLIS = 250;
  private static final int PAGE = 1_000;
  private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");
  private static final List<String> STREAMS =
      List.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS", "AUDIT");

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private DataFolder dataFolder;

  @Option(names = "--minutes", paramLabel = "N", description = "How long. Default: 1")
  private double minutes = 1;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description = "Customers a second, whatever happens. Default: 50")
  private double rate = 50;

  @Option(
      names = "--faults",
      paramLabel = "KIND,...",
      split = ",",
      hideParamSyntax = true,
      description =
          "Of kill, pause, deploy, outage, slow, drop, duplicate, partition, cluster. Default: all but cluster")
  private List<String> faults =
      EnumSet.complementOf(EnumSet.of(FaultKind.CLUSTER)).stream().map(FaultKind::word).toList();

  @Option(names = "--seed", paramLabel = "S", description = "Of the plan. Default: a new one")
  private Long seed;

  @Option(names = "--json", paramLabel = "FILE", description = "Writes the report there too")
  private Path json;

  private final List<Happened> happened = Collections.synchronizedList(new ArrayList<>());
  private final List<String> troubles = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();
  private final Map<String, Double> retries = new ConcurrentHashMap<>();
  private long begunNanos;

  @Override
  public Integer call() throws Exception {
    Set<FaultKind> kinds = kinds();
    if (!(minutes >= 0.2 && minutes <= 24 * 60)) {
      throw bad("--minutes must be from 0.2 to 1440");
    }
    if (!(rate >= 1 && rate <= 2_000)) {
      throw bad("--rate must be from 1 to 2000");
    }
    long theSeed = seed == null ? System.currentTimeMillis() % 1_000_000 : seed;
    Duration length = Duration.ofMillis((long) (minutes * 60_000));
    Plan plan = Plan.of(theSeed, length, kinds);
    Path data =
        dataFolder
            .path()
            .resolve("chaos")
            .resolve(STAMP.format(LocalDateTime.now(ZoneId.systemDefault())) + "-" + theSeed);
    Files.createDirectories(data);
    say(
        "Chaos, seed %d: %s, %d faults (%s), %s customers a second. All of it in %s",
        theSeed,
        "%.1f minutes".formatted(minutes),
        plan.faults().size(),
        String.join(", ", kinds.stream().map(FaultKind::word).toList()),
        "%.0f".formatted(rate),
        data);
    Logging.toFile(data.resolve("logs").resolve("chaos.log"), "chaos", Map.of("LOG_LEVEL", "warn"));
    StartupArchive.makeMissing(data);
    Vertx vertx = Vertx.vertx();
    try {
      return run(vertx, data, plan, kinds, theSeed, length);
    } finally {
      vertx.close().await(10, TimeUnit.SECONDS);
    }
  }

  private Set<FaultKind> kinds() {
    Set<FaultKind> kinds = EnumSet.noneOf(FaultKind.class);
    for (String word : faults) {
      FaultKind kind =
          EnumSet.allOf(FaultKind.class).stream()
              .filter(k -> k.word().equals(word.strip()))
              .findFirst()
              .orElseThrow(() -> bad("there is no kind of fault '" + word + "'; see --help"));
      kinds.add(kind);
    }
    return kinds;
  }

  private CommandLine.ParameterException bad(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private int run(
      Vertx vertx, Path data, Plan plan, Set<FaultKind> kinds, long theSeed, Duration length)
      throws Exception {
    ChaosSite site = ChaosSite.start(data, vertx, kinds.contains(FaultKind.CLUSTER), theSeed);
    Thread onSignal = new Thread(() -> stopQuietly(site), "stop");
    Runtime.getRuntime().addShutdownHook(onSignal);
    try {
      say(
          "nats-server %s, %d of it, every write synced; %s",
          site.brokerVersion(), kinds.contains(FaultKind.CLUSTER) ? 3 : 1, QUICKER);
      Customers customers = new Customers(vertx, URI.create(site.ordersUrl()), rate, theSeed);
      breakThings(site, customers, plan, length);
      boolean served = serve(customers);
      site.awaitReady();
      List<String> accepted = customers.accepted().await(10, TimeUnit.SECONDS);
      Files.write(data.resolve(OrderCommand.AcceptedOrders.FILE), accepted);
      site.asRunning().write(data);
      say("");
      Path verdict = data.resolve("reconcile.json");
      int reconciled =
          LauncherMain.commandLine()
              .execute(
                  "reconcile",
                  "--data",
                  data.toString(),
                  "--wait",
                  Integer.toString(SETTLE_SECONDS),
                  "--json",
                  verdict.toString());
      countRetries(site);
      Recoveries recoveries = recoveries(site);
      customers.surprises().await(10, TimeUnit.SECONDS).forEach(troubles::add);
      if (!served) {
        troubles.add(customers.counts().waiting() + " customers never got an answer");
      }
      List<String> unclean = site.stop();
      RunningSystem.forget(data);
      if (!unclean.isEmpty()) {
        troubles.add("did not drain at the end: " + unclean);
      }
      boolean good = reconciled == 0 && troubles.isEmpty();
      report(customers.counts(), recoveries, site, good);
      if (json != null) {
        Files.writeString(
            json,
            json(theSeed, kinds, customers.counts(), recoveries, site, verdict, good)
                .encodePrettily());
      }
      return good ? 0 : 1;
    } finally {
      stopQuietly(site);
      Runtime.getRuntime().removeShutdownHook(onSignal);
    }
  }

  private void breakThings(ChaosSite site, Customers customers, Plan plan, Duration length)
      throws InterruptedException {
    begunNanos = System.nanoTime();
    customers.open();
    try (ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (Fault fault : plan.faults()) {
        long delay = fault.at().toNanos() - (System.nanoTime() - begunNanos);
        all.add(
            clock.schedule(
                () -> threads.submit(() -> apply(site, fault)), delay, TimeUnit.NANOSECONDS));
      }
      long looks = 0;
      while (elapsed().compareTo(length) < 0) {
        Thread.sleep(LOOK_MILLIS);
        Terminal.progress(status(customers.counts(), length));
        if (looks++ % 8 == 0) {
          countRetries(site);
        }
      }
      for (Future<?> fault : all) {
        fault.cancel(false); // none is left to come; those under way end before this block does
      }
    }
    Terminal.progressDone();
  }

  private Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - begunNanos);
  }

  /** Faults that end or stop the same process come one after the other. */
  private void apply(ChaosSite site, Fault fault) {
    String what =
        switch (fault.kind()) {
          case KILL, PAUSE, DEPLOY -> fault.target();
          case CLUSTER -> "the cluster"; // or it would have no majority
          case OUTAGE, SLOW, DROP -> "the gateway's faults";
          case DUPLICATE, PARTITION -> "wire of " + fault.target();
        };
    ReentrantLock lock = locks.computeIfAbsent(what, k -> new ReentrantLock(true));
    lock.lock();
    try {
      long at = elapsed().toMillis();
      say(
          "%7.1f s  %-9s  %-13s  %.1f s",
          at / 1e3, fault.kind().word(), fault.target(), fault.length().toMillis() / 1e3);
      happened.add(new Happened(fault, site.apply(fault)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      troubles.add(fault.kind().word() + " of " + fault.target() + ": " + e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private String status(Customers.Counts counts, Duration length) {
    return "%4.0f of %.0f s  %d faults  %,d orders accepted  %,d waiting for their 202"
        .formatted(
            elapsed().toMillis() / 1e3,
            length.toMillis() / 1e3,
            happened.size(),
            counts.accepted(),
            counts.waiting());
  }

  private static boolean serve(Customers customers) {
    try {
      customers.close().await(SERVED_LIMIT.toSeconds(), TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  /** Counters begin anew with each process, so each process's last known figure is kept. */
  private void countRetries(ChaosSite site) {
    for (String service : Plan.SERVICES) {
      int start = site.starts(service);
      double sum =
          site.ask(service, "/metrics")
              .lines()
              .filter(line -> line.startsWith("event_retries_total"))
              .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
              .sum();
      retries.merge(service + "#" + start, sum, Math::max);
    }
  }

  private static Recoveries recoveries(ChaosSite site) throws Exception {
    Map<String, long[]> times = new TreeMap<>();
    try (StreamAccess streams = StreamAccess.open(site.natsUrl(), "")) {
      for (String stream : STREAMS) {
        List<Long> all = new ArrayList<>();
        long next = 1;
        while (true) {
          List<RawMessage> page =
              StreamAccess.get(
                  streams.reader().read(streams.subjects().stream(stream), next, PAGE, 8 << 20));
          if (page.isEmpty()) {
            break;
          }
          page.forEach(message -> all.add(message.storedAt().toEpochMilli()));
          next = page.getLast().sequence() + 1;
        }
        times.put(stream, all.stream().mapToLong(Long::longValue).sorted().toArray());
      }
    }
    return new Recoveries(times);
  }

  private void report(
      Customers.Counts counts, Recoveries recoveries, ChaosSite site, boolean good) {
    say("");
    say("  %-10s %-14s %6s   %s", "fault", "of", "times", "back at work, s (p50, max)");
    for (Recoveries.Line line : recoveries.lines(happened)) {
      say(
          "  %-10s %-14s %6d   %s",
          line.kind().word(),
          line.target(),
          line.times(),
          line.millis().isEmpty()
              ? "-"
              : "%.1f, %.1f"
                  .formatted(
                      line.percentile(50).getAsLong() / 1e3,
                      line.percentile(100).getAsLong() / 1e3));
    }
    say("");
    say(
        "  %d faults, %d of them hard kills; %d deployments could not finish all they had in process",
        happened.size(), kills(), site.uncleanDrains());
    say(
        "  %,d customers, %,d orders accepted, %,d requests sent again, %,d cancellations taken, %,d retries of messages",
        counts.came(), counts.accepted(), counts.repeated(), counts.cancelled(), (long) retrySum());
    counts
        .refusals()
        .forEach(
            (status, times) ->
                say("  %s  %,d times", status == 0 ? "no answer" : "status " + status, times));
    if (counts.stayedAtHome() > 0) {
      say("  %,d customers stayed at home, as too many were waiting", counts.stayedAtHome());
    }
    troubles.stream().limit(20).forEach(trouble -> say("  " + Terminal.bad(trouble)));
    say("");
    say(
        good
            ? Terminal.good("Every promise was kept.")
            : Terminal.bad("Something broke. The logs, the streams and the ledger are kept."));
  }

  private long kills() {
    return happened.stream().filter(h -> h.fault().kind() == FaultKind.KILL).count();
  }

  private double retrySum() {
    return retries.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  private JsonObject json(
      long theSeed,
      Set<FaultKind> kinds,
      Customers.Counts counts,
      Recoveries recoveries,
      ChaosSite site,
      Path verdict,
      boolean good)
      throws Exception {
    JsonArray lines = new JsonArray();
    recoveries
        .lines(happened)
        .forEach(
            line ->
                lines.add(
                    new JsonObject()
                        .put("fault", line.kind().word())
                        .put("of", line.target())
                        .put("times", line.times())
                        .put("back_at_work_ms", new JsonArray(line.millis()))));
    JsonObject refusals = new JsonObject();
    counts.refusals().forEach((status, times) -> refusals.put(Integer.toString(status), times));
    return new JsonObject()
        .put("kept", good)
        .put("seed", theSeed)
        .put("minutes", minutes)
        .put("rate", rate)
        .put("kinds", new JsonArray(kinds.stream().map(FaultKind::word).toList()))
        .put("nats_server", site.brokerVersion())
        .put("settings", new JsonObject(new TreeMap<>(QUICKER)))
        .put("faults", lines)
        .put("hard_kills", kills())
        .put("unclean_drains", site.uncleanDrains())
        .put(
            "customers",
            new JsonObject()
                .put("came", counts.came())
                .put("accepted", counts.accepted())
                .put("requests_repeated", counts.repeated())
                .put("cancelled", counts.cancelled())
                .put("stayed_at_home", counts.stayedAtHome())
                .put("refusals", refusals))
        .put("message_retries", (long) retrySum())
        .put("troubles", new JsonArray(List.copyOf(troubles)))
        .put("reconcile", new JsonObject(Files.readString(verdict)));
  }

  private static void stopQuietly(ChaosSite site) {
    try {
      site.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
