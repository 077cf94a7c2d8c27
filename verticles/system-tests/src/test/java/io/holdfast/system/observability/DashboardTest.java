package io.holdfast.system.observability;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.SimpleFileServer;
import com.sun.net.httpserver.SimpleFileServer.OutputLevel;
import io.holdfast.broker.ProjectRoot;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no panel is empty or wrong when it is needed, and the alerts work outside a unit test, too.
 * Method: a real Prometheus with our own configuration scrapes a real run of all groups; every
 * expression of the dashboard and the rules is asked of it.
 */
class DashboardTest {

  private static final Path FOLDER = ProjectRoot.find().resolve("kube/observability");
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int ORDERS = 200;

  /** Only where somebody says so: not every machine has one. */
  private static final String BROWSER = System.getProperty("holdfast.browser", "");

  /** A run of half a minute is shorter than what Grafana would put here. */
  private static final String RATE_INTERVAL = "1m";

  @TempDir static Path folder;

  private static Shop shop;
  private static PrometheusServer prometheus;

  @BeforeAll
  static void run() throws Exception {
    Promtool.binaries();
    shop = new Shop(folder);
    prometheus = PrometheusServer.start(configuration(), folder);
    eventually(
        "all groups are scraped", LIMIT, () -> prometheus.query("up == 1").size(), up -> up == 6);

    shop.order(ORDERS / 2);
    shop.orderDeclined(10);
    shop.orderOutOfStock(10);
    shop.gateway(new JsonObject().put("error_rate", 0.4));
    shop.order(20);
    shop.gateway(new JsonObject().put("error_rate", 0.0).put("outage", true));
    shop.order(20);
    eventually(
        "Prometheus saw the breaker open",
        LIMIT,
        () -> prometheus.query("max_over_time(circuit_breaker_state[1m]) == 2"),
        open -> !open.isEmpty());
    shop.gateway(new JsonObject().put("outage", false));
    shop.poison();
    System.gc(); // so that there is something to tell of it
    shop.order(ORDERS / 2);
    shop.awaitEnds();
    eventually(
        "Prometheus saw the end of all",
        LIMIT,
        () -> prometheus.query("sum(order_end_to_end_duration_seconds_count)"),
        ends -> !ends.isEmpty() && value(ends.getJsonObject(0)) == shop.orderIds().size());
  }

  @AfterAll
  static void stop() {
    if (prometheus != null) {
      prometheus.close();
    }
    if (shop != null) {
      shop.close();
    }
  }

  @Test
  void every_target_of_every_panel_shows_something_of_a_real_run() throws Exception {
    // Shown by a panel that is empty on a good day; this run is none.
    eventually("an alert fires", LIMIT, DashboardTest::firing, names -> !names.isEmpty());
    List<String> empty = new ArrayList<>();
    for (Panel panel : panels()) {
      for (String expression : panel.expressions()) {
        if (prometheus
            .queryRange(expression, Duration.ofMinutes(2), Duration.ofSeconds(1))
            .isEmpty()) {
          empty.add(panel.title() + ": " + expression);
        }
      }
    }
    assertThat(empty).isEmpty();
  }

