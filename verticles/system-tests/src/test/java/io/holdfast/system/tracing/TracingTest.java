package io.holdfast.system.tracing;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.Envelope;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.config.SettingsException;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.OtlpReceiver;
import io.holdfast.testkit.OtlpReceiver.Link;
import io.holdfast.testkit.OtlpReceiver.Told;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: the standard variables mean here what they mean everywhere, and a wrong one stops the
 * start. Method: a group's tracing by itself, made from variables; what it sends is received.
 */
class TracingTest {

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String CALLER = "00f067aa0ba902b7";

  @TempDir Path folder;

  private final OtlpReceiver receiver = OtlpReceiver.start();

  @AfterEach
  void close() {
    receiver.close();
  }

  private static Tracing tracing(String... variables) {
    Map<String, String> env = new java.util.HashMap<>();
    for (int i = 0; i < variables.length; i += 2) {
      env.put(variables[i], variables[i + 1]);
    }
    return Tracing.of("payments", new Settings(env));
  }

  private Tracing sending(String... variables) {
    String[] all = java.util.Arrays.copyOf(variables, variables.length + 2);
    all[variables.length] = "OTEL_EXPORTER_OTLP_ENDPOINT";
    all[variables.length + 1] = receiver.endpoint();
    return tracing(all);
  }

  private static void close(Tracing tracing) throws Exception {
    tracing.close().await(20, TimeUnit.SECONDS);
  }

  private static Envelope<?> fact(String trace) {
    return Envelope.once(new PaymentVoided("o-1"), Instant.now(), trace);
  }

  private static Work publishes(Tracing tracing, String trace) {
    return tracing.publishes("payments.voided", "payments.voided.o-1", fact(trace));
  }

  private static Work processes(Tracing tracing, String trace, String traceparent) {
    return tracing.processes("c", "orders.x", "orders.x.o-1", fact(trace), 1, traceparent);
  }

  private static String traceparent(String trace, String flags) {
    return "00-" + trace + "-" + CALLER + "-" + flags;
  }

