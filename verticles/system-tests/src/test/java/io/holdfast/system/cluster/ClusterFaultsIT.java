package io.holdfast.system.cluster;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.system.JarProcess;
import io.holdfast.system.cluster.Replicas.Held;
import io.holdfast.system.storage.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker of three nodes may lose any of them, or all, in any way, and all invariants hold.
 * Method: three nats-servers in network namespaces, every stream on all three, customers who order
 * all the time, and a plan of faults made from a seed, most of them on a stream's leader. In the
 * end all orders are final, {@code reconcile} finds nothing, and every node holds the same bytes.
 *
 * <p>{@code -Dholdfast.cluster.faults=N} strikes so often, every second time twice at once; {@code
 * -Dholdfast.cluster.seed=S} makes another plan.
 */
class ClusterFaultsIT {

  private static final int ASKED = Integer.getInteger("holdfast.cluster.faults", 0);
  private static final long SEED = Long.getLong("holdfast.cluster.seed", 1);
  private static final int RATE = Integer.getInteger("holdfast.cluster.rate", 25);
  private static final int SETTLE_SECONDS = 60;

  /** Accepted before an episode counts as over: not one that slipped through, but trade. */
  private static final int ORDERS_BETWEEN = RATE;

  private static final List<String> SKUS = List.of("cup", "mug", "pot");

  /** Of each kind one that stands for others, as this is part of every build. */
  private static final List<List<Strike>> SHORT =
      List.of(
          List.of(new Strike(Fault.KILLED, "ORDERS", 0, 0, 3_000)),
          List.of(new Strike(Fault.PEERS_CUT, "INVENTORY", 0, 0, 3_000)),
          List.of(new Strike(Fault.ALL_KILLED, "", 0, 0, 500)),
          List.of(
              new Strike(Fault.PAUSED, "ORDERS", 0, 0, 3_000),
              new Strike(Fault.MUTE, "PAYMENTS", 0, 1_000, 4_000)),
          List.of(new Strike(Fault.LINK_DOWN, "PAYMENTS", 0, 0, 3_000)));

  @TempDir Path folder;

  private Cluster cluster;
  private Services services;
  private Customers customers;

  /**
   * @param ready from the end of the last fault until every service says so
   * @param recovered from there too, until every replica is current as well
   */
  private record Episode(String what, Duration gap, Duration ready, Duration recovered) {}

  @BeforeAll
  static void needs_network_namespaces() {
    Optional<String> lacking = ClusterNet.lacking();
    assumeTrue(lacking.isEmpty(), () -> "no cluster can be cut here: " + lacking.orElseThrow());
  }

