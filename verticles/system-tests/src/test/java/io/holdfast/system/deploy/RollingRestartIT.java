package io.holdfast.system.deploy;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.FreePorts;
import io.holdfast.runtime.jetstream.Rights;
import io.holdfast.system.JarProcess;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a deployment is not noticed by anybody. Method: two replicas of every service behind a
 * balancer that asks for readiness, under load, each in turn told to stop and started again, some
 * services at a time; with {@code -Dholdfast.deploy.old=DIR} from an older build's JARs and back.
 * The broker is one as in production: a cluster of three that knows each service by a user of its
 * own with no more rights than it needs, everything over TLS, the streams made by the provisioner.
 */
class RollingRestartIT {

  private static final List<String> SERVICES =
      List.of("orders", "inventory", "payments", "notifications", "audit");

  /** Restarted at the same time, as each is a deployment of its own; one replica of each. */
  private static final List<Set<String>> WAVES =
      List.of(Set.of("orders", "inventory"), Set.of("payments", "notifications", "audit"));

  private static final String ROUNDS = "holdfast.deploy.rounds";
  private static final String RATE = "holdfast.deploy.rate";

  /**
   * Far below the 30 s after which the broker delivers again what nobody gave back, and far above
   * what an order takes on a machine that is busy with other things too.
   */
  private static final Duration NO_WAIT_FOR_THE_BROKER = Duration.ofSeconds(20);

  @TempDir Path folder;

  private final int rounds = Integer.getInteger(ROUNDS, 1);
  private final int rate = Integer.getInteger(RATE, 30);
  private final Map<String, List<Replica>> replicas = new LinkedHashMap<>();
  private final Queue<Replica.Drain> drains = new ConcurrentLinkedQueue<>();
  private SecureCluster broker;
  private JarProcess gateway;
  private Traffic traffic;
  private String namespace;

  @AfterEach
  void stop() {
    if (traffic != null) {
      traffic.close();
    }
    all().forEach(Replica::close);
    if (gateway != null) {
      gateway.close();
    }
    if (broker != null) {
      broker.close();
    }
  }

  @Test
  void every_replica_is_restarted_in_turn_under_load_and_no_request_and_no_order_notices()
      throws IOException {
    start();
    traffic = new Traffic(replicas, rate);
    traffic.look();
    eventually("every replica is known to be ready", () -> all().allMatch(traffic::sendsTo));
    long begun = System.nanoTime();
    traffic.begin();

    for (int round = 1; round <= rounds; round++) {
      for (int number : List.of(0, 1)) {
        for (Set<String> wave : WAVES) {
          atOnce(
              wave.stream().map(service -> replicas.get(service).get(number)).toList(),
              this::restart);
        }
      }
    }

    Traffic.Result result = traffic.end();
    Duration loaded = Duration.ofNanos(System.nanoTime() - begun);
    try (Streams streams =
        new Streams(
            broker.urls(),
            namespace,
            Set.of(),
            Rights.OPERATOR,
            broker.variables(Rights.OPERATOR))) {
      Lives lives =
          eventually(
              "every order is final, and its customer told",
              Duration.ofSeconds(60),
              () -> Lives.read(streams),
              read -> read.over(result.accepted()));
      report(result, loaded, lives, Lives.redeliveries(streams));

      assertThat(result.failures()).filteredOn(failure -> ofTheNewBuild(failure)).isEmpty();
      assertThat(drains).as("ended cleanly").allSatisfy(drain -> assertClean(drain));
      assertThat(result.accepted()).hasSizeGreaterThan(10 * drains.size());
      if (Build.old().isEmpty()) { // an older one may lose settlements; the report tells how long
        assertThat(lives.longestToFinal()).isLessThan(NO_WAIT_FOR_THE_BROKER);
        assertThat(lives.longestToLastFact()).isLessThan(NO_WAIT_FOR_THE_BROKER);
      }
    }
    reconcile(result.accepted());
    drainAll();
  }

  /** What an older build does not do yet is told in the report; it cannot be mended any more. */
  private static boolean ofTheNewBuild(Traffic.Failure failure) {
    return failure.build() == null || failure.build().equals(Build.NEW);
  }

  private static void assertClean(Replica.Drain drain) {
    assertThat(drain.status()).as(drain.replica() + ": " + drain.output()).isZero();
  }

