package io.holdfast.broker;

import java.util.List;
import java.util.stream.Collectors;

/**
 * How the servers of one cluster find each other.
 *
 * @param name the cluster's
 * @param addresses one for each server, {@code host:port}, for the others alone
 */
public record ClusterRoutes(String name, List<String> addresses) {

  public ClusterRoutes {
    addresses = List.copyOf(addresses);
  }

  /** Of so many servers of this machine, at free ports. */
  public static ClusterRoutes here(String name, int servers) {
    return new ClusterRoutes(
        name, FreePorts.some(servers).stream().map(port -> "127.0.0.1:" + port).toList());
  }

  /**
   * The part of a server's configuration that makes it one of the cluster, for {@link
   * NatsServerConfig.Builder#extra}.
   *
   * @param server which of them, from 0
   * @param more settings of this part, in the server's own format
   */
  public String of(int server, String... more) {
    String routes =
        addresses.stream()
            .map(address -> "\"nats://" + address + "\"")
            .collect(Collectors.joining(", "));
    return "cluster {\n  name: %s\n  listen: \"%s\"\n  routes: [%s]\n  %s\n}\n"
        .formatted(name, addresses.get(server), routes, String.join("\n  ", more));
  }
}