  @Test
  void nothing_is_told_unless_an_exporter_or_its_endpoint_is_named() {
    assertThat(tracing().on()).isFalse();
    assertThat(tracing("OTEL_SERVICE_NAME", "x").on()).isFalse();
    assertThat(tracing("OTEL_TRACES_EXPORTER", "").on()).isFalse();
    assertThat(tracing("OTEL_TRACES_EXPORTER", "none").on()).isFalse();
    assertThat(sending("OTEL_TRACES_EXPORTER", "none").on()).isFalse();
    assertThat(sending("OTEL_SDK_DISABLED", "true").on()).isFalse();
    assertThat(tracing("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_SDK_DISABLED", "TRUE").on())
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_TRACES_EXPORTER, otlp",
    "OTEL_TRACES_EXPORTER, zipkin",
    "OTEL_EXPORTER_OTLP_ENDPOINT, http://127.0.0.1:1",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, http://127.0.0.1:1/v1/traces"
  })
  void an_exporter_or_an_endpoint_switches_it_on(String variable, String value) throws Exception {
    Tracing tracing = tracing(variable, value);
    assertThat(tracing.on()).isTrue();
    close(tracing);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OTEL_TRACES_EXPORTER | jaeger | must be otlp, zipkin or none",
        "OTEL_TRACES_EXPORTER | otlp,zipkin | must be otlp, zipkin or none",
        "OTEL_EXPORTER_OTLP_PROTOCOL | grpc | must be http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL | grpc | must be http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT | localhost:4318 | OTLP endpoint",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT | ftp://x/v1/traces | OTLP endpoint",
        "OTEL_EXPORTER_OTLP_ENDPOINT | http://a b | OTLP endpoint",
        "OTEL_EXPORTER_OTLP_TIMEOUT | soon | otel.exporter.otlp.timeout",
        "OTEL_EXPORTER_OTLP_COMPRESSION | zip | ompression",
        "OTEL_TRACES_SAMPLER | sometimes | otel.traces.sampler",
        "OTEL_TRACES_SAMPLER_ARG | half | otel.traces.sampler.arg",
        "OTEL_BSP_SCHEDULE_DELAY | x | otel.bsp.schedule.delay",
        "OTEL_RESOURCE_ATTRIBUTES | nonsense | otel.resource.attributes"
      })
  void a_variable_at_fault_stops_the_start_with_one_line(
      String variable, String value, String told) {
    String sampler = variable.equals("OTEL_TRACES_SAMPLER") ? value : "traceidratio";
    assertThatThrownBy(
            () ->
                tracing(
                    "OTEL_TRACES_EXPORTER",
                    "otlp",
                    "OTEL_TRACES_SAMPLER",
                    sampler,
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    "api-key=hush",
                    variable,
                    value))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining(variable)
        .hasMessageContaining(told)
        .hasMessageNotContaining("hush")
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT, no address",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT, localhost:9411",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT, soon"
  })
  void so_does_one_about_zipkin(String variable, String value) {
    assertThatThrownBy(() -> tracing("OTEL_TRACES_EXPORTER", "zipkin", variable, value))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining(variable)
        .hasMessageNotContaining("\n");
  }

  @Test
  void a_group_does_not_start_with_a_variable_at_fault() {
    try (TestGroups groups = TestGroups.inNewNamespace().with("OTEL_TRACES_EXPORTER", "jaeger")) {
      assertThatThrownBy(() -> groups.start(new GatewayGroup()))
          .hasMessageContaining("OTEL_TRACES_EXPORTER=jaeger: must be otlp, zipkin or none");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OTEL_BSP_MAX_QUEUE_SIZE | 100 | payments",
        "OTEL_SERVICE_NAME | checkout | checkout",
        "OTEL_RESOURCE_ATTRIBUTES | service.name=till,deployment.environment.name=test | till",
        "OTEL_RESOURCE_ATTRIBUTES | deployment.environment.name=test | payments"
      })
  void the_service_is_named_by_the_variables_else_by_the_group(
      String variable, String value, String name) throws Exception {
    Tracing tracing = sending(variable, value, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10");
    publishes(tracing, TRACE).end();
    close(tracing);
    assertThat(receiver.spans()).extracting(Told::service).containsExactly(name);
    if (value.contains("environment")) {
      assertThat(receiver.resources().getFirst())
          .containsEntry("deployment.environment.name", "test");
    }
  }

  @Test
  void headers_and_compression_reach_the_receiver() throws Exception {
    Tracing tracing =
        sending(
            "OTEL_EXPORTER_OTLP_HEADERS", "api-key=hush", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    publishes(tracing, TRACE).end();
    close(tracing);
    assertThat(receiver.spans()).hasSize(1);
    assertThat(receiver.headers().getFirst())
        .containsEntry("Api-key", List.of("hush"))
        .containsEntry("Content-encoding", List.of("gzip"))
        .containsEntry("Content-type", List.of("application/x-protobuf"));
  }

  @Test
  void headers_may_come_from_a_file_as_every_secret_may() throws Exception {
    Path file = Files.writeString(folder.resolve("headers"), "api-key=hush\n");
    Tracing tracing = sending("OTEL_EXPORTER_OTLP_HEADERS_FILE", file.toString());
    publishes(tracing, TRACE).end();
    close(tracing);
    assertThat(receiver.headers().getFirst()).containsEntry("Api-key", List.of("hush"));
  }

  @ParameterizedTest
  @CsvSource({
    "always_on, 1, 00, 01",
    "always_off, 1, 01, 00",
    "traceidratio, 0, 01, 00",
    "traceidratio, 1, 00, 01",
    "parentbased_always_on, 1, 01, 01",
    "parentbased_always_on, 1, 00, 00",
    "parentbased_always_off, 1, 01, 01",
    "parentbased_traceidratio, 0, 01, 01"
  })
  void a_sampler_decides_and_the_flags_that_go_on_say_so(
      String sampler, String argument, String incoming, String outgoing) throws Exception {
    Tracing tracing = sending("OTEL_TRACES_SAMPLER", sampler, "OTEL_TRACES_SAMPLER_ARG", argument);
    Work work = processes(tracing, TRACE, traceparent(TRACE, incoming));
    assertThat(work.traceparent(TRACE)).matches("00-" + TRACE + "-[0-9a-f]{16}-" + outgoing);
    work.end();
    close(tracing);
    assertThat(receiver.spans()).hasSize(outgoing.equals("01") ? 1 : 0);
  }

  @Test
  void a_ratio_is_kept_also_among_facts_that_no_work_led_to() throws Exception {
    Tracing tracing =
        sending(
            "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5");
    int sampled = 0;
    for (int i = 0; i < 1_000; i++) {
      String trace = io.holdfast.runtime.telemetry.Traceparent.newTraceId();
      Work work = publishes(tracing, trace);
      String header = work.traceparent(trace);
      assertThat(header).contains(trace);
      sampled += header.endsWith("-01") ? 1 : 0;
      work.end();
    }
    close(tracing);
    assertThat(sampled).isBetween(400, 600);
    assertThat(receiver.spans()).hasSize(sampled);
  }

  @Test
  void a_fact_stands_under_the_work_on_its_aggregate_until_that_ends() throws Exception {
    Tracing tracing = sending();
    Work process = processes(tracing, TRACE, traceparent(TRACE, "01"));
    publishes(tracing, TRACE).end();
    process.end();
    publishes(tracing, TRACE).end();
    close(tracing);

    Told processing =
        receiver.spans().stream().filter(s -> s.name().startsWith("process")).findFirst().get();
    assertThat(processing.parent()).isEqualTo(CALLER);
    assertThat(receiver.spans(TRACE))
        .filteredOn(span -> span.name().startsWith("publish"))
        .extracting(Told::parent)
        .containsExactly(processing.id(), "");
  }

  @Test
  void what_ends_late_does_not_take_the_place_of_what_began_since() throws Exception {
    Tracing tracing = sending();
    Work first = processes(tracing, TRACE, traceparent(TRACE, "01"));
    Work second = processes(tracing, TRACE, traceparent(TRACE, "01"));
    first.end();
    publishes(tracing, TRACE).end();
    second.end();
    close(tracing);
    Told last = receiver.spans(TRACE).getLast();
    assertThat(receiver.spans(TRACE).get(1).parent()).isEqualTo(last.id());
  }

  @Test
  void when_the_later_of_two_ends_the_earlier_is_the_parent_again() throws Exception {
    Tracing tracing = sending();
    Work first = processes(tracing, TRACE, traceparent(TRACE, "01"));
    processes(tracing, TRACE, traceparent(TRACE, "01")).end();
    publishes(tracing, TRACE).end();
    first.end();
    close(tracing);
    Told last = receiver.spans(TRACE).getLast();
    assertThat(receiver.spans(TRACE).get(1).parent()).isEqualTo(last.id());
  }

  @Test
  void a_cause_in_another_trace_is_linked_to_and_is_no_parent() throws Exception {
    Tracing tracing = sending();
    Work request = tracing.serves("POST", traceparent(OTHER_TRACE, "01"));
    tracing.isOn(request, "o-1");
    publishes(tracing, TRACE).end();
    request.end();
    // Whoever sent the message put another order's header on it.
    processes(tracing, TRACE, traceparent(OTHER_TRACE, "01")).end();
    processes(tracing, TRACE, "nonsense").end();
    close(tracing);

    List<Told> spans = receiver.spans(TRACE);
    assertThat(spans).hasSize(3).allSatisfy(span -> assertThat(span.parent()).isEmpty());
    Told server = receiver.spans(OTHER_TRACE).getFirst();
    assertThat(spans.get(0).links()).containsExactly(new Link(OTHER_TRACE, server.id()));
    assertThat(spans.get(1).links()).containsExactly(new Link(OTHER_TRACE, CALLER));
    assertThat(spans.get(2).links()).isEmpty();
  }

  @Test
  void links_stop_at_128() throws Exception {
    Tracing tracing = sending();
    tracing.received("c", java.util.Collections.nCopies(200, traceparent(TRACE, "01")));
    close(tracing);
    Told receive = receiver.spans().getFirst();
    assertThat(receive.links()).hasSize(128);
    assertThat(receive.attribute("messaging.batch.message_count")).isEqualTo("200");
  }

  @Test
  void a_failure_shows_with_its_type() throws Exception {
    Tracing tracing = sending();
    publishes(tracing, TRACE).end(new IllegalStateException("no answer"));
    close(tracing);
    Told span = receiver.spans().getFirst();
    assertThat(span.failed()).isTrue();
    assertThat(span.attribute("error.type")).isEqualTo("java.lang.IllegalStateException");
  }

  @Test
  void a_seal_is_told_only_of_messages_whose_trace_is() throws Exception {
    Tracing tracing = sending();
    tracing.sealed("orders.created.o-1", traceparent(TRACE, "01"), 7, 1L);
    tracing.sealed("orders.created.o-1", traceparent(TRACE, "00"), 7, 1L);
    tracing.sealed("orders.created.o-1", null, 7, 1L);
    close(tracing);
    assertThat(receiver.spans()).hasSize(1);
    assertThat(receiver.spans().getFirst().name()).isEqualTo("seal orders.created");
    assertThat(receiver.spans().getFirst().attribute("holdfast.block")).isEqualTo("7");
  }

  @Test
  void a_receiver_that_hangs_does_not_hold_the_end_up() throws Exception {
    receiver.hang();
    Tracing tracing = sending();
    publishes(tracing, TRACE).end();
    long begun = System.nanoTime();
    close(tracing);
    assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun)).isBetween(4L, 9L);
  }

  @Test
  void requests_to_health_ready_and_metrics_are_not_told() throws Exception {
    try (TestGroups groups =
        TestGroups.inNewNamespace()
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
            .with("OTEL_BSP_SCHEDULE_DELAY", "20")
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())) {
      String url = TestGroups.url(groups.start(new GatewayGroup()));
      for (String path :
          List.of("/health", "/ready", "/metrics", "/nowhere", "/simulator/ledger")) {
        Http.get(url + path);
      }
      List<Told> told =
          eventually(
              "the last request is told",
              receiver::spans,
              spans -> spans.stream().anyMatch(s -> s.name().equals("GET /simulator/ledger")));
      assertThat(told)
          .extracting(span -> span.attribute("url.path"))
          .containsExactlyInAnyOrder("/nowhere", "/simulator/ledger");
      assertThat(told)
          .filteredOn(s -> s.attribute("url.path").equals("/nowhere"))
          .allSatisfy(
              s -> {
                assertThat(s.name()).isEqualTo("GET");
                assertThat(s.attribute("http.response.status_code")).isEqualTo("404");
                assertThat(s.failed()).isFalse();
              });
    }
  }
}
