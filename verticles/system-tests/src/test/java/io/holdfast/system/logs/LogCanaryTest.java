package io.holdfast.system.logs;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.runtime.telemetry.DefaultLogging;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.system.GatewayFront;
import io.holdfast.system.Shop;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonObject;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Goal: a log can be given to anybody, and tells each fact once. Method: every service, with words
 * in all places where secrets and people's data come in that occur nowhere else; orders that go
 * well and badly, and messages that are none; then all that was logged, at the most talkative level
 * there is, is searched for those words.
 */
class LogCanaryTest {

  private static final String MAIL = "canary.mail@people.test";
  private static final String UNKNOWN = "canary.unknown@people.test";
  private static final String CARD = "4242424242424242";
  private static final String GATEWAY_KEY = "sk_test_canary_gateway_key";
  private static final String NATS_PASSWORD = "canary-nats-password";
  private static final String SMTP_PASSWORD = "canary-smtp-password";
  private static final String OTLP_HEADER = "canary-otlp-header";
  private static final String HOOK_KEY = "canary-webhook-secret-of-32-bytes";
  private static final String HOOK_SECRET =
      Base64.getEncoder().encodeToString(HOOK_KEY.getBytes(StandardCharsets.US_ASCII));
  private static final String HOOK_PATH = "/canary-hook-path";
  private static final String IDEMPOTENCY_KEY = "canary-idempotency-key";
  private static final String CUSTOMER = "canary-customer";

  /** None of these may stand in any line; the last one covers what begins so. */
  private static final Set<String> SECRET =
      Set.of(MAIL, UNKNOWN, CARD, HOOK_SECRET, "people.test", "canary");

  private static final Map<EventType, String> LINES = new EnumMap<>(EventType.class);

  static {
    LINES.put(EventType.ORDER_CREATED, "Order created");
    LINES.put(EventType.ORDER_CONFIRMED, "Order confirmed");
    LINES.put(EventType.ORDER_CANCELLED, "Order cancelled");
    LINES.put(EventType.INVENTORY_RESERVED, "Inventory reserved");
    LINES.put(EventType.INVENTORY_REJECTED, "Inventory rejected, out of stock");
    LINES.put(EventType.INVENTORY_RELEASED, "Inventory released");
    LINES.put(EventType.PAYMENT_PROCESSED, "Payment processed");
    LINES.put(EventType.PAYMENT_FAILED, "Payment failed");
    LINES.put(EventType.PAYMENT_VOIDED, "Payment voided");
    LINES.put(EventType.PAYMENT_REFUNDED, "Payment refunded");
    LINES.put(EventType.NOTIFICATION_SENT, "Customer notified");
  }

  @TempDir Path folder;

  private final GatewayFront front = new GatewayFront();
  private final MailReceiver mail = new MailReceiver(UNKNOWN);
  private final AtomicInteger hooks = new AtomicInteger();
  private HttpServer hook;
  private Path log;

