package io.holdfast.system.observability;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.system.observability.Promtool.Verdict;
import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whoever scrapes us finds the contract's figures under the contract's names, and no more of
 * them after a million orders than after one. Method: all groups, orders to every end, and a look
 * at the text that a scraper gets. The names are written down here and not asked of the code.
 */
class MetricsTest {

  /**
   * @param group that has it
   * @param labels those of its own, without those that the type brings
   */
  private record Promise(String name, String type, String group, Set<String> labels) {}

  private static final List<Promise> PROMISED =
      List.of(
          promise("payment_process_duration_seconds", "histogram", "payments", "status"),
          promise("events_published_total", "counter", "orders", "type"),
          promise("events_processed_total", "counter", "orders", "consumer", "outcome"),
          promise("event_processing_duration_seconds", "histogram", "inventory", "consumer"),
          promise("events_in_process", "gauge", "payments", "consumer"),
          promise("events_in_process_limit", "gauge", "payments", "consumer"),
          promise("consumer_pending", "gauge", "orders", "consumer"),
          promise("consumer_unacknowledged", "gauge", "orders", "consumer"),
          promise("consumer_parked", "gauge", "inventory", "consumer"),
          promise("consumer_lag", "gauge", "notifications", "consumer"),
          promise("event_retries_total", "counter", "payments", "consumer"),
          promise("dead_letters_total", "counter", "inventory", "consumer", "reason"),
          promise("http_internal_errors_total", "counter", "inventory", "group"),
          promise("circuit_breaker_state", "gauge", "payments", "name"),
          promise("order_end_to_end_duration_seconds", "histogram", "orders", "status"),
          promise("orders_past_deadline", "gauge", "orders", "state"),
          promise("stream_filled_ratio", "gauge", "orders", "stream"),
          promise("audit_lag_messages", "gauge", "audit", "stream"),
          promise("audit_lost_messages", "gauge", "audit", "stream"),
          promise("payments_doubt_oldest_seconds", "gauge", "payments"),
          promise("group_ready", "gauge", "notifications", "group"),
          promise("event_loop_delay_seconds", "gauge", "gateway"),
          promise("jvm_memory_used_bytes", "gauge", "gateway", "area", "id"),
          promise("jvm_threads_allocated_bytes_total", "counter", "gateway"),
          promise(
              "vertx_http_server_response_time_seconds", "histogram", "orders", "code", "method"));

  private static final Pattern SAMPLE = Pattern.compile("([a-z_:0-9]+)(?:\\{(.*)})? (\\S+)");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");
  private static final int MOST_SERIES_OF_ONE_NAME = 120;

  /** An id of ours, wherever it stands. */
  private static final Pattern ID = Pattern.compile("[0-9a-f]{8}-?[0-9a-f]{4}|\\d{6,}");

  @TempDir static Path folder;

  private static Shop shop;

  @BeforeAll
  static void run() throws Exception {
    shop = new Shop(folder);
    shop.gateway(new JsonObject().put("error_rate", 0.5));
    shop.order(6);
    shop.gateway(new JsonObject().put("error_rate", 0.0));
    shop.order(20);
    shop.orderDeclined(3);
    shop.orderOutOfStock(3);
    shop.poison();
    shop.awaitEnds();
    eventually(
        "the poison is parked and counted",
        () -> value("inventory", "consumer_parked{consumer=\"inventory-reserve\"}"),
        parked -> parked == 1);
  }

  @AfterAll
  static void stop() {
    shop.close();
  }

  @Test
  void every_metric_of_the_contract_is_there_by_name_type_labels_and_with_a_help_text() {
    for (Promise promised : PROMISED) {
      String text = shop.metrics(promised.group());
      String family = promised.name().replaceFirst("_total$", "");
      assertThat(text)
          .as(promised.group())
          .containsPattern("(?m)^# TYPE " + family + "(_total)? " + promised.type() + "$")
          .containsPattern("(?m)^# HELP " + family + "(_total)? \\S.{5,}$");
      String sample = promised.type().equals("histogram") ? "_count" : "";
      assertThat(samples(text).get(promised.name() + sample))
          .as("%s of %s", promised.name(), promised.group())
          .isNotEmpty()
          .allSatisfy(
              labels ->
                  assertThat(labels.keySet())
                      .containsExactlyInAnyOrderElementsOf(promised.labels()));
    }
  }

