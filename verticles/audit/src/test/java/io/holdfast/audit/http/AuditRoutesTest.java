package io.holdfast.audit.http;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.audit.AuditGroup;
import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventCodec;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.Item;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the audit group answers over HTTP, about one order and a few dozen others. */
class AuditRoutesTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  private static TestGroups groups;
  private static Streams streams;
  private static String url;

  @BeforeAll
  static void start() throws Exception {
    groups = TestGroups.inNewNamespace().with("AUDIT_INTERVAL_MS", "20");
    RunningGroup audit = groups.start(new AuditGroup());
    url = TestGroups.url(audit);
    streams = new Streams(TestBroker.shared().url(), groups.namespace(), StreamCatalog.AUDITED);
    for (int n = 0; n < 30; n++) {
      String orderId = "other-" + n;
      append(created(orderId), 0);
      eventually("a block of its own", () -> blockOf(orderId) != null);
    }
    long first = append(created("o-1"), 0);
    append(new PaymentVoided("o-1"), 0);
    append(new OrderCancelled("o-1", "c-1", CancelReason.CUSTOMER_REQUEST, null), first);
    append(new InventoryReleased("o-1", List.of(new Item("apple", 3, new BigDecimal("4.00")))), 0);
    append(new NotificationSent("o-1", "c-1", "order_cancelled", "log"), 0);
    parkOrderOne();
    eventually(
        "all is sealed",
        () -> timeline("o-1").getJsonArray("events").stream().allMatch(e -> block(e) != null));
  }

  @AfterAll
  static void stop() {
    streams.close();
    groups.close();
  }

  @Test
  void an_orders_timeline_holds_what_every_service_stored() {
    JsonObject timeline = timeline("o-1");
    assertThat(timeline.getString("order_id")).isEqualTo("o-1");
    assertThat(timeline.getString("trace_id")).isEqualTo(TRACE);
    List<JsonObject> events = objects(timeline.getJsonArray("events"));
    assertThat(events)
        .extracting(event -> event.getString("type"))
        .containsExactly(
            "OrderCreated",
            "PaymentVoided",
            "OrderCancelled",
            "InventoryReleased",
            "NotificationSent",
            "MessageDeadLettered");
    JsonObject created = events.getFirst();
    assertThat(created.getString("stream")).isEqualTo(streams.subjects().stream("ORDERS"));
    assertThat(created.getLong("sequence")).isEqualTo(31);
    assertThat(created.getString("subject"))
        .isEqualTo(streams.subjects().subject("orders.created.o-1"));
    assertThat(created.getString("event_id")).isEqualTo("order-created-o-1");
    assertThat(created.getString("trace_id")).isEqualTo(TRACE);
    assertThat(Instant.parse(created.getString("stored_at")))
        .isAfterOrEqualTo(Instant.parse(created.getString("timestamp")));
    assertThat(created.getJsonObject("data").getString("customer_id")).isEqualTo("c-1");
    assertThat(Http.get(url + "/audit/orders/o-1").body()).contains("\"amount\":12.00");
  }

  @Test
  void an_event_names_the_block_that_holds_it() {
    for (JsonObject event : objects(timeline("o-1").getJsonArray("events"))) {
      long block = event.getLong("block");
      JsonObject header = blocks("?after=" + (block - 1) + "&limit=1").getFirst();
      assertThat(objects(header.getJsonArray("ranges")))
          .anyMatch(
              range ->
                  range.getString("stream").equals(event.getString("stream"))
                      && range.getLong("first") <= event.getLong("sequence")
                      && range.getLong("last") >= event.getLong("sequence"));
    }
    assertThat(blockOf("other-0")).isEqualTo(1);
    assertThat(blockOf("other-17")).isEqualTo(18);
  }

  @Test
  void an_order_without_events_is_not_found() {
    Answer answer = Http.get(url + "/audit/orders/nobody");
    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(Http.get(url + "/audit/orders/no.body").status()).isEqualTo(422);
    assertThat(Http.get(url + "/audit/orders/*").status()).isEqualTo(422);
  }

  @Test
  void blocks_are_listed_the_newest_last() {
    JsonObject answer = Http.get(url + "/audit/blocks").json();
    long newest = answer.getLong("newest");
    assertThat(numbers(objects(answer.getJsonArray("blocks"))))
        .hasSize(20)
        .isSorted()
        .endsWith(newest);
    assertThat(numbers(blocks("?after=3&limit=4"))).containsExactly(4L, 5L, 6L, 7L);
    assertThat(numbers(blocks("?limit=2"))).containsExactly(newest - 1, newest);
    assertThat(blocks("?after=" + newest)).isEmpty();
    List<JsonObject> chain = blocks("?after=0&limit=100");
    for (int i = 1; i < chain.size(); i++) {
      assertThat(chain.get(i).getString("previous")).isEqualTo(chain.get(i - 1).getString("hash"));
    }
    assertThat(chain.getFirst().getString("stored_at")).isNotEmpty();
  }

  @Test
  void a_list_of_blocks_that_cannot_be_is_refused() {
    for (String query : List.of("?after=-1", "?after=x", "?limit=0", "?limit=101")) {
      assertThat(Http.get(url + "/audit/blocks" + query).status()).as(query).isEqualTo(422);
    }
  }

  @Test
  void a_verification_ends_with_its_verdict() {
    Answer answer = Http.get(url + "/audit/verify");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Content-Type")).isEqualTo("application/x-ndjson");
    assertThat(answer.body()).endsWith("\n");
    JsonObject verdict = new JsonObject(answer.body().lines().toList().getLast());
    assertThat(verdict.getBoolean("valid")).isTrue();
    assertThat(verdict.getLong("blocks")).isGreaterThan(30);
    assertThat(verdict.getLong("events")).isEqualTo(36);
    assertThat(verdict.getLong("unsealed")).isZero();
    assertThat(verdict.getJsonArray("findings")).isEmpty();
  }

  @Test
  void a_verification_holds_the_ledger_against_a_noted_hash() {
    String hash = blocks("?after=4&limit=1").getFirst().getString("hash");
    assertThat(verdict("?block=5&hash=" + hash).getBoolean("valid")).isTrue();
    JsonObject other = verdict("?block=6&hash=" + hash);
    assertThat(other.getBoolean("valid")).isFalse();
    assertThat(objects(other.getJsonArray("findings")))
        .singleElement()
        .satisfies(finding -> assertThat(finding.getLong("seq")).isEqualTo(6));
    assertThat(Http.get(url + "/audit/verify?block=6").status()).isEqualTo(422);
    assertThat(Http.get(url + "/audit/verify?block=6&hash=x").status()).isEqualTo(422);
  }

  @Test
  void one_verification_runs_at_a_time() {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/audit/verify")).build();
    List<Integer> statuses =
        Stream.generate(() -> client.sendAsync(request, BodyHandlers.discarding()))
            .limit(30)
            .toList()
            .stream()
            .map(answer -> answer.join().statusCode())
            .toList();
    assertThat(statuses).contains(200, 429).containsOnly(200, 429);
    assertThat(verdict("").getBoolean("valid")).as("and then the next one").isTrue();
  }

  @Test
  void a_client_that_leaves_keeps_nobody_from_verifying() throws Exception {
    URI audit = URI.create(url);
    for (int i = 0; i < 5; i++) {
      try (Socket socket = new Socket(audit.getHost(), audit.getPort())) {
        socket
            .getOutputStream()
            .write("GET /audit/verify HTTP/1.1\r\nHost: audit\r\n\r\n".getBytes(US_ASCII));
      }
    }
    eventually("it is free again", () -> Http.get(url + "/audit/verify").status() == 200);
  }

  @Test
  void the_ledger_is_measured() {
    String scrape = Http.get(url + "/metrics").body();
    assertThat(scrape)
        .containsPattern("audit_blocks_total [1-9]")
        .containsPattern("audit_lines_total [1-9]")
        .contains("audit_lag_messages{stream=\"" + streams.subjects().stream("ORDERS"));
  }

  private static JsonObject verdict(String query) {
    return new JsonObject(
        Http.get(url + "/audit/verify" + query).body().lines().toList().getLast());
  }

  private static List<JsonObject> blocks(String query) {
    return objects(Http.get(url + "/audit/blocks" + query).json().getJsonArray("blocks"));
  }

  private static List<Long> numbers(List<JsonObject> blocks) {
    return blocks.stream().map(block -> block.getLong("block")).toList();
  }

  private static JsonObject timeline(String orderId) {
    return Http.get(url + "/audit/orders/" + orderId).json();
  }

  private static Long blockOf(String orderId) {
    return block(timeline(orderId).getJsonArray("events").getJsonObject(0));
  }

  private static Long block(Object event) {
    return ((JsonObject) event).getLong("block");
  }

  private static List<JsonObject> objects(JsonArray array) {
    return array.stream().map(JsonObject.class::cast).toList();
  }

  private static OrderCreated created(String orderId) {
    return new OrderCreated(
        orderId,
        "c-1",
        new BigDecimal("12.00"),
        "EUR",
        List.of(new Item("apple", 3, new BigDecimal("4.00"))),
        null);
  }

  private static long append(Event fact, long expected) {
    get(streams.events().append(Envelope.once(fact, Instant.now(), TRACE), expected));
    Domain domain = Envelope.once(fact, Instant.now(), TRACE).type().domain();
    return get(streams.events().load(domain, fact.aggregateId())).lastSequence();
  }

  /** As a service would that cannot read the order. */
  private static void parkOrderOne() throws Exception {
    String original = streams.subjects().subject("orders.created.o-1");
    MessageDeadLettered fact =
        new MessageDeadLettered(
            "o-1",
            "inventory-reserve",
            streams.subjects().stream("ORDERS"),
            31,
            original,
            "invalid",
            "no reason",
            1,
            Instant.now(),
            Instant.now(),
            Map.of(),
            "{}",
            null);
    Envelope<?> envelope =
        new Envelope<>("dead-letter-1", fact, Instant.now(), TRACE, Envelope.VERSION);
    Connection connection = Nats.connect(TestBroker.shared().url());
    connection.publish(
        streams.subjects().deadLetter("inventory", original), new EventCodec().encode(envelope));
    connection.flush(Duration.ofSeconds(5));
    connection.close();
  }
}
