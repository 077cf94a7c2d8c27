package io.holdfast.system.cluster;

import io.holdfast.system.storage.Shell;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A network inside this machine: a namespace for each node, on one bridge that this process reaches
 * them by. Links can go down; routes between nodes can go, in one direction or both, while clients
 * still reach them. Needs root and {@code ip}, no packet filter: a route into nowhere drops what a
 * node sends to an address.
 */
final class ClusterNet implements AutoCloseable {

  private static final String PREFIX = "hfc";
  private static final Pattern NAMESPACE = Pattern.compile(PREFIX + "(\\d+)n\\d+");

  private final String names;
  private final String subnet;
  private final int nodes;
  private final int[][] cuts;
  private final Thread hook = new Thread(this::remove, "cluster-net-remove");

  private ClusterNet(String names, String subnet, int nodes) {
    this.names = names;
    this.subnet = subnet;
    this.nodes = nodes;
    this.cuts = new int[nodes][nodes];
  }

  /** What this machine lacks for such a network; empty if it can have one. */
  static Optional<String> lacking() {
    if (Shell.tryToRun("sh", "-c", "command -v ip").status() != 0) {
      return Optional.of("ip (iproute2) is not installed");
    }
    String user = Shell.tryToRun("id", "-u").printed();
    if (!user.equals("0")) {
      return Optional.of("only root may make network namespaces, and this is user " + user);
    }
    try (ClusterNet probe = open(1)) {
      Shell.run("ip", "netns", "exec", probe.namespace(0), "true");
      probe.cut(0, 0);
      probe.mend(0, 0);
      return Optional.empty();
    } catch (UncheckedIOException refused) {
      return Optional.of(refused.getMessage());
    }
  }

  static ClusterNet open(int nodes) {
    removeLeftovers();
    ClusterNet net = new ClusterNet(PREFIX + ProcessHandle.current().pid(), freeSubnet(), nodes);
    Runtime.getRuntime().addShutdownHook(net.hook);
    try {
      net.build();
      return net;
    } catch (RuntimeException e) {
      net.close();
      throw e;
    }
  }

  /** Where a node is reached, by clients and by its peers. */
  String address(int node) {
    return subnet + (node + 1);
  }

  /** A program that runs another as this node; it replaces itself by it, process id and all. */
  Path inside(int node, Path program, Path folder) {
    try {
      Path script = folder.resolve("as-" + namespace(node));
      Files.writeString(
          script,
          "#!/bin/sh\nexec ip netns exec %s '%s' \"$@\"\n".formatted(namespace(node), program));
      return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Nobody reaches the node. */
  void linkDown(int node) {
    Shell.run("ip", "link", "set", link(node), "down");
  }

  void linkUp(int node) {
    Shell.run("ip", "link", "set", link(node), "up");
  }

  /** What one node sends to another is lost. */
  void cut(int from, int to) {
    if (cuts[from][to]++ == 0) {
      route("add", from, to);
    }
  }

  /** Ends one {@link #cut}. */
  void mend(int from, int to) {
    if (--cuts[from][to] == 0) {
      route("del", from, to);
    }
  }

  private void route(String verb, int from, int to) {
    Shell.run("ip", "-n", namespace(from), "route", verb, "blackhole", address(to) + "/32");
  }

  private void build() {
    Shell.run("ip", "link", "add", bridge(), "type", "bridge");
    Shell.run("ip", "addr", "add", subnet + "254/24", "dev", bridge());
    Shell.run("ip", "link", "set", bridge(), "up");
    for (int node = 0; node < nodes; node++) {
      String inside = namespace(node);
      Shell.run("ip", "netns", "add", inside);
      Shell.run(
          "ip", "link", "add", link(node), "type", "veth", "peer", "name", "eth0", "netns", inside);
      Shell.run("ip", "link", "set", link(node), "master", bridge(), "up");
      Shell.run("ip", "-n", inside, "addr", "add", address(node) + "/24", "dev", "eth0");
      Shell.run("ip", "-n", inside, "link", "set", "eth0", "up");
      Shell.run("ip", "-n", inside, "link", "set", "lo", "up");
    }
  }

  @Override
  public void close() {
    remove();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException endingAnyway) {
      // the hook runs, or has run; to remove twice does no harm
    }
  }

  private void remove() {
    for (int node = 0; node < nodes; node++) {
      remove(namespace(node));
      Shell.tryToRun("ip", "link", "del", link(node)); // the kernel takes its time otherwise
    }
    Shell.tryToRun("ip", "link", "del", bridge());
  }

  /** What a run that was killed left behind. Links into a namespace go with it. */
  private static void removeLeftovers() {
    Shell.run("ip", "netns", "list")
        .lines()
        .map(line -> NAMESPACE.matcher(line.split(" ", -1)[0]))
        .filter(name -> name.matches() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty())
        .forEach(
            name -> {
              remove(name.group());
              Shell.tryToRun("ip", "link", "del", PREFIX + name.group(1) + "b");
            });
  }

  private static void remove(String namespace) {
    Shell.Result running = Shell.tryToRun("ip", "netns", "pids", namespace);
    if (running.status() == 0) {
      running
          .printed()
          .lines()
          .map(Long::parseLong)
          .flatMap(pid -> ProcessHandle.of(pid).stream())
          .forEach(ProcessHandle::destroyForcibly);
    }
    Shell.tryToRun("ip", "netns", "del", namespace);
  }

  private static String freeSubnet() {
    List<String> taken = Shell.run("ip", "-4", "-o", "addr").lines().toList();
    return IntStream.range(0, 256)
        .mapToObj(third -> "10.213." + third + ".")
        .filter(subnet -> taken.stream().noneMatch(line -> line.contains(" " + subnet)))
        .findFirst()
        .orElseThrow(() -> new UncheckedIOException(new IOException("10.213.0.0/16 is taken")));
  }

  private String namespace(int node) {
    return names + "n" + node;
  }

  private String link(int node) {
    return names + "v" + node;
  }

  private String bridge() {
    return names + "b";
  }
}