  @BeforeEach
  void begin() throws Exception {
    log = folder.resolve("holdfast.log");
    Logging.toFile(log, "holdfast", Map.of("LOG_LEVEL", "trace"));
    hook = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    hook.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          byte[] answer = ("no: " + MAIL).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(hooks.incrementAndGet() == 1 ? 500 : 200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    hook.start();
  }

  @AfterEach
  void end() throws Exception {
    front.close();
    mail.close();
    hook.stop(0);
    var context = (ch.qos.logback.classic.LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    new DefaultLogging().configure(context);
  }

  private Map<String, String> settings() throws Exception {
    Path preferences =
        Files.writeString(
            folder.resolve("preferences.json"),
            new JsonObject()
                .put(CUSTOMER + "-1", new JsonObject().put("channel", "smtp").put("to", MAIL))
                .put(CUSTOMER + "-2", new JsonObject().put("channel", "smtp").put("to", UNKNOWN))
                .put(CUSTOMER + "-3", new JsonObject().put("channel", "webhook"))
                .encode());
    Map<String, String> settings = new HashMap<>();
    settings.put("NATS_USER", "holdfast");
    settings.put("NATS_PASSWORD", NATS_PASSWORD);
    settings.put("GATEWAY_API_KEY", GATEWAY_KEY);
    settings.put("PAYMENT_GATEWAY_KEY", GATEWAY_KEY);
    settings.put("NOTIFICATION_PREFERENCES", preferences.toString());
    settings.put("SMTP_HOST", "127.0.0.1");
    settings.put("SMTP_PORT", Integer.toString(mail.port()));
    settings.put("SMTP_TLS", "none");
    settings.put("SMTP_FROM", "shop@shop.test");
    settings.put(
        "WEBHOOK_URL", "http://127.0.0.1:" + hook.getAddress().getPort() + HOOK_PATH + "?k=canary");
    settings.put("WEBHOOK_SECRET", "whsec_" + HOOK_SECRET);
    // Nobody is there: the exporter's complaints belong into the log, too.
    settings.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    settings.put("OTEL_EXPORTER_OTLP_HEADERS", "api-key=" + OTLP_HEADER);
    settings.put("OTEL_BSP_SCHEDULE_DELAY", "50");
    settings.put("OTEL_JAVA_EXPORTER_OTLP_RETRY_DISABLED", "true");
    return settings;
  }

  @Test
  void no_line_holds_a_secret_or_a_persons_data_and_each_fact_has_its_one_line() throws Exception {
    Map<Place, Envelope<?>> facts = new TreeMap<>();
    try (Shop shop = Shop.open(folder, settings(), front::before)) {
      run(shop);
      for (String stream : List.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS")) {
        for (Envelope<?> fact : shop.streams().facts(stream)) {
          if (LINES.containsKey(fact.type())) {
            facts.put(new Place(fact.event().aggregateId(), fact.type()), fact);
          }
        }
      }
      badSettings();
    }
    Logging.close();

    List<String> lines = Files.readAllLines(log);
    assertThat(lines).hasSizeGreaterThan(30);
    for (String line : lines) {
      assertThat(SECRET).as(line).noneMatch(line::contains);
      JsonObject parsed = new JsonObject(line);
      assertThat(parsed.getString("level"))
          .as(line)
          .isIn("trace", "debug", "info", "warn", "error");
      assertThat(parsed.getString("service")).as(line).isNotBlank();
      assertThat(parsed.getString("msg")).as(line).isNotBlank();
      Instant.parse(parsed.getString("time"));
    }
    assertThat(facts.keySet().stream().map(Place::type).distinct())
        .as("every kind of fact was there")
        .containsExactlyInAnyOrderElementsOf(LINES.keySet());
    assertThat(told(lines)).isEqualTo(expected(facts));
    assertThat(lines)
        .as("what the JDK's logging was told")
        .anyMatch(line -> line.contains("Failed to export spans"));
  }

  private record Place(String orderId, EventType type) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      int byOrder = orderId.compareTo(other.orderId);
      return byOrder != 0 ? byOrder : type.compareTo(other.type);
    }
  }

  private void run(Shop shop) throws Exception {
    shop.receive("cup", 100);
    String well = place(shop, Shop.order(CUSTOMER + "-0", "cup"));
    String mailed = place(shop, Shop.order(CUSTOMER + "-1", "cup"));
    String unreachable = place(shop, Shop.order(CUSTOMER + "-2", "cup"));
    String hooked = place(shop, Shop.order(CUSTOMER + "-3", "cup"));
    String declined =
        place(
            shop,
            Shop.order(CUSTOMER + "-4", "cup").put("payment_method", "pm_card_chargeDeclined"));
    String cardGiven = place(shop, Shop.order(CUSTOMER + "-5", "cup").put("payment_method", CARD));
    String tooLate = place(shop, Shop.order(CUSTOMER + "-6", "none"));
    for (String orderId : List.of(well, mailed, unreachable, hooked)) {
      shop.awaitStatus(orderId, "confirmed");
    }
    for (String orderId : List.of(declined, cardGiven, tooLate)) {
      shop.awaitStatus(orderId, "cancelled");
    }
    shop.awaitSettled();
    changedTheirMind(shop);
    wrongRequests(shop);
    poison(shop);
    shop.awaitSettled();
    assertThat(mail.recipients()).anyMatch(to -> to.contains(MAIL));
    assertThat(mail.recipients()).anyMatch(to -> to.contains(UNKNOWN));
    assertThat(hooks.get()).isGreaterThanOrEqualTo(2);
    assertThat(shop.streams().facts("DEADLETTERS")).hasSizeGreaterThanOrEqualTo(4);
  }

