package io.holdfast.runtime.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Goal: dashboards and alerts find the names and buckets that the contract gives them. */
class MetersTest {

  private final Meters meters = new Meters();

  @Test
  void a_payment_s_duration_has_the_article_s_buckets_and_no_others() {
    meters.payment("processed").record(Duration.ofMillis(200));
    meters.payment("processed").record(Duration.ofSeconds(2));

    assertThat(buckets("payment_process_duration_seconds", "status=\"processed\""))
        .containsExactly("0.1 0", "0.3 1", "1.0 1", "3.0 2", "+Inf 2");
  }

  @Test
  void every_meter_of_the_contract_is_scraped_under_its_name() {
    meters.published("OrderCreated").increment();
    meters.processed("orders-settle", "done").increment();
    meters.processing("orders-settle").record(Duration.ofMillis(7));
    meters.retries("orders-settle").increment();
    meters.deadLetters("orders-settle", "rejected").increment();
    meters.endToEnd("confirmed").record(Duration.ofMillis(7));
    meters.gauge("circuit_breaker_state", "0, 1 or 2", "name", "gateway", () -> 2);

    assertThat(meters.scrape().lines())
        .contains(
            "events_published_total{type=\"OrderCreated\"} 1.0",
            "events_processed_total{consumer=\"orders-settle\",outcome=\"done\"} 1.0",
            "event_processing_duration_seconds_count{consumer=\"orders-settle\"} 1",
            "event_retries_total{consumer=\"orders-settle\"} 1.0",
            "dead_letters_total{consumer=\"orders-settle\",reason=\"rejected\"} 1.0",
            "order_end_to_end_duration_seconds_count{status=\"confirmed\"} 1",
            "circuit_breaker_state{name=\"gateway\"} 2.0");
  }

  @Test
  void a_gauge_is_asked_at_each_scrape_even_if_nobody_else_remembers_it() {
    int[] value = {1};
    meters.gauge("consumer_pending", "Messages that wait", "consumer", "c", () -> value[0]);
    assertThat(meters.scrape()).contains("consumer_pending{consumer=\"c\"} 1.0");

    value[0] = 5;
    System.gc();

    assertThat(meters.scrape()).contains("consumer_pending{consumer=\"c\"} 5.0");
  }

  @Test
  void a_time_names_the_sampled_trace_that_it_is_an_example_of_to_who_reads_open_metrics() {
    String trace = "0af7651916cd43dd8448eb211c80319c";
    Meters.record(
        meters.endToEnd("confirmed"), Duration.ofMillis(7), "00-" + trace + "-b7ad6b7169203331-01");
    Meters.record(
        meters.endToEnd("cancelled"), Duration.ofMillis(7), "00-" + trace + "-b7ad6b7169203331-00");
    Meters.record(meters.payment("processed"), Duration.ofMillis(7), null);

    assertThat(meters.scrape(Meters.OPEN_METRICS).lines().filter(line -> line.contains(" # ")))
        .isNotEmpty()
        .allMatch(line -> line.contains("status=\"confirmed\""))
        .allMatch(line -> line.contains("trace_id=\"" + trace + "\""))
        .allMatch(line -> line.contains("span_id=\"b7ad6b7169203331\""));
    assertThat(meters.scrape()).doesNotContain(trace);
  }

  /** Upper bounds with what is counted below each. */
  private List<String> buckets(String name, String tag) {
    Pattern bucket = Pattern.compile(name + "_bucket\\{" + tag + ",le=\"([^\"]+)\"} (\\d+)");
    return meters
        .scrape()
        .lines()
        .map(bucket::matcher)
        .filter(java.util.regex.Matcher::matches)
        .map(match -> match.group(1) + " " + match.group(2))
        .toList();
  }
}
