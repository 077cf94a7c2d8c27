package io.holdfast.broker;

import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How a {@link NatsServer} is to run.
 *
 * @param folder holds its nats.conf, log and pid file; one server per folder
 * @param storeDir where JetStream keeps its streams
 * @param host the address to bind
 * @param port to listen on; 0 for a free one
 * @param syncAlways true: what is acknowledged is on the disk and survives a power cut ({@code
 *     sync_interval: always}); false: the server's default, two minutes
 * @param maxPayload of a message, in bytes
 * @param maxFileStore of all streams together, in bytes; empty for the server's default
 * @param monitoringPort of its HTTP monitoring on the loopback address; 0 for a free one, empty for
 *     none
 * @param extra more lines for the configuration, in the server's own format
 * @param stopWithJvm whether a shutdown hook stops the server when this JVM ends. The JVM runs its
 *     hooks all at once: whoever has something to drain first says false, and closes the server at
 *     the end of a hook of its own
 */
public record NatsServerConfig(
    Path folder,
    Path storeDir,
    String serverName,
    String host,
    int port,
    boolean syncAlways,
    int maxPayload,
    OptionalLong maxFileStore,
    OptionalInt monitoringPort,
    String extra,
    boolean stopWithJvm) {

  public NatsServerConfig {
    folder = folder.toAbsolutePath().normalize();
    storeDir = storeDir.toAbsolutePath().normalize();
    Objects.requireNonNull(extra, "extra");
    check(port >= 0 && port <= 65_535, "port must be from 0 to 65535");
    check(maxPayload > 0, "maxPayload must be positive");
    check(maxFileStore.orElse(1) > 0, "maxFileStore must be positive");
    check(monitoringPort.orElse(0) >= 0, "monitoringPort must not be negative");
    check(serverName.matches("\\S+"), "serverName must be one word");
  }

  /**
   * The defaults: streams in {@code folder/jetstream}, a free port of 127.0.0.1, synced always,
   * messages up to 1 MiB, no monitoring, stopped with the JVM.
   */
  public static Builder in(Path folder) {
    return new Builder(folder);
  }

  /** The nats.conf for this, with the ports that are known by now. */
  String text(Path pidFile, int knownPort) {
    var text = new StringBuilder("# Written at every start; what you change here is lost.\n");
    line(text, "server_name", quoted(serverName));
    line(text, "host", quoted(host));
    line(text, "port", freeIfZero(knownPort));
    line(text, "pid_file", quoted(pidFile));
    line(text, "ports_file_dir", quoted(folder));
    line(text, "max_payload", maxPayload);
    monitoringPort.ifPresent(
        number -> line(text, "http", quoted("127.0.0.1:" + freeIfZero(number))));
    text.append("jetstream {\n");
    line(text, "  store_dir", quoted(storeDir));
    if (syncAlways) {
      line(text, "  sync_interval", "always");
    }
    maxFileStore.ifPresent(bytes -> line(text, "  max_file_store", bytes));
    return text.append("}\n").append(extra).append('\n').toString();
  }

  private static void line(StringBuilder text, String key, Object value) {
    text.append(key).append(": ").append(value).append('\n');
  }

  private static String quoted(Object value) {
    return '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** The server picks a free port itself, and keeps it: nobody can take it in between. */
  private static int freeIfZero(int port) {
    return port == 0 ? -1 : port;
  }

  private static void check(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Collects what differs from the defaults. */
  public static final class Builder {

    private final Path folder;
    private Path storeDir;
    private String serverName = "holdfast";
    private String host = "127.0.0.1";
    private int port;
    private boolean syncAlways = true;
    private int maxPayload = 1024 * 1024;
    private OptionalLong maxFileStore = OptionalLong.empty();
    private OptionalInt monitoringPort = OptionalInt.empty();
    private String extra = "";
    private boolean stopWithJvm = true;

    private Builder(Path folder) {
      this.folder = folder;
      this.storeDir = folder.resolve("jetstream");
    }

    public Builder storeDir(Path value) {
      storeDir = value;
      return this;
    }

    public Builder serverName(String value) {
      serverName = value;
      return this;
    }

    public Builder host(String value) {
      host = value;
      return this;
    }

    public Builder port(int value) {
      port = value;
      return this;
    }

    public Builder syncAlways(boolean value) {
      syncAlways = value;
      return this;
    }

    public Builder maxPayload(int bytes) {
      maxPayload = bytes;
      return this;
    }

    public Builder maxFileStore(long bytes) {
      maxFileStore = OptionalLong.of(bytes);
      return this;
    }

    public Builder monitoringPort(int value) {
      monitoringPort = OptionalInt.of(value);
      return this;
    }

    public Builder extra(String lines) {
      extra = lines;
      return this;
    }

    public Builder stopWithJvm(boolean value) {
      stopWithJvm = value;
      return this;
    }

    public NatsServerConfig build() {
      return new NatsServerConfig(
          folder,
          storeDir,
          serverName,
          host,
          port,
          syncAlways,
          maxPayload,
          maxFileStore,
          monitoringPort,
          extra,
          stopWithJvm);
    }
  }
}