  private static String place(Shop shop, JsonObject order) {
    String key = IDEMPOTENCY_KEY + "-" + order.getString("customer_id");
    return shop.place(order, "Idempotency-Key", key).getString("order_id");
  }

  /** While the card is being charged: the payment is voided, the charge found and given back. */
  private void changedTheirMind(Shop shop) {
    int before = front.headers().size();
    front.hold();
    String orderId = place(shop, Shop.order(CUSTOMER + "-7", "cup"));
    eventually("it is being charged", () -> front.headers().size() > before);
    assertThat(Http.post(shop.url("orders") + "/orders/" + orderId + "/cancel", "").status())
        .isEqualTo(202);
    awaitFact(shop, orderId, EventType.PAYMENT_VOIDED);
    front.release();
    awaitFact(shop, orderId, EventType.PAYMENT_REFUNDED);
  }

  private static void awaitFact(Shop shop, String orderId, EventType type) {
    eventually(
        type + " of " + orderId,
        Duration.ofSeconds(60),
        () -> shop.streams().facts("PAYMENTS"),
        facts ->
            facts.stream()
                .anyMatch(f -> f.type() == type && f.event().aggregateId().equals(orderId)));
  }

  private static void wrongRequests(Shop shop) {
    String url = shop.url("orders") + "/orders";
    JsonObject order = Shop.order(CUSTOMER + "-8", "cup");
    List<Integer> answers = new ArrayList<>();
    answers.add(Http.post(url, order.copy().put("card_number", CARD)).status());
    answers.add(Http.post(url, "{\"email\":\"" + MAIL + "\",").status());
    answers.add(Http.post(url, order.copy().put("customer_id", MAIL)).status());
    answers.add(Http.post(url, order, "Idempotency-Key", IDEMPOTENCY_KEY.repeat(20)).status());
    answers.add(
        Http.post(
                url,
                Shop.order(CUSTOMER + "-9", "cup"),
                "Idempotency-Key",
                IDEMPOTENCY_KEY + "-" + CUSTOMER + "-0")
            .status());
    answers.add(Http.get(shop.url("orders") + "/orders/" + MAIL).status());
    answers.add(Http.get(shop.url("orders") + "/canary?card=" + CARD).status());
    assertThat(answers).allMatch(status -> status >= 400 && status < 500);
  }

  /** Whoever writes it may have people's data in it, in any place. */
  @SuppressWarnings("try") // closing a connection can be interrupted
  private static void poison(Shop shop) throws Exception {
    List<String> bodies =
        List.of(
            MAIL + " " + CARD,
            "{\"email\":\"" + MAIL + "\", \"card\":" + CARD,
            "{\"" + MAIL + "\":\"" + CARD + "\"}",
            "{\"event_id\":\"" + MAIL + "\",\"type\":\"" + MAIL + "\",\"data\":{\"x\":1}}",
            new JsonObject()
                .put("id", "e-1")
                .put("type", "OrderCreated")
                .put("version", 1)
                .put("timestamp", MAIL)
                .put("trace_id", CARD)
                .put("data", new JsonObject().put("order_id", MAIL).put("amount", MAIL))
                .encode(),
            valid().put("data", valid().getJsonObject("data").put("amount", MAIL)).encode(),
            valid().put("data", valid().getJsonObject("data").put("currency", MAIL)).encode(),
            valid().put("data", valid().getJsonObject("data").put("items", MAIL)).encode(),
            valid().put("data", valid().getJsonObject("data").put("customer_id", MAIL)).encode(),
            valid().put("type", MAIL).encode(),
            valid().put("timestamp", MAIL).encode(),
            valid().put("trace_id", CARD).encode());
    try (Connection stranger = Nats.connect(TestBroker.shared().url())) {
      for (int i = 0; i < bodies.size(); i++) {
        stranger
            .jetStream()
            .publish(
                shop.streams().subjects().subject("orders.created.p" + i),
                bodies.get(i).getBytes(StandardCharsets.UTF_8));
      }
    }
    eventually(
        "all are parked",
        Duration.ofSeconds(60),
        () -> shop.streams().facts("DEADLETTERS").size(),
        parked -> parked > bodies.size());
  }

