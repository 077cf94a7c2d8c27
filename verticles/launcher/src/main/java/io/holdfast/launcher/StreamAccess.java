package io.holdfast.launcher;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.DeadLetterDesk;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.jetstream.Inspection;
import io.holdfast.runtime.jetstream.Provisioned;
import io.holdfast.runtime.jetstream.Rights;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

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

  /**
   * @param user by whose name the connection goes, so that the broker may limit what it does
   */
  private StreamAccess(CommonSettings settings, String user, Set<String> names) {
    this.subjects = settings.subjects();
    this.streams =
        new GroupStreams(
            platform.vertx(),
            platform.broker(settings, user),
            "launcher",
            settings,
            names,
            platform.meters());
  }

  /** Creates all streams at a broker that has none yet, and no consumer. */
  static void createStreams(String natsUrl) {
    Map<String, String> env = new HashMap<>(System.getenv());
    env.put("PROVISION", "true");
    try (StreamAccess access =
        new StreamAccess(settings(env, natsUrl, ""), Rights.PROVISIONER, ALL)) {
      access.await(Duration.ofSeconds(10));
    }
  }

  /**
   * @throws IllegalStateException if the broker or a stream is not there within 10 s
   */
  static StreamAccess open(String natsUrl, String namespace) {
    StreamAccess access = new StreamAccess(settings(natsUrl, namespace), Rights.OPERATOR, ALL);
    access.await(Duration.ofSeconds(10));
    return access;
  }

  /**
   * As one of the broker's users, to see what it may do; no stream need be there.
   *
   * @throws IllegalStateException if the broker does not let it in within 10 s
   */
  static StreamAccess openAs(String natsUrl, String namespace, String user, String password) {
    Map<String, String> env = new HashMap<>(System.getenv());
    env.keySet().removeIf(name -> name.startsWith("NATS_") && !name.startsWith("NATS_TLS_"));
    env.put("NATS_USER", user);
    env.put("NATS_PASSWORD", password);
    StreamAccess access = new StreamAccess(settings(env, natsUrl, namespace), user, Set.of());
    access.await(Duration.ofSeconds(10));
    return access;
  }

  /**
   * For {@link #provision}: no stream need be there.
   *
   * @throws IllegalStateException if the broker is not there in time
   */
  static StreamAccess openToProvision(String natsUrl, String namespace, Duration patience) {
    StreamAccess access =
        new StreamAccess(settings(natsUrl, namespace), Rights.PROVISIONER, Set.of());
    access.await(patience);
    return access;
  }

  private static CommonSettings settings(String natsUrl, String namespace) {
    Map<String, String> env = new HashMap<>(System.getenv());
    env.put("PROVISION", "false");
    return settings(env, natsUrl, namespace);
  }

  private static CommonSettings settings(
      Map<String, String> env, String natsUrl, String namespace) {
    Logging.quiet();
    env.put("NATS_URL", natsUrl);
    env.put("NAMESPACE", namespace);
    return CommonSettings.read(new Settings(env), 0);
  }

  private void await(Duration patience) {
    try {
      streams.whenReady().await(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      String why = String.join("; ", streams.problems());
      close();
      throw new IllegalStateException("The streams cannot be read: " + why, e);
    }
  }

  /** See {@link GroupStreams#provision}. */
  Future<Provisioned> provision(boolean mayCreate, Consumer<String> created) {
    return streams.provision(mayCreate, created);
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

  /** See {@link GroupStreams#beyond}. */
  Future<List<String>> beyond(Rights rights) {
    return streams.beyond(rights);
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
