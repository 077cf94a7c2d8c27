package io.holdfast.system.tracing;

import static io.holdfast.testkit.Eventually.eventually;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.launcher.LauncherMain;
import io.holdfast.system.Shop;
import io.holdfast.system.storage.Shell;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: an order's trace can be looked up in a user interface that exists, and in a terminal.
 * Method: Zipkin's own server, asked for the trace by its API as its page does, and by {@code why}
 * in a process of its own. Runs only if told where the server's JAR is: {@code
 * -Dholdfast.zipkin=PATH}; with {@code -Dholdfast.zipkin.hold=SECONDS} it stays up so long for
 * somebody to look.
 */
class ZipkinTest {

  private static final String JAR = System.getProperty("holdfast.zipkin", "");
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /** A span as {@code why} prints it: its start, its service, its place and name, its duration. */
  private static final Pattern PRINTED =
      Pattern.compile(" +([+-]\\d+\\.\\d) ms  (.{14})((?:  )*)(\\S.*), (\\d+\\.\\d) ms");

  /** From the request to the customer's news, each step under the one before. */
  private static final String[][] CHAIN = {
    {"orders", "post", "/orders"},
    {"orders", "publish", "orders.created"},
    {"inventory", "process", "orders.created"},
    {"inventory", "publish", "inventory.reserved"},
    {"payments", "process", "inventory.reserved"},
    {"payments", "publish", "payments.processed"},
    {"orders", "process", "payments.processed"},
    {"orders", "publish", "orders.confirmed"},
    {"notifications", "process", "orders.confirmed"},
    {"notifications", "publish", "notifications.sent"},
    {"audit", "seal", "notifications.sent"},
  };

  @TempDir Path folder;

  @Test
  void zipkin_shows_an_order_as_one_trace_of_six_services_and_so_does_why() throws Exception {
    assumeTrue(
        !JAR.isEmpty(),
        "skipped: -Dholdfast.zipkin=PATH names no zipkin-server-exec.jar; see the README");
    int port = FreePorts.one();
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
        List<JsonObject> spans = check(shop, url, trace);
        checkWhy(shop, url, placed.getString("order_id"), trace, spans);
      }
      hold(url + "/zipkin/traces/" + trace);
    } finally {
      zipkin.destroy();
      if (!zipkin.waitFor(10, TimeUnit.SECONDS)) {
        zipkin.destroyForcibly();
      }
    }
  }

  private static List<JsonObject> check(Shop shop, String url, String trace) {
    List<JsonObject> spans =
        eventually(
            "the trace is there", LIMIT, () -> spans(url, trace), found -> found.size() >= 19);
    assertThat(spans).hasSize(19);
    assertThat(spans.stream().map(ZipkinTest::service).collect(toSet()))
        .isEqualTo(Set.of("orders", "inventory", "payments", "notifications", "audit", "gateway"));
    assertThat(spans).filteredOn(span -> span.getString("parentId") == null).hasSize(1);

    String parent = null;
    for (String[] step : CHAIN) {
      parent = under(spans, parent, step[0], name(shop, step)).getString("id");
    }
    JsonObject call = named(spans, "payments", "post /v1/payment_intents");
    under(spans, call.getString("id"), "gateway", "post /v1/payment_intents");
    assertThat(new JsonArray(Http.get(url + "/api/v2/services").body())).contains("payments");
    return spans;
  }

  private static String name(Shop shop, String[] step) {
    boolean request = step[2].startsWith("/");
    return step[1] + " " + (request ? step[2] : shop.streams().subjects().subject(step[2]));
  }

  /**
   * @param spans what Zipkin has of the order's trace
   */
  private void checkWhy(Shop shop, String url, String order, String trace, List<JsonObject> spans) {
    String told = why(shop, url, order);
    System.out.println(told);
    assertThat(told).contains("Order %s is confirmed, trace %s".formatted(order, trace));

    List<String> printed = printed(told);
    assertThat(printed).as(told).containsExactlyInAnyOrderElementsOf(expected(spans));
    String path = "";
    for (String[] step : CHAIN) {
      path += " > " + step[0] + " " + name(shop, step);
      String here = path + ",";
      assertThat(printed).as(told).filteredOn(line -> line.startsWith(here)).hasSize(1);
    }

    assertThat(why(shop, shop.url("gateway"), order))
        .as("somebody else is asked")
        .contains(
            "is confirmed, trace " + trace,
            "No spans: %s answers 4".formatted(shop.url("gateway")));
  }

  /** Each printed span by its path from the root, with its start and its duration. */
  private static List<String> printed(String told) {
    List<String> all = new ArrayList<>();
    List<String> paths = new ArrayList<>();
    List<Double> starts = new ArrayList<>();
    for (String line : told.lines().toList()) {
      Matcher span = PRINTED.matcher(line);
      if (span.matches()) {
        int depth = span.group(3).length() / 2;
        double start = Double.parseDouble(span.group(1));
        assertThat(depth).as(line).isLessThanOrEqualTo(paths.size());
        if (depth < starts.size()) {
          assertThat(start)
              .as("after its sibling: " + line)
              .isGreaterThanOrEqualTo(starts.get(depth));
        }
        paths.subList(depth, paths.size()).clear();
        starts.subList(depth, starts.size()).clear();
        String above = depth == 0 ? "" : paths.getLast();
        paths.add(above + " > " + span.group(2).strip() + " " + span.group(4));
        starts.add(start);
        all.add("%s, %s ms, %s ms".formatted(paths.getLast(), span.group(1), span.group(5)));
      }
    }
    return all;
  }

  private static List<String> expected(List<JsonObject> spans) {
    Map<String, JsonObject> byId =
        spans.stream().collect(toMap(span -> span.getString("id"), span -> span));
    long first = spans.stream().mapToLong(span -> span.getLong("timestamp")).min().orElseThrow();
    return spans.stream()
        .map(
            span ->
                String.format(
                    Locale.ROOT,
                    "%s, %+.1f ms, %.1f ms",
                    path(span, byId),
                    (span.getLong("timestamp") - first) / 1_000.0,
                    span.getLong("duration") / 1_000.0))
        .toList();
  }

  private static String path(JsonObject span, Map<String, JsonObject> byId) {
    JsonObject parent = byId.get(span.getString("parentId"));
    return (parent == null ? "" : path(parent, byId))
        + " > "
        + service(span)
        + " "
        + span.getString("name");
  }

  /** What a person gets to see who types {@code ./holdfast why ORDER --zipkin URL}. */
  private String why(Shop shop, String url, String order) {
    return Shell.run(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-Dholdfast.root=" + ProjectRoot.find(),
        "-classpath",
        System.getProperty("java.class.path"),
        LauncherMain.class.getName(),
        "why",
        order,
        "--nats",
        TestBroker.shared().url(),
        "--namespace",
        shop.namespace(),
        "--gateway",
        shop.url("gateway"),
        "--data",
        folder.resolve("none").toString(),
        "--zipkin",
        url);
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

  private static void hold(String page) throws InterruptedException {
    long seconds = Long.getLong("holdfast.zipkin.hold", 0);
    if (seconds > 0) {
      System.out.println(page);
      TimeUnit.SECONDS.sleep(seconds);
    }
  }
}
