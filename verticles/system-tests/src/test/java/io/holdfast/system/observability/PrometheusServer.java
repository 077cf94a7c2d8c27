package io.holdfast.system.observability;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.broker.FreePorts;
import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** A real Prometheus as a child process, on loopback, with a store of its own. */
final class PrometheusServer implements AutoCloseable {

  private static final Duration READY = Duration.ofSeconds(30);

  private final Process process;
  private final Path log;
  private final String url;

  private PrometheusServer(Process process, Path log, String url) {
    this.process = process;
    this.log = log;
    this.url = url;
  }

  static PrometheusServer start(Path configuration, Path folder) throws IOException {
    String address = "127.0.0.1:" + FreePorts.one();
    Path log = folder.resolve("prometheus.log");
    Process process =
        new ProcessBuilder(
                Promtool.binaries().prometheus().toString(),
                "--config.file=" + configuration,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=" + address,
                "--enable-feature=exemplar-storage")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    PrometheusServer server = new PrometheusServer(process, log, "http://" + address);
    eventually("Prometheus is ready", READY, server::ready, ready -> ready);
    return server;
  }

  String url() {
    return url;
  }

  private boolean ready() {
    if (!process.isAlive()) {
      throw new AssertionError("Prometheus ended: " + log());
    }
    try {
      return Http.get(url + "/-/ready").status() == 200;
    } catch (UncheckedIOException notYet) {
      return false;
    }
  }

  /** Asks the API; fails unless it answers "success". */
  JsonObject api(String path) {
    Http.Answer answer = Http.get(url + "/api/v1/" + path);
    if (answer.status() != 200 || !answer.json().getString("status").equals("success")) {
      throw new AssertionError(path + ": " + answer.status() + " " + answer.body());
    }
    return answer.json();
  }

  /** The series that an expression gives now. */
  JsonArray query(String expression) {
    return api("query?query=" + encoded(expression)).getJsonObject("data").getJsonArray("result");
  }

  /** The series that it gave at any time of the last minutes. */
  JsonArray queryRange(String expression, Duration back, Duration step) {
    long now = Instant.now().getEpochSecond() + 1; // the second under way counts, too
    return api("query_range?query=%s&start=%d&end=%d&step=%d"
            .formatted(encoded(expression), now - back.toSeconds(), now, step.toSeconds()))
        .getJsonObject("data")
        .getJsonArray("result");
  }

  private static String encoded(String expression) {
    return URLEncoder.encode(expression, StandardCharsets.UTF_8);
  }

  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(15, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
