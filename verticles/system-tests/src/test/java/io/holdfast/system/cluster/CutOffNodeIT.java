package io.holdfast.system.cluster;

import static io.holdfast.testkit.Eventually.eventually;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.testkit.Http;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a node that its peers do not reach takes no service with it, though its connections stay.
 * Method: all services hang on one node of three, which is cut off from the others and stays so.
 */
class CutOffNodeIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path folder;

  @BeforeAll
  static void needs_network_namespaces() {
    Optional<String> lacking = ClusterNet.lacking();
    assumeTrue(lacking.isEmpty(), () -> "no node can be cut off here: " + lacking.orElseThrow());
  }

  @Test
  void services_on_a_node_that_is_cut_off_from_its_peers_go_on_through_another() {
    try (Cluster cluster = new Cluster(folder);
        Services services = new Services(folder, cluster.url(0))) {
      cluster.watch(Set.of(services.namespace() + "_ORDERS"));
      services.receive("cup", 1_000_000);
      cluster.awaitWhole();
      try (Customers customers = new Customers(services.orders(), List.of("cup"), 5, 1)) {
        awaitTrade(customers);
        Fault.PEERS_CUT.begin(cluster, 0);
        long cut = System.nanoTime();

        awaitTrade(customers);

        String last = customers.accepted().getLast();
        eventually(
            last + " is final",
            LIMIT,
            () -> Http.get(services.orders() + "/orders/" + last).json().getString("status"),
            status -> !"pending".equals(status));
        System.out.printf(
            "cut off and trading again after %,d ms%n",
            Duration.ofNanos(System.nanoTime() - cut).toMillis());
        services.awaitReady();
        Fault.PEERS_CUT.end(cluster, 0);
      }
    }
  }

  /** More than may still slip through before the node knows that it is alone. */
  private static void awaitTrade(Customers customers) {
    int before = customers.acceptedSoFar();
    eventually(
        "orders are accepted", LIMIT, () -> customers.acceptedSoFar() - before, more -> more >= 20);
  }
}
