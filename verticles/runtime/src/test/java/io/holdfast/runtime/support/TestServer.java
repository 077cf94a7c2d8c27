package io.holdfast.runtime.support;

import io.holdfast.broker.ClusterRoutes;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A real nats-server: one for all tests of this JVM, which keep apart by names of their own, or one
 * that a test may pause and kill. This module cannot use the testkit, which stands on it.
 */
public final class TestServer {

  private static NatsServer shared;

  private TestServer() {}

  /** The JVM's shared server, started at the first call. Never stop it. */
  public static synchronized NatsServer shared() {
    if (shared == null) {
      shared = start(temporaryFolder(), 0, false);
    }
    return shared;
  }

  /** A server of the caller's own, with every write synced; the caller closes it. */
  public static NatsServer own(Path folder) {
    return start(folder, 0, true);
  }

  /** As {@link #own(Path)}, on a port that was chosen before. */
  public static NatsServer own(Path folder, int port) {
    return start(folder, port, true);
  }

  /** Three that replicate to each other, with every write synced; the caller closes them. */
  public static List<NatsServer> cluster(Path folder) {
    ClusterRoutes routes = ClusterRoutes.here("test", 3);
    List<NatsServer> servers = new ArrayList<>();
    try {
      for (int node = 0; node < 3; node++) {
        String name = "node" + node;
        servers.add(
            NatsServer.start(
                NatsServerBinary.require(ProjectRoot.toolsFolder()),
                NatsServerConfig.in(folder.resolve(name))
                    .serverName(name)
                    .maxFileStore(16L << 30) // the streams' limits together, which they won't reach
                    .extra(routes.of(node))
                    .build()));
      }
      return servers;
    } catch (RuntimeException e) {
      servers.forEach(NatsServer::close);
      throw e;
    }
  }

  /** Lower-case letters and digits that nobody else uses. */
  public static String newName() {
    return "t" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
  }

  private static NatsServer start(Path folder, int port, boolean syncAlways) {
    return NatsServer.start(
        NatsServerBinary.require(ProjectRoot.toolsFolder()),
        NatsServerConfig.in(folder).port(port).syncAlways(syncAlways).build());
  }

  private static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("holdfast-runtime-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAll(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void deleteAll(Path folder) {
    try (var paths = Files.walk(folder)) {
      paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException | UncheckedIOException stillInUse) {
      // a temporary folder; the system clears it
    }
  }
}