  private static JsonObject valid() {
    var order =
        new io.holdfast.events.OrderEvent.OrderCreated(
            "p-1",
            "c-1",
            new java.math.BigDecimal("10"),
            "EUR",
            List.of(new io.holdfast.events.Item("cup", 1, new java.math.BigDecimal("10"))),
            null);
    byte[] bytes =
        new io.holdfast.events.EventCodec()
            .encode(Envelope.once(order, Instant.now(), "a".repeat(32)));
    return new JsonObject(new String(bytes, StandardCharsets.UTF_8));
  }

  /** A start that is refused tells why, and nothing of what it must not. */
  private void badSettings() throws Exception {
    Map<String, String> settings = new HashMap<>(settings());
    settings.put("SMTP_USER", "shop");
    settings.put("SMTP_PASSWORD", SMTP_PASSWORD);
    settings.put("WEBHOOK_SECRET", HOOK_SECRET + " canary");
    settings.put("NATS_URL", "nats://me:" + NATS_PASSWORD + "@127.0.0.1:4222");
    settings.put("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    settings.put("OTEL_TRACES_SAMPLER", "?");
    try (TestGroups groups = TestGroups.inNewNamespace()) {
      settings.forEach(groups::with);
      assertThatThrownBy(() -> groups.start(new NotificationsGroup()))
          .hasMessageContaining("NATS_URL=***")
          .hasMessageNotContaining("canary");
      groups.with("NATS_URL", TestBroker.shared().url());
      assertThatThrownBy(() -> groups.start(new NotificationsGroup()))
          .hasMessageContaining("OTEL_EXPORTER_OTLP_PROTOCOL")
          .hasMessageNotContaining("canary");
      groups.with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
      assertThatThrownBy(() -> groups.start(new NotificationsGroup()))
          .hasMessageContaining("OTEL_TRACES_SAMPLER")
          .hasMessageNotContaining("canary");
      groups.with("OTEL_TRACES_SAMPLER", "always_on");
      assertThatThrownBy(() -> groups.start(new NotificationsGroup()))
          .hasMessageContaining("WEBHOOK_SECRET=***")
          .hasMessageNotContaining("canary");
      groups.with("WEBHOOK_SECRET", "whsec_" + HOOK_SECRET);
      assertThatThrownBy(() -> groups.start(new NotificationsGroup()))
          .hasMessageContaining("SMTP_TLS=none")
          .hasMessageNotContaining("canary");
    }
  }

  /** How often each fact was told at level info, with its order and its trace. */
  private static Map<String, Integer> told(List<String> lines) {
    Map<String, Integer> told = new TreeMap<>();
    for (String line : lines) {
      JsonObject parsed = new JsonObject(line);
      if (parsed.getString("level").equals("info")
          && LINES.containsValue(parsed.getString("msg"))) {
        told.merge(
            key(
                parsed.getString("order_id"),
                parsed.getString("trace_id"),
                parsed.getString("msg")),
            1,
            Integer::sum);
      }
    }
    return told;
  }

  private static Map<String, Integer> expected(Map<Place, Envelope<?>> facts) {
    Map<String, Integer> expected = new TreeMap<>();
    facts.forEach(
        (place, fact) ->
            expected.put(key(place.orderId(), fact.traceId(), LINES.get(place.type())), 1));
    return expected;
  }

  private static String key(String orderId, String traceId, String message) {
    return message + " of " + orderId + " in " + traceId;
  }
}
