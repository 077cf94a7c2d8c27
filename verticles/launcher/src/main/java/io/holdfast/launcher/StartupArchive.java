package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A service's loaded classes, kept beside its fat JAR, so that its next JVM need not load and
 * verify them: half of what a start costs. They are made once for each build and JDK, by a run of
 * all services that handles a few orders. A JVM that cannot use one starts without it.
 *
 * @see <a href="https://openjdk.org/jeps/350">JEP 350: Dynamic CDS archives</a>
 */
public final class StartupArchive {

  private static final int ORDERS = 60;

  private final Path jar;
  private final Path archive;

  private StartupArchive(Path jar, Path archive) {
    this.jar = jar;
    this.archive = archive;
  }

  /** That of a fat JAR, be it there or not. */
  public static StartupArchive of(Path jar) {
    String version = Runtime.version().toString().replaceAll("[^0-9A-Za-z.]", "-");
    String name = jar.getFileName().toString().replaceFirst("\\.jar$", "");
    return new StartupArchive(jar, jar.resolveSibling(name + "-jdk" + version + ".jsa"));
  }

  /** Whether it was made of this very JAR. */
  boolean current() {
    try {
      return Files.exists(archive)
          && Files.getLastModifiedTime(archive).compareTo(Files.getLastModifiedTime(jar)) > 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What to start the JAR with; nothing if there is no archive of it. */
  public List<String> use() {
    return current() ? List.of("-XX:SharedArchiveFile=" + archive, "-Xlog:cds*=off") : List.of();
  }

  /** What to start the JAR with, so that its end leaves an archive. */
  List<String> make() {
    return List.of("-XX:ArchiveClassesAtExit=" + archive, "-Xlog:cds*=off");
  }

  /**
   * Makes those that are missing, in a system of its own under this folder, which goes away again.
   * Takes about ten seconds. What fails here only means slower starts.
   */
  static void makeMissing(Path data) throws InterruptedException {
    if (Groups.ALL.stream().allMatch(group -> of(ServiceProcess.jar(group.name())).current())) {
      return;
    }
    say("Once for each build: a run that makes later starts of the services faster ...");
    Path folder = data.resolve("training");
    Vertx vertx = Vertx.vertx();
    try {
      Files.createDirectories(folder);
      ChaosSite site = ChaosSite.training(folder, vertx);
      try {
        placeSome(site.ordersUrl());
      } finally {
        site.stop();
      }
    } catch (IOException | RuntimeException failure) {
      say("That did not work, so they start as fast as they can: %s", failure.getMessage());
    } finally {
      vertx.close();
      deleteAll(folder);
    }
  }

  private static void placeSome(String url) {
    JsonObject order =
        new JsonObject()
            .put("customer_id", "training")
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", io.holdfast.launcher.chaos.Customers.SKUS.getFirst())
                            .put("quantity", 1)
                            .put("unit_price", 1)));
    for (int i = 0; i < ORDERS; i++) {
      Api.post(url + "/orders", order);
    }
  }

  static void deleteAll(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException inTheWay) {
      say("%s can be deleted: %s", folder, inTheWay.getMessage());
    }
  }
}