  @AfterEach
  void stop() {
    if (customers != null) {
      customers.close();
    }
    if (services != null) {
      services.close();
    }
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void every_accepted_order_survives_faults_of_a_cluster_and_its_replicas_agree() throws Exception {
    List<List<Strike>> plan = ASKED == 0 ? SHORT : Strike.plan(SEED, ASKED, true);
    cluster = new Cluster(folder);
    services = new Services(folder, cluster.urls());
    cluster.watch(streams());
    SKUS.forEach(sku -> services.receive(sku, 1_000_000));
    cluster.awaitWhole();
    customers = new Customers(services.orders(), SKUS, RATE, SEED);
    awaitTrade();

    List<Episode> episodes = new ArrayList<>();
    for (List<Strike> strikes : plan) {
      Episode episode = strike(strikes);
      episodes.add(episode);
      System.out.printf(
          "%3d of %d: %s; gap %,d ms, ready %,d ms, whole %,d ms after; %,d accepted%n",
          episodes.size(),
          plan.size(),
          episode.what(),
          episode.gap().toMillis(),
          episode.ready().toMillis(),
          episode.recovered().toMillis(),
          customers.acceptedSoFar());
    }
    customers.close();
    Shell.Result verdict = reconcile();

    System.out.println(verdict.printed());
    System.out.println(table(episodes));
    System.out.printf(
        "seed %d: %d faults, %,d orders accepted, %,d attempts refused or unanswered%n",
        SEED,
        plan.stream().mapToInt(List::size).sum(),
        customers.accepted().size(),
        customers.turnedAway());
    assertThat(verdict.status()).as(verdict.printed()).isZero();
    assertThat(verdict.printed())
        .contains("All invariants hold")
        .contains("%,d accepted".formatted(customers.accepted().size()));
    services.close();
    assertReplicasAgree();
  }

  private Episode strike(List<Strike> strikes) {
    long begun = System.nanoTime();
    Set<Integer> hit = new LinkedHashSet<>();
    TreeMap<Long, List<Runnable>> due = new TreeMap<>();
    List<String> told = new ArrayList<>();
    for (Strike strike : strikes) {
      int node = target(strike, hit);
      hit.add(node);
      told.add(strike.fault().toString());
      at(due, strike.beginsMillis(), () -> strike.fault().begin(cluster, node));
      at(due, strike.endsMillis(), () -> strike.fault().end(cluster, node));
    }
    due.forEach(
        (millis, what) -> {
          long until = begun + Duration.ofMillis(millis).toNanos();
          while (System.nanoTime() - until < 0) {
            LockSupport.parkNanos(until - System.nanoTime());
          }
          what.forEach(Runnable::run);
        });
    long ended = System.nanoTime();
    awaitTrade();
    services.awaitReady();
    long ready = System.nanoTime();
    cluster.awaitWhole();
    long whole = System.nanoTime();
    return new Episode(
        told.stream().sorted().collect(Collectors.joining(" + ")),
        customers.longestGap(begun, ready),
        Duration.ofNanos(ready - ended),
        Duration.ofNanos(whole - ended));
  }

  private static void at(Map<Long, List<Runnable>> due, long millis, Runnable what) {
    due.computeIfAbsent(millis, time -> new ArrayList<>()).add(what);
  }

  private int target(Strike strike, Set<Integer> hit) {
    int node = strike.led().isEmpty() ? strike.node() : cluster.leader(full(strike.led()));
    while (hit.contains(node)) {
      node = (node + 1) % Cluster.NODES;
    }
    return node;
  }

  private void awaitTrade() {
    int before = customers.acceptedSoFar();
    eventually(
        ORDERS_BETWEEN + " more orders are accepted",
        Cluster.WHOLE,
        () -> customers.acceptedSoFar() - before,
        more -> more >= ORDERS_BETWEEN);
  }

  private void assertReplicasAgree() {
    cluster.awaitWhole();
    Map<String, Held> first = Replicas.alone(cluster, 0, streams());
    long messages = first.values().stream().mapToLong(Held::messages).sum();
    assertThat(messages).isGreaterThan(customers.accepted().size());
    for (int node = 1; node < Cluster.NODES; node++) {
      int one = node;
      // Once in some ten runs a node says for as long as it runs that there is nothing in AUDIT,
      // though it counts all that was stored there. So it is started again then, and that is told.
      eventually(
          "node " + node + " holds what node 0 holds",
          Cluster.WHOLE,
          () -> {
            cluster.awaitWhole();
            Map<String, Held> held = Replicas.alone(cluster, one, streams());
            if (!held.equals(first)) {
              System.out.printf("node %d is started again, as it shows %s%n", one, held);
              cluster.stop(one);
              cluster.start(one);
            }
            return held;
          },
          held -> held.equals(first));
    }
    System.out.printf(
        "%,d messages of %d streams read back from each of %d nodes alone: the same%n",
        messages, first.size(), Cluster.NODES);
  }

  private Set<String> streams() {
    return Stream.concat(StreamCatalog.AUDITED.stream(), Stream.of("AUDIT"))
        .map(this::full)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private String full(String stream) {
    return services.namespace() + "_" + stream;
  }

  private Shell.Result reconcile() throws IOException {
    Path list = folder.resolve("accepted.log");
    Files.write(list, customers.accepted());
    return Shell.tryToRun(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-Dholdfast.root=" + ProjectRoot.find(),
        "-jar",
        JarProcess.jar("launcher").toString(),
        "reconcile",
        "--nats",
        cluster.urls(),
        "--namespace",
        services.namespace(),
        "--gateway",
        services.gateway(),
        "--accepted",
        list.toString(),
        "--wait",
        Integer.toString(SETTLE_SECONDS),
        "--data",
        folder.resolve("none").toString());
  }

  private static String table(List<Episode> episodes) {
    StringBuilder table =
        new StringBuilder(
            "| fault | count | write gap median, max | ready again | whole again |\n");
    table.append("|---|---|---|---|---|\n");
    episodes.stream()
        .collect(Collectors.groupingBy(Episode::what, TreeMap::new, Collectors.toList()))
        .forEach(
            (what, these) ->
                table.append(
                    "| %s | %d | %s | %s | %s |\n"
                        .formatted(
                            what,
                            these.size(),
                            spread(these.stream().map(Episode::gap).toList()),
                            spread(these.stream().map(Episode::ready).toList()),
                            spread(these.stream().map(Episode::recovered).toList()))));
    return table.toString();
  }

  private static String spread(Collection<Duration> times) {
    List<Duration> sorted = times.stream().sorted().toList();
    return "%.1f, %.1f s"
        .formatted(
            sorted.get(sorted.size() / 2).toMillis() / 1e3, sorted.getLast().toMillis() / 1e3);
  }
}
