package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A {@link Load} in a JVM of its own, told what to do step by step. Blocking. */
public final class LoadProcess implements AutoCloseable {

  /** Compiled once and for all, so that its own warm-up takes nothing from what is measured. */
  static final List<String> JVM =
      List.of("-XX:+UseSerialGC", "-Xmx256m", "-XX:TieredStopAtLevel=1");

  /**
   * The system that orders are placed at.
   *
   * @param orders addresses of orders' replicas
   * @param pids processes to be accounted for, by name
   * @param metrics addresses of the JVMs' metrics, by the same names
   */
  public record Target(
      List<String> orders,
      String broker,
      String brokerMonitoring,
      String audit,
      Map<String, Long> pids,
      Map<String, String> metrics) {

    public Target {
      orders = List.copyOf(orders);
    }

    JsonObject json() {
      return new JsonObject()
          .put("orders", new JsonArray(orders))
          .put("broker", broker)
          .put("broker_monitoring", brokerMonitoring)
          .put("audit", audit)
          .put("pids", new JsonObject(new LinkedHashMap<>(pids)))
          .put("metrics", new JsonObject(new LinkedHashMap<>(metrics)));
    }
  }

  private final Process process;
  private final BufferedReader from;
  private final OutputStream to;

  /**
   * @param jar the launcher's, which the load is in
   * @param log for its complaints
   */
  public LoadProcess(Path java, Path jar, Target target, Path log) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(java.toString());
    command.addAll(JVM);
    command.addAll(List.of("-cp", jar.toString(), Load.class.getName()));
    process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    from =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    to = process.getOutputStream();
    Map<String, Long> pids = new LinkedHashMap<>(target.pids());
    pids.put("bench", ProcessHandle.current().pid());
    say(
        new Target(
                target.orders(),
                target.broker(),
                target.brokerMonitoring(),
                target.audit(),
                pids,
                target.metrics())
            .json());
  }

  /** Many customers, as fast as orders come to their end, but no more than so many under way. */
  public JsonObject closedLoop(String name, long orders, int connections, long inFlight)
      throws IOException {
    return run(step(name, orders, connections).put("in_flight", inFlight));
  }

  /** Customers who come so many a second, whatever happens. */
  public JsonObject openLoop(String name, long orders, int connections, double rate)
      throws IOException {
    return run(step(name, orders, connections).put("rate", rate));
  }

  private static JsonObject step(String name, long orders, int connections) {
    return new JsonObject().put("name", name).put("orders", orders).put("connections", connections);
  }

  private JsonObject run(JsonObject step) throws IOException {
    say(step);
    String line = from.readLine();
    if (line == null) {
      throw new IOException("the load has ended at " + step.encode() + "; see its log");
    }
    return new JsonObject(line);
  }

  private void say(JsonObject line) throws IOException {
    to.write((line.encode() + "\n").getBytes(StandardCharsets.UTF_8));
    to.flush();
  }

  @Override
  public void close() throws IOException {
    to.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
