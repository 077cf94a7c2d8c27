package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** A {@link Ceiling} in a JVM of its own. Blocking. */
public final class CeilingProcess {

  static final List<String> JVM = List.of("-XX:+UseSerialGC", "-Xmx128m");

  private CeilingProcess() {}

  /**
   * Lets so many orders through the chain, after so many that are not measured.
   *
   * @param jar the launcher's, which the chain is in
   * @param brokerUrl of a broker that has the streams and nothing else
   * @param log for its complaints
   */
  public static JsonObject run(
      Path java,
      Path jar,
      String brokerUrl,
      long brokerPid,
      long warmUp,
      long orders,
      long inFlight,
      Path log)
      throws IOException, InterruptedException {
    JsonObject task =
        new JsonObject()
            .put("broker", brokerUrl)
            .put("warm_up", warmUp)
            .put("orders", orders)
            .put("in_flight", inFlight)
            .put(
                "pids",
                new JsonObject()
                    .put("nats-server", brokerPid)
                    .put("bench", ProcessHandle.current().pid()));
    Process process =
        new ProcessBuilder(
                java.toString(),
                JVM.get(0),
                JVM.get(1),
                "-cp",
                jar.toString(),
                Ceiling.class.getName(),
                task.encode())
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("the chain has failed; see " + log);
    }
    return new JsonObject(answer);
  }
}
