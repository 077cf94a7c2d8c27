package io.holdfast.system.tracing;

import static io.holdfast.testkit.Eventually.eventually;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.system.Shop;
import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: an order's trace can be looked up in a user interface that exists. Method: Zipkin's own
 * server, asked for the trace by its API as its page does. Runs only if told where the server's JAR
 * is: {@code -Dholdfast.zipkin=PATH}; with {@code -Dholdfast.zipkin.hold=SECONDS} it stays up so
 * long for somebody to look.
 */
class ZipkinTest {

  private static final String JAR = System.getProperty("holdfast.zipkin", "");
  private static final Duration LIMIT = Duration.ofMinutes(2);

  @TempDir Path folder;

  @Test
  void zipkin_shows_an_order_as_one_trace_of_six_services() throws Exception {
    assumeTrue(
        !JAR.isEmpty(),
        "skipped: -Dholdfast.zipkin=PATH names no zipkin-server-exec.jar; see the README");
    int port = freePort();
    Process zipkin = start(port);
    String url = "http://127.0.0.1:" + port;
    try {
      eventually("Zipkin is up", LIMIT, () -> Http.get(url + "/health").status(), s -> s == 200);
      String trace;
      try (Shop shop =
          Shop.open(
              folder,
              Map.of(
                  "OTEL_TRACES_EXPORTER",
                  "zipkin",
                  "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
                  url + "/api/v2/spans"))) {
        shop.receive("cup", 10);
        JsonObject placed = shop.place(Shop.order("c-1", "cup"));
        shop.awaitStatus(placed.getString("order_id"), "confirmed");
        shop.awaitSettled();
        trace = placed.getString("trace_id");
        check(shop, url, trace);
      }
      hold(url + "/zipkin/traces/" + trace);
    } finally {
      zipkin.destroy();
      if (!zipkin.waitFor(10, TimeUnit.SECONDS)) {
        zipkin.destroyForcibly();
      }
    }
  }

  private static void check(Shop shop, String url, String trace) {
    List<JsonObject> spans =
        eventually(
            "the trace is there", LIMIT, () -> spans(url, trace), found -> found.size() >= 19);
    assertThat(spans).hasSize(19);
    assertThat(spans.stream().map(ZipkinTest::service).collect(toSet()))
        .isEqualTo(Set.of("orders", "inventory", "payments", "notifications", "audit", "gateway"));
    assertThat(spans).filteredOn(span -> span.getString("parentId") == null).hasSize(1);

    JsonObject span = under(spans, null, "orders", "post /orders");
    String[][] chain = {
      {"orders", "publish", "orders.created"},
      {"inventory", "process", "orders.created"},
      {"inventory", "create", "inventory.reserved"},
      {"payments", "process", "inventory.reserved"},
      {"payments", "publish", "payments.processed"},
      {"orders", "process", "payments.processed"},
      {"orders", "publish", "orders.confirmed"},
      {"notifications", "process", "orders.confirmed"},
      {"notifications", "publish", "notifications.sent"},
      {"audit", "seal", "notifications.sent"},
    };
    for (String[] step : chain) {
      String name = step[1] + " " + shop.streams().subjects().subject(step[2]);
      span = under(spans, span.getString("id"), step[0], name);
    }
    JsonObject call = named(spans, "payments", "post /v1/payment_intents");
    under(spans, call.getString("id"), "gateway", "post /v1/payment_intents");
    assertThat(new JsonArray(Http.get(url + "/api/v2/services").body())).contains("payments");
  }

  private static List<JsonObject> spans(String url, String trace) {
    return new JsonArray(Http.get(url + "/api/v2/trace/" + trace).body())
        .stream().map(JsonObject.class::cast).toList();
  }

  private static String service(JsonObject span) {
    return span.getJsonObject("localEndpoint").getString("serviceName");
  }

  /** Zipkin keeps names in lower case. */
  private static JsonObject named(List<JsonObject> spans, String service, String name) {
    return spans.stream()
        .filter(span -> service(span).equals(service) && span.getString("name").equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(service + " tells no " + name + ": " + spans));
  }

  private static JsonObject under(
      List<JsonObject> spans, String parent, String service, String name) {
    JsonObject span = named(spans, service, name);
    assertThat(span.getString("parentId")).as(service + "'s " + name).isEqualTo(parent);
    return span;
  }

  private static Process start(int port) throws IOException {
    ProcessBuilder zipkin =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-jar",
            JAR,
            "--armeria.ports[0].port=" + port,
            "--armeria.ports[0].ip=127.0.0.1",
            "--armeria.ports[0].protocols[0]=http");
    return zipkin.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void hold(String page) throws InterruptedException {
    long seconds = Long.getLong("holdfast.zipkin.hold", 0);
    if (seconds > 0) {
      System.out.println(page);
      TimeUnit.SECONDS.sleep(seconds);
    }
  }
}
