package io.holdfast.system.tracing;

import static io.holdfast.testkit.Eventually.eventually;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.system.GatewayFront;
import io.holdfast.system.Shop;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.OtlpReceiver;
import io.holdfast.testkit.OtlpReceiver.Link;
import io.holdfast.testkit.OtlpReceiver.Told;
import io.holdfast.testkit.TestBroker;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whoever looks an order's trace up sees all that was done for it, each step under what led
 * to it. Method: every service, each with an exporter of its own; what they send is decoded by
 * OpenTelemetry's own classes.
 */
class OneTraceTest {

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CALLER = "00f067aa0ba902b7";
  private static final String TRACEPARENT = "00-" + TRACE + "-" + CALLER + "-01";
  private static final String BAGGAGE = "customer=canary-baggage";
  private static final String CHARGE = "POST /v1/payment_intents";
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path folder;

  private final OtlpReceiver receiver = OtlpReceiver.start();
  private final GatewayFront front = new GatewayFront();
  private Shop shop;

  @BeforeEach
  void open() {
    shop =
        Shop.open(
            folder,
            Map.of(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                receiver.endpoint(),
                "OTEL_BSP_SCHEDULE_DELAY",
                "50"),
            front::before);
    shop.receive("cup", 100);
  }

  @AfterEach
  void close() {
    shop.close();
    front.close();
    receiver.close();
  }

  @Test
  void an_order_is_one_trace_over_all_services_and_each_step_stands_under_what_led_to_it() {
    JsonObject placed =
        shop.place(Shop.order("c-1", "cup"), "traceparent", TRACEPARENT, "baggage", BAGGAGE);
    assertThat(placed.getString("trace_id")).isEqualTo(TRACE);
    awaitSeals(TRACE, 5);

    Told request = only(TRACE, "orders", "POST /orders");
    assertThat(request.parent()).isEqualTo(CALLER);
    assertThat(request.kind()).isEqualTo("SERVER");
    assertThat(request.attribute("http.response.status_code")).isEqualTo("202");
    Told created = under(request, "orders", "publish", "orders.created", "PRODUCER");
    Told reserving = under(created, "inventory", "process", "orders.created", "CONSUMER");
    assertThat(reserving.attribute("messaging.consumer.group.name")).isEqualTo("inventory-reserve");
    assertThat(reserving.attribute("holdfast.outcome")).isEqualTo("done");
    Told reserved = under(reserving, "inventory", "publish", "inventory.reserved", "PRODUCER");
    Told charging = under(reserved, "payments", "process", "inventory.reserved", "CONSUMER");
    Told call = under(charging, "payments", CHARGE, "CLIENT");
    assertThat(call.attribute("http.response.status_code")).isEqualTo("200");
    under(call, "gateway", CHARGE, "SERVER");
    Told processed = under(charging, "payments", "publish", "payments.processed", "PRODUCER");
    Told settling = under(processed, "orders", "process", "payments.processed", "CONSUMER");
    Told confirmed = under(settling, "orders", "publish", "orders.confirmed", "PRODUCER");
    Told telling = under(confirmed, "notifications", "process", "orders.confirmed", "CONSUMER");
    Told sent = under(telling, "notifications", "publish", "notifications.sent", "PRODUCER");

    under(created, "audit", "seal", "orders.created", "CONSUMER");
    under(reserved, "audit", "seal", "inventory.reserved", "CONSUMER");
    under(processed, "audit", "seal", "payments.processed", "CONSUMER");
    under(confirmed, "audit", "seal", "orders.confirmed", "CONSUMER");
    under(sent, "audit", "seal", "notifications.sent", "CONSUMER");
    Told level = under(reserving, "inventory", "publish", "stock.level", "PRODUCER");
    under(level, "audit", "seal", "stock.level", "CONSUMER");
    assertThat(receiver.spans(TRACE)).as("nothing else").hasSize(19);
    assertThat(receiver.spans(TRACE).stream().map(Told::service).collect(toSet()))
        .isEqualTo(Set.of("orders", "inventory", "payments", "notifications", "audit", "gateway"));
    for (Told span : receiver.spans(TRACE)) {
      assertThat(span.endNanos()).as(span.toString()).isGreaterThanOrEqualTo(span.startNanos());
    }
  }

