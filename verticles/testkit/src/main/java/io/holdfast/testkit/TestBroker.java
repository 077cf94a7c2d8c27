package io.holdfast.testkit;

import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A real nats-server for tests: one for all tests of a JVM, which keep apart by namespace, or one
 * of a test's own that it may kill. There is no test without a broker: if none is found the test
 * fails and says what to do.
 */
public final class TestBroker {

  private static NatsServer shared;

  private TestBroker() {}

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

  /** As {@link #own(Path)}, for a test that stores much and for which no write need be synced. */
  public static NatsServer unsynced(Path folder) {
    return start(folder, 0, false);
  }

  /** As {@link #own(Path)}, on a port that was chosen before. */
  public static NatsServer own(Path folder, int port) {
    return start(folder, port, true);
  }

  /** A namespace that nobody else uses. */
  public static String newNamespace() {
    return "t" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
  }

  private static NatsServer start(Path folder, int port, boolean syncAlways) {
    return NatsServer.start(
        NatsServerBinary.require(ProjectRoot.toolsFolder()),
        NatsServerConfig.in(folder).port(port).syncAlways(syncAlways).build());
  }

  private static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("holdfast-broker-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAll(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void deleteAll(Path folder) {
    try (var paths = Files.walk(folder)) {
      paths.sorted(java.util.Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException | UncheckedIOException stillInUse) {
      // a temporary folder; the system clears it
    }
  }
}
