package io.holdfast.benchmarks;

import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** A broker of its own, its writes not synced, and a group's streams on it. Blocking. */
final class Site implements AutoCloseable {

  private static final long LIMIT_SECONDS = 120;

  private final Path folder;
  private final NatsServer broker;
  private final Platform platform;
  private final GroupStreams streams;

  Site(String group) {
    try {
      folder = Files.createTempDirectory("holdfast-benchmark");
      Logging.toFile(folder.resolve("log"), group, Map.of("LOG_LEVEL", "warn"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    broker =
        NatsServer.start(
            NatsServerBinary.require(root().resolve(".tools")),
            NatsServerConfig.in(folder.resolve("nats")).syncAlways(false).build());
    platform = Platform.start();
    Map<String, String> env = new HashMap<>();
    env.put("NATS_URL", broker.url());
    CommonSettings settings = CommonSettings.read(new Settings(env), 0);
    streams =
        new GroupStreams(
            platform.vertx(),
            platform.broker(settings, group),
            group,
            settings,
            Set.of("ORDERS", "DEADLETTERS", "REDRIVES"),
            platform.meters());
    get(streams.whenReady());
  }

  private static Path root() {
    String told = System.getProperty("holdfast.root");
    return told == null ? ProjectRoot.find() : Path.of(told);
  }

  GroupStreams streams() {
    return streams;
  }

  /** The result, waited for. */
  static <T> T get(Future<T> future) {
    try {
      return future.await(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer within " + LIMIT_SECONDS + " s", e);
    }
  }

  static void all(List<? extends Future<?>> futures) {
    get(Future.all(futures));
  }

  @Override
  public void close() {
    get(streams.drain());
    get(platform.close());
    broker.close();
    Logging.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