  @Test
  void the_page_that_needs_no_grafana_draws_every_panel() throws Exception {
    assumeTrue(
        !BROWSER.isEmpty(),
        "skipped: -Dholdfast.browser=PATH names no Chromium, for example /usr/bin/chromium");
    eventually("an alert fires", LIMIT, DashboardTest::firing, names -> !names.isEmpty());
    HttpServer files =
        SimpleFileServer.createFileServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), FOLDER, OutputLevel.NONE);
    files.start();
    try {
      String page =
          "http://127.0.0.1:%d/dashboard.html?prometheus=%s&from=now-2m&refresh=off"
              .formatted(files.getAddress().getPort(), prometheus.url());
      String drawn = browse(page);
      assertThat(drawn).contains("<div id=\"trouble\" hidden=\"\">");
      for (Panel panel : panels()) {
        String section = section(drawn, panel.title());
        assertThat(section)
            .as(panel.title())
            .doesNotContain("class=\"body empty\"")
            .doesNotContain("class=\"body failed\"");
        assertThat(section)
            .as(panel.title())
            .containsAnyOf(
                "<path d=\"M", "<td>HoldfastDeadLetters</td>", "<td>HoldfastRetries</td>");
      }
      assertThat(section(drawn, "Orders per minute"))
          .contains(">accepted</span>", ">confirmed</span>", ">cancelled</span>");
      assertThat(section(drawn, "Ready")).contains("orders<b>ready</b>", "audit<b>ready</b>");
      assertThat(section(drawn, "Breakers")).contains("payment-gateway<b>closed</b>");
    } finally {
      files.stop(0);
    }
  }

  /** The page as it is once it has drawn; a browser that finds nobody but this machine. */
  private static String browse(String page) throws Exception {
    Path dom = folder.resolve("dashboard.dom.html");
    Process browser =
        new ProcessBuilder(
                BROWSER,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--user-data-dir=" + folder.resolve("browser"),
                "--window-size=1600,2400",
                "--virtual-time-budget=20000",
                "--dump-dom",
                page)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(dom.toFile())
            .start();
    boolean ended = browser.waitFor(2, TimeUnit.MINUTES);
    browser.destroyForcibly();
    assertThat(ended).as("the browser comes to an end").isTrue();
    return Files.readString(dom);
  }

  private static String section(String page, String title) {
    return Stream.of(page.split("<section"))
        .filter(section -> section.contains(">" + title + "</h3>"))
        .map(section -> section.substring(0, section.indexOf("</section>")))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no panel " + title + " in " + page));
  }

  @Test
  void the_figures_shown_are_those_of_the_run() {
    assertThat(value("sum(order_end_to_end_duration_seconds_count{status=\"confirmed\"})"))
        .isEqualTo(ORDERS + 40);
    assertThat(value("sum(order_end_to_end_duration_seconds_count{status=\"cancelled\"})"))
        .isEqualTo(20);
    assertThat(value("sum(increase(event_retries_total[5m])) > 0")).isPositive();
    assertThat(value("sum(increase(dead_letters_total{reason=\"undecodable\"}[5m]))"))
        .as("also the first one is seen to come")
        .isPositive();
    assertThat(value("max(max_over_time(circuit_breaker_state{name=\"payment-gateway\"}[5m]))"))
        .isEqualTo(2);
    eventually(
        "the parked one is counted",
        LIMIT,
        () -> prometheus.query("sum(max by (consumer) (consumer_parked)) == 1"),
        parked -> !parked.isEmpty());
  }

  @Test
  void the_alert_for_what_went_wrong_fires_and_tells_where_its_page_is() {
    eventually(
        "it fires", LIMIT, DashboardTest::firing, names -> names.contains("HoldfastDeadLetters"));
    JsonObject alert =
        prometheus.api("alerts").getJsonObject("data").getJsonArray("alerts").stream()
            .map(JsonObject.class::cast)
            .filter(a -> a.getJsonObject("labels").getString("alertname").endsWith("DeadLetters"))
            .findFirst()
            .orElseThrow();
    assertThat(alert.getJsonObject("labels").getString("consumer")).isEqualTo("inventory-reserve");
    assertThat(alert.getJsonObject("annotations").getString("summary"))
        .isEqualTo("1 messages that inventory-reserve gave up wait for somebody");
    assertThat(alert.getJsonObject("annotations").getString("runbook_url"))
        .endsWith("RUNBOOK.md#holdfastdeadletters");
    assertThat(firing())
        .as("nothing is told that is not so")
        .isSubsetOf("HoldfastDeadLetters", "HoldfastBreakerOpen", "HoldfastRetries");
  }

  @Test
  void every_rule_is_loaded_evaluated_without_an_error_and_about_metrics_that_exist() {
    eventually(
        "all are evaluated",
        LIMIT,
        DashboardTest::rules,
        rules -> rules.stream().noneMatch(rule -> rule.getString("health").equals("unknown")));
    assertThat(rules()).hasSizeGreaterThan(10);
    for (JsonObject rule : rules()) {
      assertThat(rule.getString("health"))
          .as("%s: %s", rule.getString("name"), rule.getString("lastError"))
          .isEqualTo("ok");
      for (String metric : metrics(rule.getString("query"))) {
        assertThat(prometheus.query("count(" + metric + ")"))
            .as("%s of %s", metric, rule.getString("name"))
            .isNotEmpty();
      }
    }
  }

  private record Panel(String title, List<String> expressions) {}

  private static List<Panel> panels() throws IOException {
    List<Panel> panels = new ArrayList<>();
    JsonNode dashboard = new ObjectMapper().readTree(FOLDER.resolve("dashboard.json").toFile());
    for (JsonNode panel : dashboard.path("panels")) {
      List<String> expressions = new ArrayList<>();
      panel
          .path("targets")
          .forEach(
              target ->
                  expressions.add(
                      target.path("expr").asText().replace("$__rate_interval", RATE_INTERVAL)));
      if (!panel.path("type").asText().equals("row")) {
        assertThat(expressions).as(panel.path("title").asText()).isNotEmpty();
        panels.add(new Panel(panel.path("title").asText(), expressions));
      }
    }
    assertThat(panels).hasSizeGreaterThan(15);
    return panels;
  }

  private static List<JsonObject> rules() {
    return prometheus.api("rules").getJsonObject("data").getJsonArray("groups").stream()
        .map(JsonObject.class::cast)
        .flatMap(group -> group.getJsonArray("rules").stream())
        .map(JsonObject.class::cast)
        .toList();
  }

  private static Set<String> firing() {
    return prometheus.query("ALERTS{alertstate=\"firing\"}").stream()
        .map(series -> ((JsonObject) series).getJsonObject("metric").getString("alertname"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The names in an expression that are no function's and no label's. */
  private static Set<String> metrics(String expression) {
    String bare = expression.replaceAll("\\{[^}]*}", "").replaceAll("(by|on) \\([^)]*\\)", "");
    return java.util.regex.Pattern.compile("[a-z]+(?:_[a-z]+)+(?![a-z_]*\\()|\\bup\\b")
        .matcher(bare)
        .results()
        .map(java.util.regex.MatchResult::group)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static double value(String expression) {
    JsonArray found = prometheus.query(expression);
    assertThat(found).as(expression).hasSize(1);
    return value(found.getJsonObject(0));
  }

  private static double value(JsonObject series) {
    return Double.parseDouble(series.getJsonArray("value").getString(1));
  }

  /** The configuration that the project has, with these groups' ports and in a hurry. */
  private static Path configuration() throws IOException {
    String text = Files.readString(FOLDER.resolve("prometheus.yml"));
    String targets =
        shop.urls().values().stream()
            .map(url -> '"' + url.substring("http://".length()) + '"')
            .collect(Collectors.joining(", "));
    String ours =
        text.replace("\"127.0.0.1:8080\"", targets).replaceAll("_interval: 5s", "_interval: 1s");
    assertThat(ours).isNotEqualTo(text);
    Map<?, ?> still = new YAMLMapper().readValue(ours, Map.class);
    assertThat(still.containsKey("scrape_configs")).isTrue();
    Files.copy(FOLDER.resolve("rules.yml"), folder.resolve("rules.yml"));
    return Files.writeString(folder.resolve("prometheus.yml"), ours);
  }
}
