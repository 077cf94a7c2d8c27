package io.holdfast.launcher;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.DeadLetterDesk;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.jetstream.Inspection;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A connection of a command's own to a system's streams. Creates none of them, but for {@link
 * #provision}, and stores nothing but what an operator does with dead letters; blocking.
 */
final class StreamAccess implements AutoCloseable {

  private static final Set<String> ALL =
      Set.of(
          "ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS", "DEADLETTERS", "REDRIVES", "AUDIT");

  private final Platform platform = Platform.start();
  private final GroupStreams streams;
  private final Subjects subjects;

  private StreamAccess(CommonSettings settings) {
    this.subjects = settings.subjects();
    this.streams =
        new GroupStreams(
            platform.vertx(),
            platform.broker(settings, "launcher"),
            "launcher",
            settings,
            ALL,
            platform.meters());
  }

  /** Creates all streams at a broker that has none yet, as the services do it. */
  static void provision(String natsUrl, Path logs) throws java.io.IOException {
    open(natsUrl, "", logs, true).close();
  }

  /**
   * @throws IllegalStateException if the broker or a stream is not there within 10 s
   */
  static StreamAccess open(String natsUrl, String namespace, Path logs) throws java.io.IOException {
    return open(natsUrl, namespace, logs, false);
  }

  private static StreamAccess open(String natsUrl, String namespace, Path logs, boolean provision)
      throws java.io.IOException {
    Logging.toFile(logs.resolve("launcher.log"), "launcher", Map.of("LOG_LEVEL", "warn"));
    Map<String, String> env = new HashMap<>(System.getenv());
    env.put("NATS_URL", natsUrl);
    env.put("NAMESPACE", namespace);
    env.put("PROVISION", Boolean.toString(provision));
    StreamAccess access = new StreamAccess(CommonSettings.read(new Settings(env), 0));
    try {
      access.streams.whenReady().await(10, TimeUnit.SECONDS);
      return access;
    } catch (TimeoutException e) {
      String why = String.join("; ", access.streams.problems());
      access.close();
      throw new IllegalStateException("The streams cannot be read: " + why, e);
    }
  }

  Vertx vertx() {
    return platform.vertx();
  }

  Subjects subjects() {
    return subjects;
  }

  Future<Inspection> inspect() {
    return streams.inspect();
  }

  EventStreams events() {
    return streams;
  }

  DeadLetterDesk deadLetters() {
    return streams.deadLetterDesk();
  }

  StreamReader reader() {
    return streams.reader();
  }

  /** The result, waited for at most a minute. */
  static <T> T get(Future<T> future) {
    try {
      return future.await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer within a minute", e);
    }
  }

  @Override
  public void close() {
    get(platform.close());
  }
}
