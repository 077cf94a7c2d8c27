package io.holdfast.launcher.bench;

import io.holdfast.broker.FreePorts;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Another implementation of the same pipeline, with a script that builds, runs and measures it: its
 * {@code run.sh} is told by the environment what to do, and prints one JSON object for each
 * measurement. Blocking.
 */
public final class Peer {

  private static final String SCRIPT = "run.sh";
  private static final String PACED = "10k/min gateway 0ms";
  private static final String SATURATED = "saturated gateway 0ms";
  private static final long LIMIT_MINUTES = 30;

  private final Path folder;

  /**
   * @throws IllegalArgumentException if there is no peer in that folder
   */
  public Peer(Path folder) {
    if (!Files.isReadable(folder.resolve(SCRIPT))) {
      throw new IllegalArgumentException("there is no " + SCRIPT + " in " + folder);
    }
    this.folder = folder;
  }

  /**
   * Its figures, under the names that {@link Load} uses; each of them under its step's name.
   *
   * @param natsServer the program that everybody else is measured with
   * @param work for its files
   * @throws IOException if it could not be built or run, with the end of what it said
   */
  public Map<String, JsonObject> run(
      Path natsServer, boolean durable, long orders, long paced, Path work)
      throws IOException, InterruptedException {
    takenPort()
        .ifPresent(
            port -> {
              throw new UncheckedIOException(
                  new IOException("port " + port + ", which it always uses, is taken"));
            });
    Files.createDirectories(work);
    ProcessBuilder builder =
        new ProcessBuilder("bash", folder.resolve(SCRIPT).toAbsolutePath().toString())
            .redirectErrorStream(true);
    Map<String, String> env = builder.environment();
    env.put("RUNS", "1");
    env.put("N", Long.toString(orders));
    env.put("PACED", Long.toString(paced));
    env.put("GATEWAY", "0");
    env.put("OUT", work.resolve("peer.jsonl").toString());
    env.put("NATS_SERVER", natsServer.toString());
    env.put("NATS_PORT", Integer.toString(FreePorts.one()));
    env.remove("SYNC");
    env.remove("NATS_URL");
    if (durable) {
      env.put("SYNC", "always");
    }
    Process process = builder.start();
    Thread onExit = new Thread(() -> process.toHandle().destroy(), "stop-peer");
    Runtime.getRuntime().addShutdownHook(onExit);
    try {
      return measured(process);
    } finally {
      removeHook(onExit);
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException exiting) {
      // then it runs
    }
  }

  private static Map<String, JsonObject> measured(Process process)
      throws IOException, InterruptedException {
    Map<String, JsonObject> steps = new LinkedHashMap<>();
    List<String> said = new ArrayList<>();
    boolean enough = false;
    process
        .onExit()
        .orTimeout(LIMIT_MINUTES, TimeUnit.MINUTES)
        .exceptionally(late -> kill(process));
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        said.add(line);
        if (line.startsWith("{")) {
          JsonObject json = new JsonObject(line);
          switch (json.getString("name")) {
            case PACED -> steps.put("paced", figures(json));
            case SATURATED -> steps.put("saturated", figures(json));
            default -> {}
          }
        }
        if (steps.size() == 2 && !enough) {
          enough = true;
          process.toHandle().destroy(); // it tidies up; what else it would measure is of no use
        }
      }
    }
    process.waitFor();
    if (steps.size() < 2) {
      throw new IOException(
          "the peer could not be measured: "
              + String.join(" | ", said.subList(Math.max(0, said.size() - 5), said.size())));
    }
    return steps;
  }

  private static Process kill(Process process) {
    process.toHandle().destroy();
    return process;
  }

  private static JsonObject figures(JsonObject said) {
    JsonObject figures = new JsonObject();
    figures.put("orders", said.getLong("n"));
    figures.put("accepted", said.getLong("accepted"));
    figures.put("refused", said.getLong("failed"));
    figures.put("seconds", said.getDouble("end_secs"));
    figures.put("orders_per_min", said.getDouble("orders_per_min"));
    figures.put("others_cores", said.getDouble("foreign_cores"));
    for (String time : List.of("p50_ms", "p99_ms")) {
      figures.put("accept_" + time, said.getDouble("accept_" + time));
      figures.put("confirmed_" + time, said.getDouble("confirm_" + time));
    }
    said.getJsonObject("cpu_s_per_10k")
        .forEach(cpu -> figures.put("cpu_s." + name(cpu.getKey()), cpu.getValue()));
    said.getJsonObject("rss_mb")
        .forEach(rss -> figures.put("rss_mib." + name(rss.getKey()), rss.getValue()));
    return figures;
  }

  private static String name(String theirs) {
    return theirs.equals("nats") ? "nats-server" : theirs;
  }

  private static Optional<Integer> takenPort() {
    return IntStream.rangeClosed(8_080, 8_084).filter(port -> !free(port)).boxed().findFirst();
  }

  private static boolean free(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException taken) {
      return false;
    }
  }
}
