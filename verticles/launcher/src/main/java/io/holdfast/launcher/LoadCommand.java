package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.OrderCommand.AcceptedOrders;
import io.holdfast.launcher.load.Knee;
import io.holdfast.launcher.load.LoadEngine;
import io.holdfast.launcher.load.LoadPlan;
import io.holdfast.launcher.load.LoadReport;
import io.holdfast.launcher.load.LoadResult;
import io.holdfast.launcher.load.OrderBodies;
import io.holdfast.launcher.load.OrderEnds;
import io.holdfast.launcher.load.PolledEnds;
import io.holdfast.launcher.load.StreamEnds;
import io.holdfast.launcher.load.Words;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Customers at a rate that no answer slows down, and what they saw. */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description = {
      "Places orders over HTTP at a steady rate, waits until each is at its end, and reports.",
      "Latencies count from the moment a request was due, also if it could only be sent later, so",
      "that a system that stands still is not flattered (no coordinated omission). The times of an",
      "order's end are those at which the broker stored its facts, by the clock of the broker's",
      "machine: they mean something if that is this one, or the clocks agree.",
      "Exit status 1 if an accepted order was lost, nothing was accepted, or reconcile finds a",
      "violation."
    })
final class LoadCommand implements Callable<Integer> {

  private static final double MOST_PER_SECOND = 100_000;
  private static final double FIRST_STEP = 100;
  private static final double ERROR_SHARE = 0.01;
  private static final double SECONDS_BEHIND = 1;
  private static final int SHOWN = 10;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private SystemOptions system;

  @ArgGroup(exclusive = true)
  private How how = new How();

  /** When customers come. */
  private static final class How {
    @Option(
        names = "--rate",
        paramLabel = "N[/s|/min]",
        description = "Orders a second, or a minute. Default: 100/s")
    private String rate;

    @Option(
        names = "--ramp",
        description =
            "Find the knee: raise the rate step by step until the p99 (see --p99), the errors (1 %%)"
                + " or a growing backlog (1 s) says that it is too much")
    private boolean ramp;