  /** Without an older build all are new; with one, each group's second replica begins as old. */
  private void start() {
    namespace = TestBroker.newNamespace();
    broker = new SecureCluster(folder.resolve("nats"), namespace);
    provision();
    int gatewayPort = FreePorts.one();
    Map<String, String> env = new HashMap<>();
    env.put("NAMESPACE", namespace);
    env.put("HOST", "127.0.0.1");
    env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + gatewayPort);
    env.put("LEDGER_FILE", folder.resolve("ledger.jsonl").toString());
    // Time for the balancer to see that a replica is on its way out, on a busy machine too.
    env.put("DRAIN_GRACE_MS", Long.toString(Traffic.LOOK.toMillis() * 30));
    Path logs = folder.resolve("logs");
    gateway =
        JarProcess.of(
            "gateway", Build.NEW.jar("gateway"), gatewayPort, env, logs.resolve("gateway.log"));
    for (String service : SERVICES) {
      Map<String, String> own = new HashMap<>(env);
      own.putAll(broker.variables(service));
      replicas.put(
          service, List.of(new Replica(service, 1, own, logs), new Replica(service, 2, own, logs)));
    }
    replicas.values().forEach(pair -> pair.get(0).start(Build.NEW));
    replicas.values().forEach(pair -> pair.get(0).awaitReady());
    replicas.values().forEach(pair -> pair.get(1).start(Build.old().orElse(Build.NEW)));
    replicas.values().forEach(pair -> pair.get(1).awaitReady());
    gateway.awaitReady();
    for (String sku : Traffic.goods()) {
      Http.Answer answer =
          Http.post(
              replicas.get("inventory").getFirst().url() + "/stock/" + sku + "/receipts",
              new JsonObject().put("quantity", 1_000_000),
              "Idempotency-Key",
              "receipt-" + sku);
      assertThat(answer.status()).as(answer.body()).isEqualTo(201);
    }
  }

  private void provision() {
    Map<String, String> env = broker.variables(Rights.PROVISIONER);
    env.put("STREAM_MAX_BYTES", Long.toString(256L << 20));
    try (JarProcess command =
        JarProcess.launcher(
            env,
            folder.resolve("logs/provision.log"),
            "provision",
            "--nats",
            broker.urls(),
            "--namespace",
            namespace)) {
      assertThat(command.exitStatus()).as(command.output()).isZero();
    }
  }

  /** The whole system is shut down, as at an evening: whoever needs another may find it gone. */
  private void drainAll() {
    Queue<Replica.Drain> last = new ConcurrentLinkedQueue<>();
    atOnce(all().toList(), replica -> last.add(replica.drain()));
    assertThat(last)
        .hasSize(2 * SERVICES.size())
        .as("ended cleanly")
        .allSatisfy(drain -> assertClean(drain));
  }

  private static void atOnce(List<Replica> these, Consumer<Replica> what) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      these.forEach(replica -> running.add(threads.submit(() -> what.accept(replica))));
      for (Future<?> each : running) {
        each.get();
      }
    } catch (ExecutionException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** As a deployment goes about it: the next one only when this one gets requests again. */
  private void restart(Replica replica) {
    drains.add(replica.drain());
    eventually("the balancer knows that " + replica + " is gone", () -> !traffic.sendsTo(replica));
    boolean wasNew = replica.build().equals(Build.NEW);
    replica.start(wasNew ? Build.old().orElse(Build.NEW) : Build.NEW);
    replica.awaitReady();
    eventually("the balancer sends to " + replica, () -> traffic.sendsTo(replica));
  }

  private void reconcile(List<String> accepted) throws IOException {
    Path list = Files.write(folder.resolve("accepted.log"), accepted);
    try (JarProcess command =
        JarProcess.launcher(
            broker.variables(Rights.OPERATOR),
            folder.resolve("logs/reconcile.log"),
            "reconcile",
            "--nats",
            broker.urls(),
            "--namespace",
            namespace,
            "--gateway",
            gateway.url(),
            "--accepted",
            list.toString(),
            "--data",
            folder.resolve("none").toString())) {
      assertThat(command.exitStatus()).as(command.output()).isZero();
      assertThat(command.output()).contains("All invariants hold");
    }
  }

  private Stream<Replica> all() {
    // First replicas first, so that each group has one that was started a while ago.
    return Stream.of(0, 1).flatMap(i -> replicas.values().stream().map(pair -> pair.get(i)));
  }

  private void report(
      Traffic.Result result, Duration loaded, Lives lives, Map<String, Long> redeliveries) {
    System.out.printf(
        "%n%d restarts in %d s, %s%n",
        drains.size(),
        loaded.toSeconds(),
        Build.old().map(old -> "old JARs of " + old.root() + " mixed in").orElse("one build"));
    System.out.printf(
        "  requests         %,d, of them failed %d; slowest answer %d ms%n",
        result.requests(), result.failures().size(), result.slowestAnswer().toMillis());
    System.out.printf(
        "  orders           %,d accepted (%.0f/s)%n",
        result.accepted().size(), result.accepted().size() * 1e3 / loaded.toMillis());
    System.out.printf(
        "  longest          order to final %d ms, order to its last fact %d ms%n",
        lives.longestToFinal().toMillis(), lives.longestToLastFact().toMillis());
    System.out.printf("                   %s%n", lives.slowest());
    System.out.printf(
        "  drains           longest %d ms, not clean %d%n",
        drains.stream()
            .map(Replica.Drain::took)
            .max(Comparator.naturalOrder())
            .orElseThrow()
            .toMillis(),
        drains.stream().filter(drain -> drain.status() != 0).count());
    System.out.printf("  delivered again  %d %s%n", sum(redeliveries.values()), redeliveries);
    result.failures().stream()
        .map(failure -> failure.replica() + ": " + failure.what())
        .distinct()
        .limit(20)
        .forEach(failure -> System.out.println("  failed           " + failure));
  }

  private static long sum(Collection<Long> numbers) {
    return numbers.stream().mapToLong(Long::longValue).sum();
  }
}
