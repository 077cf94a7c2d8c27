package io.holdfast.runtime.config;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.RetryPolicy;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * What every verticle group is configured by.
 *
 * @param nats where the broker is, and who we are there
 * @param host address that HTTP binds
 * @param httpPort port that HTTP binds; 0 for any free one
 * @param managementPort port of {@code /health}, {@code /ready} and {@code /metrics}, 0 for any
 *     free one; if empty they are on the other
 * @param provision whether missing streams and consumers are created at start, or only looked for
 * @param workers messages that one consumer may have in process
 * @param ackWait after which the broker gives a message to another replica, if its holder neither
 *     settled it nor kept it alive, which it does three times as often
 * @param drainGrace how long a stop goes on serving requests while {@code /ready} already says no,
 *     for those who route them to notice
 * @param drainTimeout how long a stop may wait for what is in process, after the grace
 * @param streamReplicas copies of each stream that is created
 * @param streamMaxBytes size at which a stream refuses more
 * @param groupCommit whether facts that are appended while others are under way are stored
 *     together: for a broker that syncs every write, to which one batch is one write
 * @param httpMaxInFlight requests that may be in process; more are told to come back
 * @param httpMaxConnections connections that may be open; a new one beyond is closed at once
 * @param orderDeadline how long an order may wait in one state before it counts as late
 */
public record CommonSettings(
    NatsSettings nats,
    Subjects subjects,
    String host,
    int httpPort,
    OptionalInt managementPort,
    boolean provision,
    int workers,
    Duration ackWait,
    Duration drainGrace,
    Duration drainTimeout,
    int streamReplicas,
    long streamMaxBytes,
    boolean groupCommit,
    int httpMaxInFlight,
    int httpMaxConnections,
    RetryPolicy retry,
    Duration orderDeadline,
    String logLevel) {

  private static final Pattern ANY = Pattern.compile(".*");

  public CommonSettings {
    if (httpPort != 0 && managementPort.orElse(0) == httpPort) {
      throw new IllegalArgumentException("MANAGEMENT_PORT and HTTP_PORT must differ");
    }
  }

  /**
   * @param defaultPort of the group, see the README's table
   */
  public static CommonSettings read(Settings settings, int defaultPort) {
    Supplier<NatsSettings> nats = NatsSettings.read(settings);
    String namespace = settings.optional("NAMESPACE").orElse("");
    Subjects.wrongWithNamespace(namespace)
        .ifPresent(rule -> settings.fault("NAMESPACE", namespace, rule));
    String host = settings.text("HOST", "0.0.0.0", ANY, "must be an address");
    int port = settings.integer("HTTP_PORT", defaultPort, 0, 65_535);
    OptionalInt management =
        settings.optional("MANAGEMENT_PORT").isEmpty()
            ? OptionalInt.empty()
            : OptionalInt.of(settings.integer("MANAGEMENT_PORT", 0, 0, 65_535));
    boolean provision = settings.flag("PROVISION", true);
    int workers = settings.integer("WORKERS", 256, 1, 4_096);
    Duration ackWait = settings.millis("ACK_WAIT_MS", 30_000, 1_000, 600_000);
    Duration grace = settings.millis("DRAIN_GRACE_MS", 1_000, 0, 60_000);
    Duration drain = settings.seconds("DRAIN_TIMEOUT_SECONDS", 30, 1, 600);
    int replicas = settings.integer("STREAM_REPLICAS", 1, 1, 5);
    long maxBytes = settings.wholeNumber("STREAM_MAX_BYTES", 1L << 30, 1L << 20, 1L << 50);
    boolean groupCommit = settings.flag("GROUP_COMMIT", false);
    int inFlight = settings.integer("HTTP_MAX_IN_FLIGHT", 1_024, 1, 100_000);
    int connections = settings.integer("HTTP_MAX_CONNECTIONS", 4_096, 1, 1_000_000);
    int attempts = settings.integer("RETRY_MAX_ATTEMPTS", 6, 1, 1_000);
    Duration base = settings.millis("RETRY_BASE_MS", 200, 1, 60_000);
    Duration cap = settings.millis("RETRY_CAP_MS", 10_000, 1, 3_600_000);
    Duration deadline = settings.seconds("ORDER_DEADLINE_SECONDS", 300, 1, 86_400);
    String level =
        settings.choice("LOG_LEVEL", "info", Set.of("trace", "debug", "info", "warn", "error"));
    return settings.complete(
        () ->
            new CommonSettings(
                nats.get(),
                new Subjects(namespace),
                host,
                port,
                management,
                provision,
                workers,
                ackWait,
                grace,
                drain,
                replicas,
                maxBytes,
                groupCommit,
                inFlight,
                connections,
                new RetryPolicy(attempts, base, cap),
                deadline,
                level));
  }
}