    @Option(
        names = "--closed",
        paramLabel = "N",
        description = "At most N orders between request and end; the next comes when one is there")
    private Integer closed;
  }

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      description =
          "30s, 2m, 500ms ...; of each step, with --ramp. Default: 30s, and 5s with --ramp")
  private String duration;

  @Option(
      names = "--warm-up",
      paramLabel = "TIME",
      description = "What comes in this time before is not in the figures. Default: 0s")
  private String warmUp = "0s";

  @Option(
      names = {"--connections", "--in-flight"},
      paramLabel = "N",
      description =
          "Requests under way at most, each on a connection of its own. Who finds none free waits,"
              + " is counted, and the wait is in the latency. Default: 256")
  private int connections = 256;

  @Option(
      names = "--customers",
      paramLabel = "N",
      description = "Of whom one is picked for each order. Default: 10000")
  private int customers = 10_000;

  @Option(names = "--seed", paramLabel = "S", description = "Of customers and goods. Default: 1")
  private long seed = 1;

  @Option(
      names = "--url",
      paramLabel = "BASE",
      description =
          "Of an orders service, ours or not. Default: the running system's. Its orders' ends are"
              + " looked up by HTTP for a sample, unless --nats says where its broker is")
  private String url;

  @Option(
      names = "--plain",
      description =
          "Orders of a customer_id and an amount alone. Default: of the demo goods; with --url"
              + " always")
  private boolean plain;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      description = "After which a request has no answer. Default: 10s")
  private String timeout = "10s";

  @Option(
      names = "--wait",
      paramLabel = "TIME",
      description = "Give up once no order came to its end for so long. Default: 60s")
  private String wait = "60s";

  @Option(
      names = "--p99",
      paramLabel = "TIME",
      description = "With --ramp, what is still borne. Default: 500ms")
  private String p99 = "500ms";

  @Option(names = "--no-reconcile", description = "Do not check the promises afterwards")
  private boolean noReconcile;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes the report there too; - for standard output, and nothing else there")
  private Path json;

  @Override
  public Integer call() throws Exception {
    LoadPlan plan = plan();
    Optional<RunningSystem> running = system.system();
    if (url == null && running.isEmpty()) {
      return Terminal.refused(spec, system.noOrdersService());
    }
    URI orders = Api.base(spec, "--url ", url != null ? url : running.get().url("orders"), "");
    boolean here =
        running.map(found -> orders.toString().equals(found.url("orders"))).orElse(false);
    // A broker that is known is that of the system that runs here, unless it was named.
    boolean followed =
        here || system.elsewhere() || (running.isEmpty() && system.natsUrl().isPresent());

    PrintStream out = System.out;
    boolean jsonAlone = json != null && json.toString().equals("-");
    if (jsonAlone) {
      System.setOut(System.err);
    }
    try {
      return run(plan, orders, here, followed, jsonAlone ? out : null);
    } finally {
      System.setOut(out);
    }
  }

  private int run(LoadPlan plan, URI orders, boolean here, boolean followed, PrintStream jsonTo)
      throws Exception {
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    try (StreamAccess streams = followed ? system.open() : null) {
      OrderEnds ends =
          followed
              ? new StreamEnds(vertx, streams.reader(), streams.subjects())
              : new PolledEnds(vertx, orders);
      OrderBodies bodies =
          plain || url != null
              ? OrderBodies.plain(customers, seed)
              : OrderBodies.of(DemoStock.plenty(), customers, seed);
      LoadView view =
          new LoadView(here ? Optional.of(new AcceptedOrders(system.known())) : Optional.empty());
      say("%s", LoadReport.intention(plan, orders, how.ramp));
      Outcome outcome;
      try (LoadEngine engine =
          new LoadEngine(vertx, orders, bodies, ends, view::promised, Api.token())) {
        outcome = how.ramp ? ramp(engine, view, plan) : once(engine, view, plan);
      }
      say("%s", ends.how());
      return finish(outcome, view, here, followed, jsonTo);
    } finally {
      vertx.close().await(10, TimeUnit.SECONDS);
    }
  }

  /**
   * @param report for {@code --json}
   * @param promised how many orders were accepted in all
   */
  private record Outcome(JsonObject report, long promised, List<String> unfinished) {}

  private static Outcome once(LoadEngine engine, LoadView view, LoadPlan plan) throws IOException {
    double cpuBefore = cpuSeconds();
    LoadResult result = view.follow(engine, plan, "");
    double cpuMicros = (cpuSeconds() - cpuBefore) * 1e6 / Math.max(1, result.answered());
    LoadReport.lines(result).forEach(line -> say("%s", line));
    say(
        "  this program used %,.0f us of the processor for each request, its own start included",
        cpuMicros);
    return new Outcome(
        result.json().put("generator_cpu_micros_per_request", cpuMicros),
        result.promised(),
        result.unfinished());
  }

  private Outcome ramp(LoadEngine engine, LoadView view, LoadPlan plan) throws IOException {
    Knee knee =
        new Knee(
            FIRST_STEP,
            MOST_PER_SECOND,
            new Knee.Limits(time("--p99", p99).toNanos() / 1_000, ERROR_SHARE, SECONDS_BEHIND));
    List<String> unfinished = new ArrayList<>();
    long promised = 0;
    say("%s", LoadReport.stepHeader());
    while (!knee.found()) {
      LoadResult result =
          view.follow(engine, plan.perSecond(knee.next()), "%,.0f/s  ".formatted(knee.next()));
      say("%s", LoadReport.line(knee.tried(result)));
      unfinished.addAll(result.unfinished());
      promised += result.promised();
      if (promised == 0) {
        break; // nobody is there
      }
    }
    say("");
    say("%s", LoadReport.conclusion(knee));
    return new Outcome(LoadReport.json(knee), promised, unfinished);
  }

  private int finish(
      Outcome outcome, LoadView view, boolean here, boolean followed, PrintStream jsonTo)
      throws Exception {
    boolean good = outcome.promised() > 0 && outcome.unfinished().isEmpty();
    if (!outcome.unfinished().isEmpty()) {
      say(
          Terminal.bad("%,d accepted orders did not come to their end in time: %s")
              .formatted(
                  outcome.unfinished().size(),
                  String.join(", ", outcome.unfinished().stream().limit(SHOWN).toList())));
    }
    if (outcome.promised() == 0) {
      say(Terminal.bad("No order was accepted."));
    }
    JsonObject report = outcome.report();
    if (followed && !noReconcile) {
      Path verdict = Files.createTempFile("holdfast-load-", ".json");
      Path ids = Files.createTempFile("holdfast-load-", ".accepted");
      try {
        int reconciled =
            LauncherMain.commandLine()
                .execute(reconcileArguments(here ? null : view.accepted(), ids, verdict));
        good &= reconciled == 0;
        if (Files.size(verdict) > 0) {
          report.put("reconcile", new JsonObject(Files.readString(verdict)));
        }
      } finally {
        Files.delete(ids);
        Files.delete(verdict);
      }
    }
    report.put("good", good);
    if (jsonTo != null) {
      jsonTo.println(report.encodePrettily());
    } else if (json != null) {
      Files.writeString(json, report.encodePrettily());
    }
    return good ? 0 : 1;
  }

  /**
   * @param elsewhere the accepted orders, if the system does not run here; else they are noted
   * @param ids where they are written then
   */
  private String[] reconcileArguments(List<String> elsewhere, Path ids, Path verdict)
      throws IOException {
    List<String> arguments = new ArrayList<>(List.of("reconcile", "--json", verdict.toString()));
    system.known().ifPresent(data -> arguments.addAll(List.of("--data", data.toString())));
    if (elsewhere != null) {
      Files.write(ids, elsewhere);
      arguments.addAll(List.of("--accepted", ids.toString()));
      arguments.addAll(List.of("--nats", system.natsUrl().orElseThrow()));
      arguments.addAll(List.of("--namespace", system.namespace()));
      arguments.addAll(List.of("--gateway", system.gatewayUrl().orElse(SystemOptions.NO_GATEWAY)));
    }
    return arguments.toArray(String[]::new);
  }

  private LoadPlan plan() {
    Duration length = time("--duration", duration == null ? (how.ramp ? "5s" : "30s") : duration);
    atLeast("--connections", connections, 1, 10_000);
    atLeast("--customers", customers, 1, 1_000_000_000);
    if (length.isZero()) {
      throw bad("--duration must be more than 0");
    }
    time("--p99", p99);
    LoadPlan plan;
    if (how.closed != null) {
      atLeast("--closed", how.closed, 1, 1_000_000);
      plan = LoadPlan.closed(how.closed, length);
    } else {
      double perSecond =
          read(
              "--rate",
              how.rate == null ? "100/s" : how.rate,
              Words::perSecond,
              "200/s or 12000/min");
      if (!(perSecond > 0 && perSecond <= MOST_PER_SECOND)) {
        throw bad("--rate must be more than 0 and at most %,.0f/s".formatted(MOST_PER_SECOND));
      }
      plan = LoadPlan.open(perSecond, length);
    }
    return plan.connections(connections)
        .warmUp(time("--warm-up", warmUp))
        .answerLimit(time("--timeout", timeout))
        .endLimit(time("--wait", wait));
  }

  private Duration time(String option, String text) {
    return read(option, text, Words::duration, "30s, 2m or 500ms");
  }

  private <T> T read(
      String option, String text, Function<String, Optional<T>> parse, String example) {
    return parse
        .apply(text)
        .orElseThrow(() -> bad("%s %s: must be like %s".formatted(option, text, example)));
  }

  private void atLeast(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw bad("%s must be from %,d to %,d".formatted(option, least, most));
    }
  }

  private CommandLine.ParameterException bad(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private static double cpuSeconds() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
  }
}
