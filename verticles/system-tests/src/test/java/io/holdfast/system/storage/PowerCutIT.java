package io.holdfast.system.storage;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.broker.ClusterRoutes;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what was acknowledged survives a power cut, of one broker and of a whole cluster at once.
 * Method: the store is on a disk of its own; the broker is frozen, what has reached the device is
 * noted, the broker is killed and starts again on exactly that, while customers order and every
 * service runs. The last test shows that this can fail.
 *
 * <p>{@code -Dholdfast.powercuts=N} cuts so often, instead of twice, and a cluster as well.
 */
class PowerCutIT {

  private static final int ASKED = Integer.getInteger("holdfast.powercuts", 0);
  private static final int CUTS = ASKED == 0 ? 2 : ASKED;
  private static final int ORDERS_BETWEEN = ASKED == 0 ? 150 : 400;
  private static final int SETTLE_SECONDS = 60;

  @TempDir static Path scratch;
  @TempDir Path folder;

  private final List<NatsServer> servers = new ArrayList<>();
  private LoopDisk disk;

  @BeforeAll
  static void needs_a_loop_device() {
    Optional<String> lacking = LoopDisk.lacking(scratch);
    assumeTrue(lacking.isEmpty(), () -> "no power can be cut here: " + lacking.orElseThrow());
  }

  @AfterEach
  void stop() {
    servers.forEach(NatsServer::close);
    if (disk != null) {
      disk.close();
    }
  }

  /** Servers of the broker: of a cluster, which takes minutes, only if asked. */
  static IntStream nodes() {
    return ASKED == 0 ? IntStream.of(1) : IntStream.of(1, 3);
  }

  @ParameterizedTest(name = "nodes: {0}")
  @MethodSource("nodes")
  void every_accepted_order_survives_power_cuts_where_every_write_is_synced(int nodes) {
    int cuts = nodes == 1 ? CUTS : Math.max(2, CUTS / 5);
    start(nodes, true);
    try (Site site = new Site(folder, urls(), nodes)) {
      site.startOrdering();
      for (int cut = 1; cut <= cuts; cut++) {
        site.awaitMore(ORDERS_BETWEEN);
        Duration away = cutThePower(site);
        System.out.printf(
            "power cut %d of %d, %d node(s): %,d orders accepted so far, ready again after %,d ms%n",
            cut, cuts, nodes, site.accepted().size(), away.toMillis());
      }
      site.awaitMore(ORDERS_BETWEEN / 3);
      site.stopOrdering();

      Shell.Result verdict = site.reconcile(SETTLE_SECONDS);

      System.out.println(verdict.printed());
      assertThat(verdict.status()).as(verdict.printed()).isZero();
      assertThat(verdict.printed())
          .contains("All invariants hold")
          .contains("%,d accepted".formatted(site.accepted().size()));
    }
  }

  @Test
  void the_same_cut_of_a_broker_that_syncs_by_and_by_loses_orders_and_this_is_noticed() {
    start(1, false);
    try (Site site = new Site(folder, urls(), 1)) {
      for (int i = 0; i < 5; i++) {
        assertThat(site.order()).isEqualTo(202);
      }
      disk.sync(); // so that there are streams at all when the power is back
      site.startOrdering();
      site.awaitMore(ORDERS_BETWEEN);

      cut();

      List<String> troubles =
          eventually(
              "every service says what is wrong",
              Duration.ofSeconds(30),
              site::troubles,
              found -> found.stream().filter(t -> t.contains("it held messages up")).count() == 5);
      System.out.println("without sync: " + troubles.getFirst());
      site.stopOrdering();
      int accepted = site.accepted().size();
      assertThat(site.order()).as("an order after the loss").isEqualTo(503);

      Shell.Result verdict = site.reconcile(1);

      System.out.println(verdict.printed());
      System.out.printf("without sync: %,d accepted%n", accepted);
      assertThat(verdict.status()).as(verdict.printed()).isEqualTo(1);
      assertThat(verdict.printed()).containsPattern("(?m)^ +I1 +ord_.*");
    }
  }

  private Duration cutThePower(Site site) {
    long begun = System.nanoTime();
    cut();
    site.awaitReady();
    return Duration.ofNanos(System.nanoTime() - begun);
  }

  private void cut() {
    servers.forEach(NatsServer::pause);
    disk.noteForTheCut();
    servers.forEach(NatsServer::kill);
    disk.comeBack();
    servers.forEach(NatsServer::restart);
  }

  private void start(int nodes, boolean syncAlways) {
    disk = new LoopDisk(folder);
    ClusterRoutes routes = ClusterRoutes.here("power", nodes);
    for (int node = 0; node < nodes; node++) {
      NatsServerConfig.Builder config =
          NatsServerConfig.in(folder.resolve("node" + node))
              .serverName("node" + node)
              .storeDir(disk.path().resolve("node" + node))
              .maxFileStore(2L << 30) // the streams' limits, which they will not reach
              .syncAlways(syncAlways);
      if (nodes > 1) {
        config.extra(routes.of(node));
      }
      servers.add(
          NatsServer.start(NatsServerBinary.require(ProjectRoot.toolsFolder()), config.build()));
    }
  }

  private String urls() {
    return IntStream.range(0, servers.size())
        .mapToObj(node -> servers.get(node).url())
        .collect(Collectors.joining(","));
  }
}
