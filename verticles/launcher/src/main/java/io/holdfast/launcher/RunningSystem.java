package io.holdfast.launcher;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Where a system that {@code up} started can be reached, as it notes in its data folder for the
 * other commands.
 *
 * @param urls base address of each group's HTTP
 * @param pids of the processes, by what runs in them
 */
record RunningSystem(
    String natsUrl, String namespace, Map<String, String> urls, Map<String, Long> pids) {

  /** Under this name stands the address of the broker's monitoring, if we started the broker. */
  static final String MONITORING = "broker-monitoring";

  /** Under this name stands the broker's process, if we started it. */
  static final String BROKER = "nats-server";

  private static final String FILE = "running.json";

  void write(Path data) throws IOException {
    JsonObject json =
        new JsonObject()
            .put("nats_url", natsUrl)
            .put("namespace", namespace)
            .put("urls", new JsonObject(new LinkedHashMap<>(urls)))
            .put("pids", new JsonObject(new LinkedHashMap<>(pids)));
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
      RunningSystem noted =
          new RunningSystem(
              json.getString("nats_url"), json.getString("namespace", ""), urls, pids);
      return noted.living().isEmpty() ? Optional.empty() : Optional.of(noted);
    } catch (IOException | DecodeException | ClassCastException unreadable) {
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
    living
        .values()
        .removeIf(pid -> !ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false));
    return living;
  }

  String url(String group) {
    return urls.get(group);
  }
}