  @Test
  void a_batch_is_told_in_a_trace_of_its_own_that_links_to_its_members() {
    shop.receive("plate", 100);
    JsonObject order = Shop.order("c-1", "cup");
    order.getJsonArray("items").addAll(Shop.order("c-1", "plate").getJsonArray("items"));
    shop.place(order, "traceparent", TRACEPARENT);
    awaitSeals(TRACE, 5);

    Told reserved = only(TRACE, "inventory", "create " + subject("inventory.reserved"));
    Told batch =
        eventually(
                "the batch is told",
                LIMIT,
                () -> named("inventory", "publish " + stream("INVENTORY")),
                found -> linkedTo(found, reserved).size() == 1)
            .stream()
            .filter(span -> span.links().contains(link(reserved)))
            .findFirst()
            .orElseThrow();
    assertThat(batch.trace()).isNotEqualTo(TRACE);
    assertThat(batch.parent()).isEmpty();
    assertThat(batch.links()).hasSize(3);
    assertThat(batch.attribute("messaging.batch.message_count")).isEqualTo("3");
    assertThat(batch.attribute("messaging.system")).isEqualTo("nats");
  }

  @Test
  @SuppressWarnings("try") // that close() may be interrupted
  void a_callers_baggage_goes_no_further() throws Exception {
    List<String> seen = new ArrayList<>();
    try (Connection spy = Nats.connect(TestBroker.shared().url())) {
      Subscription all = spy.subscribe(shop.streams().subjects().subject(">"));
      spy.flush(Duration.ofSeconds(5));
      JsonObject placed =
          shop.place(
              Shop.order("c-1", "cup"),
              "traceparent",
              TRACEPARENT,
              "baggage",
              BAGGAGE,
              "tracestate",
              "vendor=canary-baggage");
      shop.awaitStatus(placed.getString("order_id"), "confirmed");
      shop.awaitSettled();
      for (Message m = all.nextMessage(500); m != null; m = all.nextMessage(100)) {
        if (!m.getSubject().equals(subject("audit.block"))) { // which is about many messages
          seen.add(m.getSubject() + " " + m.getHeaders().entrySet());
        }
      }
    }
    awaitSeals(TRACE, 5);

    assertThat(seen).hasSizeGreaterThanOrEqualTo(5);
    assertThat(seen).filteredOn(m -> m.contains("payments.processed")).hasSize(1);
    assertThat(seen)
        .allSatisfy(m -> assertThat(m).doesNotContainIgnoringCase("baggage").contains(TRACE));
    assertThat(front.headers()).hasSize(1);
    assertThat(front.headers().getFirst().toString().toLowerCase(java.util.Locale.ROOT))
        .doesNotContain("baggage")
        .contains("traceparent=[00-" + TRACE);
    assertThat(receiver.spans().toString()).doesNotContain("baggage");
  }

  @Test
  void a_latency_that_is_scraped_names_the_trace_that_it_is_an_example_of() throws Exception {
    JsonObject placed = shop.place(Shop.order("c-1", "cup"), "traceparent", TRACEPARENT);
    shop.awaitStatus(placed.getString("order_id"), "confirmed");

    HttpRequest scrape =
        HttpRequest.newBuilder(URI.create(shop.url("orders") + "/metrics"))
            .header("Accept", "application/openmetrics-text; version=1.0.0")
            .build();
    eventually(
        "both say so",
        LIMIT,
        () ->
            HttpClient.newHttpClient()
                .send(scrape, BodyHandlers.ofString())
                .body()
                .lines()
                .filter(line -> line.contains("trace_id=\"" + TRACE))
                .map(line -> line.substring(0, line.indexOf('{')))
                .collect(toSet()),
        names ->
            names.containsAll(
                Set.of(
                    "order_end_to_end_duration_seconds_bucket",
                    "event_processing_duration_seconds_bucket")));
  }

