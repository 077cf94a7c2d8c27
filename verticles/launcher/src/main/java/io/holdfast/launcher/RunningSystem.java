package io.holdfast.launcher;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Where a system that {@code up} started can be reached, as it notes in its data folder for the
 * other commands.
 *
 * @param urls base address of each group's HTTP
 * @param pids of the processes, by what runs in them
 * @param started when each of these was started, as far as that is known: after a reboot another
 *     process may have its id
 */
record RunningSystem(
    String natsUrl,
    String namespace,
    Map<String, String> urls,
    Map<String, Long> pids,
    Map<String, Instant> started) {

  /** Under this name stands the address of the broker's monitoring, if we started the broker. */
  static final String MONITORING = "broker-monitoring";

  /** Under this name stands the broker's process, if we started it. */
  static final String BROKER = "nats-server";

  private static final String FILE = "running.json";

  /** What a process's start may seem to move by, as it is reckoned from the wall clock. */
  private static final Duration CLOCK_STEP = Duration.ofSeconds(2);

  /** Of processes that run now. */
  RunningSystem(
      String natsUrl, String namespace, Map<String, String> urls, Map<String, Long> pids) {
    this(natsUrl, namespace, urls, pids, new LinkedHashMap<>());
    pids.forEach((name, pid) -> start(pid).ifPresent(instant -> started.put(name, instant)));
  }

  void write(Path data) throws IOException {
    JsonObject starts = new JsonObject();
    started.forEach((name, instant) -> starts.put(name, instant.toString()));
    JsonObject json =
        new JsonObject()
            .put("nats_url", natsUrl)
            .put("namespace", namespace)
            .put("urls", new JsonObject(new LinkedHashMap<>(urls)))
            .put("pids", new JsonObject(new LinkedHashMap<>(pids)))
            .put("started", starts);
    Path partial = data.resolve(FILE + ".partial");
    Files.writeString(partial, json.encodePrettily());
    Files.move(
        partial,
        data.resolve(FILE),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }

  static void forget(Path data) throws IOException {
    Files.deleteIfExists(data.resolve(FILE));
  }

  /** The system that was started over this data folder, if it still runs. */
  static Optional<RunningSystem> find(Path data) {
    Path file = data.resolve(FILE);
    if (!Files.isReadable(file)) {
      return Optional.empty();
    }
    try {
      JsonObject json = new JsonObject(Files.readString(file));
      Map<String, String> urls = new LinkedHashMap<>();
      json.getJsonObject("urls")
          .forEach(entry -> urls.put(entry.getKey(), entry.getValue().toString()));
      Map<String, Long> pids = new LinkedHashMap<>();
      json.getJsonObject("pids")
          .forEach(entry -> pids.put(entry.getKey(), ((Number) entry.getValue()).longValue()));
      Map<String, Instant> started = new LinkedHashMap<>();
      json.getJsonObject("started", new JsonObject())
          .forEach(
              entry -> started.put(entry.getKey(), Instant.parse(entry.getValue().toString())));
      RunningSystem noted =
          new RunningSystem(
              json.getString("nats_url"), json.getString("namespace", ""), urls, pids, started);
      return noted.living().isEmpty() ? Optional.empty() : Optional.of(noted);
    } catch (IOException
        | DecodeException
        | ClassCastException
        | DateTimeParseException unreadable) {
      return Optional.empty();
    }
  }

  /**
   * The processes of services that still run. A broker alone is none: whoever was killed has left
   * it behind, and the next start ends it.
   */
  Map<String, Long> living() {
    Map<String, Long> living = new LinkedHashMap<>(pids);
    living.remove(BROKER);
    living.entrySet().removeIf(process -> !lives(process.getKey(), process.getValue()));
    return living;
  }

  private boolean lives(String name, long pid) {
    if (!ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
      return false;
    }
    Instant then = started.get(name);
    return then == null
        || start(pid)
            .map(now -> Duration.between(then, now).abs().compareTo(CLOCK_STEP) <= 0)
            .orElse(true);
  }

  private static Optional<Instant> start(long pid) {
    return ProcessHandle.of(pid).flatMap(process -> process.info().startInstant());
  }

  String url(String group) {
    return urls.get(group);
  }
}