  @Test
  void what_happened_is_what_is_told() {
    assertThat(value("orders", "events_published_total{type=\"OrderCreated\"}")).isEqualTo(32);
    assertThat(value("gateway", "http_internal_errors_total{group=\"gateway\"}"))
        .as("a simulated fault is none of ours")
        .isZero();
    assertThat(value("orders", "order_end_to_end_duration_seconds_count{status=\"confirmed\"}"))
        .isEqualTo(26);
    assertThat(value("orders", "order_end_to_end_duration_seconds_count{status=\"cancelled\"}"))
        .isEqualTo(6);
    assertThat(
            value(
                "inventory",
                "events_processed_total{consumer=\"inventory-reserve\",outcome=\"done\"}"))
        .isEqualTo(32);
    assertThat(value("inventory", "consumer_lag{consumer=\"inventory-reserve\"}"))
        .as("what is parked has no effect yet")
        .isEqualTo(1);
    assertThat(value("payments", "circuit_breaker_state{name=\"payment-gateway\"}")).isZero();
  }

  @Test
  void no_label_bears_an_id_and_no_metric_has_many_series() {
    Map<String, String> strange = new TreeMap<>();
    for (String group : shop.urls().keySet()) {
      String text = shop.metrics(group);
      assertThat(shop.orderIds()).noneMatch(text::contains);
      samples(text)
          .forEach(
              (name, series) -> {
                assertThat(series.size())
                    .as("%s of %s", name, group)
                    .isLessThan(MOST_SERIES_OF_ONE_NAME);
                for (Map<String, String> labels : series) {
                  labels.forEach(
                      (label, value) -> {
                        if (!label.equals("le") && ID.matcher(value).find()) {
                          strange.put(name + "." + label, value);
                        }
                      });
                }
              });
    }
    // A stream's name begins with the namespace, which is a random one in tests.
    strange.keySet().removeIf(name -> name.endsWith(".stream"));
    assertThat(strange).isEmpty();
  }

  @Test
  void twice_the_orders_make_no_series_more() {
    Map<String, Integer> before = series();
    shop.order(20);
    shop.awaitEnds();
    assertThat(series()).isEqualTo(before);
  }

  @Test
  void promtool_finds_no_fault_with_our_metrics() throws Exception {
    Set<String> faults = new TreeSet<>();
    for (String group : shop.urls().keySet()) {
      Verdict verdict = Promtool.runWith(folder, shop.metrics(group), "check", "metrics");
      verdict.output().lines().forEach(faults::add);
    }
    assertThat(faults).isEmpty();
  }

  @Test
  void a_scraper_that_reads_open_metrics_gets_that_and_others_plain_text() throws Exception {
    String url = shop.urls().get("orders") + "/metrics";
    assertThat(Http.get(url).header("Content-Type")).startsWith("text/plain; version=0.0.4");
    var response =
        java.net.http.HttpClient.newHttpClient()
            .send(
                java.net.http.HttpRequest.newBuilder(java.net.URI.create(url))
                    .header("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
                    .build(),
                java.net.http.HttpResponse.BodyHandlers.ofString());
    assertThat(response.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("application/openmetrics-text");
    assertThat(response.body()).endsWith("# EOF\n");
  }

  private static Promise promise(String name, String type, String group, String... labels) {
    return new Promise(name, type, group, Set.of(labels));
  }

  private static double value(String group, String series) {
    return shop.metrics(group)
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElse(-1);
  }

  private static Map<String, Integer> series() {
    Map<String, Integer> counts = new TreeMap<>();
    for (String group : shop.urls().keySet()) {
      samples(shop.metrics(group))
          .forEach(
              (name, series) -> {
                if (!name.startsWith("jvm_") && !name.startsWith("vertx_")) {
                  counts.put(group + " " + name, series.size());
                }
              });
    }
    return counts;
  }

  /** The labels of every sample, by the sample's name. */
  private static Map<String, List<Map<String, String>>> samples(String text) {
    return text.lines()
        .filter(line -> !line.startsWith("#"))
        .map(SAMPLE::matcher)
        .filter(Matcher::matches)
        .collect(
            Collectors.groupingBy(
                match -> match.group(1),
                TreeMap::new,
                Collectors.mapping(match -> labels(match.group(2)), Collectors.toList())));
  }

  private static Map<String, String> labels(String text) {
    Map<String, String> labels = new HashMap<>();
    List<String> twice = new ArrayList<>();
    if (text != null) {
      Matcher label = LABEL.matcher(text);
      while (label.find()) {
        if (labels.put(label.group(1), label.group(2)) != null) {
          twice.add(label.group(1));
        }
      }
    }
    assertThat(twice).isEmpty();
    return labels;
  }
}