  @Test
  void a_gateway_that_fails_shows_as_a_failed_call_and_a_second_delivery() {
    front.fail(1);
    shop.place(Shop.order("c-1", "cup"), "traceparent", TRACEPARENT);
    awaitSeals(TRACE, 5);

    Told reserved = only(TRACE, "inventory", "publish " + subject("inventory.reserved"));
    Predicate<Told> attempt =
        span -> span.name().equals("process " + subject("inventory.reserved"));
    List<Told> attempts =
        eventually(
                "both attempts are told",
                LIMIT,
                () -> under(reserved, attempt),
                found -> found.size() > 1)
            .stream()
            .sorted((a, b) -> Long.compare(a.startNanos(), b.startNanos()))
            .toList();
    assertThat(attempts)
        .extracting(span -> span.attribute("holdfast.deliveries"))
        .containsExactly("1", "2");
    assertThat(attempts)
        .extracting(span -> span.attribute("holdfast.outcome"))
        .containsExactly("retry", "done");
    assertThat(attempts).extracting(Told::failed).containsExactly(true, false);
    Told refused = under(attempts.getFirst(), "payments", CHARGE, "CLIENT");
    assertThat(refused.failed()).isTrue();
    assertThat(refused.attribute("http.response.status_code")).isEqualTo("503");
    assertThat(refused.attribute("error.type")).isEqualTo("503");
    Told taken = under(attempts.get(1), "payments", CHARGE, "CLIENT");
    assertThat(taken.failed()).isFalse();
    under(taken, "gateway", CHARGE, "SERVER");
  }

  @Test
  void a_cancellation_stays_in_its_orders_trace_and_is_linked_to_who_asked_for_it() {
    front.fail(1_000); // so that there is time to change one's mind
    JsonObject placed = shop.place(Shop.order("c-1", "cup"), "traceparent", TRACEPARENT);
    String orderId = placed.getString("order_id");
    eventually("it is charged", LIMIT, () -> front.headers().size(), calls -> calls > 0);
    String other = "a".repeat(32);
    assertThat(
            Http.post(
                    shop.url("orders") + "/orders/" + orderId + "/cancel",
                    "",
                    "traceparent",
                    "00-" + other + "-" + CALLER + "-01")
                .status())
        .isEqualTo(202);
    front.fail(0);
    Predicate<Told> sent = span -> span.name().equals("seal " + subject("notifications.sent"));
    eventually(
        "its end is told",
        LIMIT,
        () -> receiver.spans(TRACE),
        spans -> spans.stream().anyMatch(sent) && named(spans, "seal", "inventory.released"));

    Told cancel =
        eventually(
                "the request is told",
                LIMIT,
                () -> receiver.spans(other),
                spans -> !spans.isEmpty())
            .getFirst();
    assertThat(cancel.name()).isEqualTo("POST /orders/:id/cancel");
    Told cancelled = only(TRACE, "orders", "publish " + subject("orders.cancelled"));
    assertThat(cancelled.parent()).as("a parent in another trace").isEmpty();
    assertThat(cancelled.links()).containsExactly(link(cancel));
    Told releasing = under(cancelled, "inventory", "process", "orders.cancelled", "CONSUMER");
    under(releasing, "inventory", "create", "inventory.released", "PRODUCER");
    Told telling = under(cancelled, "notifications", "process", "orders.cancelled", "CONSUMER");
    under(telling, "notifications", "publish", "notifications.sent", "PRODUCER");
    assertThat(receiver.spans(other)).hasSize(1);
  }

  @Test
  void messages_that_arrive_together_are_told_as_one_receive_that_links_to_each() {
    List<String> traces = new ArrayList<>();
    List<Thread> customers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      customers.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    for (int n = 0; n < 15; n++) {
                      String trace = shop.place(Shop.order("c-1", "cup")).getString("trace_id");
                      synchronized (traces) {
                        traces.add(trace);
                      }
                    }
                  }));
    }
    shop.receive("cup", 100);
    List<Told> receives =
        eventually(
            "some came together",
            LIMIT,
            () -> receiver.spans().stream().filter(s -> s.name().startsWith("receive ")).toList(),
            found -> !found.isEmpty());
    for (Thread customer : customers) {
      eventually("the orders are placed", LIMIT, () -> customer, gone -> !gone.isAlive());
    }
    shop.awaitSettled();
    for (Told receive : receives) {
      assertThat(receive.kind()).isEqualTo("CLIENT");
      assertThat(receive.parent()).isEmpty();
      assertThat(receive.attribute("messaging.batch.message_count"))
          .isEqualTo(Integer.toString(receive.links().size()));
      for (Link to : receive.links()) {
        Told message =
            eventually(
                "what it links to is told",
                LIMIT,
                () ->
                    receiver.spans(to.trace()).stream()
                        .filter(span -> span.id().equals(to.span()))
                        .findFirst()
                        .orElse(null),
                found -> found != null);
        assertThat(message.kind()).isEqualTo("PRODUCER");
      }
    }
  }

  @Test
  @SuppressWarnings("try") // closing a connection can be interrupted
  void what_cannot_be_read_is_a_failed_delivery_in_the_trace_that_its_header_names()
      throws Exception {
    try (Connection stranger = Nats.connect(TestBroker.shared().url())) {
      stranger
          .jetStream()
          .publish(
              subject("orders.created.p-1"),
              new Headers().put("traceparent", TRACEPARENT),
              "nonsense".getBytes(StandardCharsets.US_ASCII));
    }

    Told unread = only(TRACE, "inventory", "process " + subject("orders.created"));

    assertThat(unread.parent()).isEqualTo(CALLER);
    assertThat(unread.kind()).isEqualTo("CONSUMER");
    assertThat(unread.failed()).isTrue();
    assertThat(unread.attribute("holdfast.outcome")).isEqualTo("rejected");
    assertThat(unread.attribute("error.type")).contains("UndecodableEventException");
    assertThat(unread.attribute("messaging.consumer.group.name")).isEqualTo("inventory-reserve");
    assertThat(unread.attribute("holdfast.deliveries")).isEqualTo("1");
  }

  private void awaitSeals(String trace, int facts) {
    eventually(
        "all of the trace was exported",
        LIMIT,
        () -> receiver.spans(trace).stream().filter(s -> s.name().startsWith("seal ")).toList(),
        seals ->
            seals.stream().filter(s -> !s.name().endsWith("stock.level")).count() >= facts
                && seals.stream().anyMatch(s -> s.name().contains("notifications.sent")));
  }

  private boolean named(List<Told> spans, String operation, String subject) {
    return spans.stream().anyMatch(s -> s.name().equals(operation + " " + subject(subject)));
  }

  private String subject(String bare) {
    return shop.streams().subjects().subject(bare);
  }

  private String stream(String bare) {
    return shop.streams().subjects().stream(bare);
  }

  private List<Told> named(String service, String name) {
    return receiver.spans().stream()
        .filter(span -> span.service().equals(service) && span.name().equals(name))
        .toList();
  }

  private static List<Told> linkedTo(List<Told> spans, Told to) {
    return spans.stream().filter(span -> span.links().contains(link(to))).toList();
  }

  private static Link link(Told to) {
    return new Link(to.trace(), to.id());
  }

  private Told only(String trace, String service, String name) {
    return one(
        service + "'s " + name,
        trace,
        span -> span.service().equals(service) && span.name().equals(name));
  }

  private Told under(Told parent, String service, String operation, String subject, String kind) {
    Told span = under(parent, service, operation + " " + subject(subject), kind);
    assertThat(span.attribute("messaging.system")).isEqualTo("nats");
    assertThat(span.attribute("messaging.operation.name")).isEqualTo(operation);
    assertThat(span.attribute("messaging.destination.template")).isEqualTo(subject(subject));
    assertThat(span.attribute("messaging.destination.name")).startsWith(subject(subject) + ".");
    return span;
  }

  private Told under(Told parent, String service, String name, String kind) {
    Told found =
        one(
            service + "'s " + name + " under " + parent.name(),
            parent.trace(),
            span ->
                span.parent().equals(parent.id())
                    && span.service().equals(service)
                    && span.name().equals(name));
    assertThat(found.kind()).isEqualTo(kind);
    return found;
  }

  /** Each service sends what it has to tell by itself, so that one may be late. */
  private Told one(String what, String trace, Predicate<Told> which) {
    eventually(
        what + " is told", LIMIT, () -> receiver.spans(trace), s -> s.stream().anyMatch(which));
    List<Told> found = receiver.spans(trace).stream().filter(which).toList();
    assertThat(found).as(what).hasSize(1);
    return found.getFirst();
  }

  private List<Told> under(Told parent, Predicate<Told> which) {
    return receiver.spans(parent.trace()).stream()
        .filter(span -> span.parent().equals(parent.id()) && which.test(span))
        .toList();
  }
}
