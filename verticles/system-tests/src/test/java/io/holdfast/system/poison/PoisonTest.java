package io.holdfast.system.poison;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.audit.AuditGroup;
import io.holdfast.audit.domain.LedgerLine;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.events.Ids;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.Subjects;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.launcher.reconcile.Books;
import io.holdfast.launcher.reconcile.GatewayLedger;
import io.holdfast.launcher.reconcile.Until;
import io.holdfast.launcher.reconcile.Violation;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.system.poison.Forms.Form;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Nats;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: nothing that anybody may put on a domain's subject stops an order, gets lost, or is taken
 * for a fact. Method: every service over a real broker; every form of poison on every subject,
 * among orders that come in all the time, and on the orders' own subjects. Who meets what is
 * written down here and not asked of the code.
 */
class PoisonTest {

  private static final Map<EventType, Set<String>> WHO_MEETS_IT = new EnumMap<>(EventType.class);

  static {
    WHO_MEETS_IT.put(EventType.ORDER_CREATED, Set.of("inventory-reserve"));
    WHO_MEETS_IT.put(EventType.ORDER_CONFIRMED, Set.of("notifications-send"));
    WHO_MEETS_IT.put(
        EventType.ORDER_CANCELLED,
        Set.of("inventory-release", "payments-compensate", "notifications-send"));
    WHO_MEETS_IT.put(EventType.INVENTORY_RESERVED, Set.of("payments-charge"));
    WHO_MEETS_IT.put(EventType.INVENTORY_REJECTED, Set.of("orders-reject"));
    WHO_MEETS_IT.put(EventType.INVENTORY_RELEASED, Set.of());
    WHO_MEETS_IT.put(EventType.STOCK_LEVEL_CHANGED, Set.of());
    WHO_MEETS_IT.put(EventType.STOCK_RECEIVED, Set.of());
    WHO_MEETS_IT.put(EventType.PAYMENT_PROCESSED, Set.of("orders-settle"));
    WHO_MEETS_IT.put(EventType.PAYMENT_FAILED, Set.of("orders-settle"));
    WHO_MEETS_IT.put(EventType.PAYMENT_VOIDED, Set.of());
    WHO_MEETS_IT.put(EventType.PAYMENT_REFUNDED, Set.of());
    WHO_MEETS_IT.put(EventType.NOTIFICATION_SENT, Set.of());
  }

  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path folder;

  private final Map<String, String> urls = new HashMap<>();
  private final Map<Place, Poison> poisons = new LinkedHashMap<>();
  private final List<String> orders = new ArrayList<>();
  private TestGroups groups;
  private Streams streams;
  private Connection attacker;
  private int sent;

  private record Place(String stream, long sequence) {}

  private record Poison(
      String name, String subject, Buffer bytes, Set<String> consumers, String reason) {
    byte[] body() {
      return bytes.getBytes();
    }
  }

  @BeforeEach
  void start() throws Exception {
    groups =
        TestGroups.inNewNamespace()
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20");
    start("gateway", new GatewayGroup());
    groups.with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
    start("orders", new OrdersGroup());
    start("inventory", new InventoryGroup());
    start("payments", new PaymentsGroup());
    start("notifications", new NotificationsGroup());
    start("audit", new AuditGroup());
    streams = new Streams(TestBroker.shared().url(), groups.namespace(), StreamCatalog.AUDITED);
    attacker = Nats.connect(TestBroker.shared().url());
    Http.post(
        urls.get("inventory") + "/stock/cup/receipts",
        new JsonObject().put("quantity", 1_000),
        "Idempotency-Key",
        "first");
  }

  private void start(String name, VerticleGroup group) {
    urls.put(name, TestGroups.url(groups.start(group)));
  }

  @AfterEach
  void stop() throws Exception {
    attacker.close();
    streams.close();
    groups.close();
  }

  @Test
  void nothing_that_is_put_on_our_subjects_stops_an_order_gets_lost_or_is_taken_for_a_fact()
      throws Exception {
    place(5);
    for (EventType type : WHO_MEETS_IT.keySet()) {
      for (Form form : Forms.ALL) {
        put(type, "id" + sent, form, null);
      }
      for (Form huge : WHO_MEETS_IT.get(type).isEmpty() ? List.<Form>of() : Forms.HUGE) {
        put(type, "id" + sent, huge, null);
      }
      put(type, "id" + sent, Forms.ALL.getFirst(), forgedHeaders());
      put(type, "f{rb}dden!", Forms.ALL.getFirst(), null);
      put(type, "x".repeat(200), Forms.ALL.getFirst(), null);
      put(type, "b\u00f6se", Forms.ALL.getFirst(), null);
      for (String headers : Forms.HEADERS_THAT_ARE_NONE) {
        putUnder(type, headers);
      }
      place(1);
    }
    strangeSubjects();
    behindTheFactsOfLiveOrders();
    place(5);

    awaitTheEnds();
    everyPoisonIsParkedOnceByEachWhoMetIt();
    theLedgerHoldsItAsItStands();
    theBooksNameNothingLost();
    urls.forEach(
        (name, url) ->
            assertThat(Http.get(url + "/ready").status()).as(name + " is ready").isEqualTo(200));
  }

  private Map<String, String> forgedHeaders() {
    return Forms.forgedHeaders(groups.namespace(), orders.getLast());
  }

  /** No fact of ours is there, and no consumer; or the broker does not take it at all. */
  private void strangeSubjects() throws Exception {
    for (String subject :
        List.of("orders.teleported.a1", "inventory.x.y", "stock.x.y", "payments.processed2.a1")) {
      put("no such fact", subject, "hello".getBytes(StandardCharsets.UTF_8), Set.of(), "", null);
    }
    for (String subject : List.of("orders.created", "orders.created.a.b", "payments.processed")) {
      assertThatThrownBy(() -> publish(subject, new byte[0], new Headers()))
          .as("no stream takes " + subject)
          .hasMessageContaining("503");
    }
    assertThatThrownBy(
            () -> publish("orders.created.a1", new byte[Forms.LARGEST + 1], new Headers()))
        .as("larger than a dead letter can quote and the ledger hold")
        .hasMessageContaining("10054");
    for (String header : List.of("Nats-Rollup:sub", "Nats-Rollup:all", "Nats-TTL:1s")) {
      String[] nameAndValue = header.split(":", -1);
      Headers headers = new Headers().put(nameAndValue[0], nameAndValue[1]);
      assertThatThrownBy(() -> publish("orders.created.a1", new byte[0], headers))
          .as(header + " could take others' messages away")
          .isInstanceOf(JetStreamApiException.class);
    }
  }

  /** The last message on a subject is then none of ours, and the fact stands behind it. */
  private void behindTheFactsOfLiveOrders() throws Exception {
    Form garbage = Forms.ALL.getFirst();
    place(3);
    for (String orderId : List.copyOf(orders.subList(orders.size() - 3, orders.size()))) {
      for (EventType type : WHO_MEETS_IT.keySet()) {
        if (!Set.of("StockReceived", "StockLevelChanged").contains(type.typeName())) {
          put(type, orderId, garbage, null);
        }
      }
    }
    put(EventType.STOCK_LEVEL_CHANGED, "cup", garbage, null);
  }

  private void put(EventType type, String id, Form form, Map<String, String> headers)
      throws Exception {
    boolean idAllowed = Ids.valid(id);
    byte[] body = form.bytes().apply(type, idAllowed ? id : "a1");
    if (body == null) {
      return;
    }
    String subject =
        new Subjects("").every(type).replace("*", id); // as whoever does not use our code would
    put(form.name(), subject, body, WHO_MEETS_IT.get(type), form.reason(), headers);
  }

  private void put(
      String name,
      String subject,
      byte[] body,
      Set<String> consumers,
      String reason,
      Map<String, String> headers)
      throws Exception {
    sent++;
    Headers all = new Headers();
    if (headers != null) {
      headers.forEach(all::put);
    }
    PublishAck ack = publish(subject, body, all);
    poisons.put(
        new Place(ack.getStream(), ack.getSeqno()),
        new Poison(
            name, streams.subjects().subject(subject), Buffer.buffer(body), consumers, reason));
  }

  /** As no client library would send it. */
  private void putUnder(EventType type, String headers) throws IOException {
    sent++;
    String subject = streams.subjects().every(type).replace("*", "id" + sent);
    byte[] block = headers.getBytes(StandardCharsets.ISO_8859_1);
    byte[] body = "hello".getBytes(StandardCharsets.UTF_8);
    URI broker = URI.create(TestBroker.shared().url());
    try (Socket socket = new Socket(broker.getHost(), broker.getPort())) {
      socket.setSoTimeout((int) LIMIT.toMillis());
      OutputStream out = socket.getOutputStream();
      out.write(
          ("CONNECT {\"verbose\":false,\"headers\":true}\r\n"
                  + "SUB answer 1\r\n"
                  + ("HPUB " + subject + " answer ")
                  + (block.length + " " + (block.length + body.length) + "\r\n"))
              .getBytes(StandardCharsets.US_ASCII));
      out.write(block);
      out.write(body);
      out.write(new byte[] {'\r', '\n'});
      out.flush();
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      String line = in.readLine();
      while (!line.startsWith("MSG answer")) {
        line = in.readLine();
      }
      JsonObject ack = new JsonObject(in.readLine());
      poisons.put(
          new Place(ack.getString("stream"), ack.getLong("seq")),
          new Poison(
              "headers " + headers,
              subject,
              Buffer.buffer(body),
              WHO_MEETS_IT.get(type),
              "undecodable"));
    }
  }

  private PublishAck publish(String subject, byte[] body, Headers headers)
      throws IOException, JetStreamApiException {
    return attacker.jetStream().publish(streams.subjects().subject(subject), headers, body);
  }

  private void place(int count) {
    for (int i = 0; i < count; i++) {
      Http.Answer answer =
          Http.post(
              urls.get("orders") + "/orders",
              new JsonObject()
                  .put("customer_id", "c-1")
                  .put("currency", "EUR")
                  .put(
                      "items",
                      new JsonArray()
                          .add(
                              new JsonObject()
                                  .put("sku", "cup")
                                  .put("quantity", 1)
                                  .put("unit_price", 10))));
      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      orders.add(answer.json().getString("order_id"));
    }
  }

  private void awaitTheEnds() {
    for (String orderId : orders) {
      eventually(
          orderId + " is confirmed",
          LIMIT,
          () -> Http.get(urls.get("orders") + "/orders/" + orderId).json().getString("status"),
          "confirmed"::equals);
    }
    eventually("everything is settled", LIMIT, this::unsettled, Map::isEmpty);
    eventually("everything is sealed", LIMIT, () -> verdict().getLong("unsealed"), n -> n == 0);
  }

  private Map<String, ConsumerState> unsettled() {
    Map<String, ConsumerState> left = new TreeMap<>();
    StreamCatalog.CONSUMERS.forEach(
        consumer -> {
          ConsumerState state =
              Streams.get(
                  streams
                      .reader()
                      .consumer(streams.subjects().stream(consumer.stream()), consumer.name()));
          if (state.pending() + state.unacknowledged() > 0) {
            left.put(consumer.name(), state);
          }
        });
    return left;
  }

  private JsonObject verdict() {
    return new JsonObject(
        Http.get(urls.get("audit") + "/audit/verify")
            .body()
            .lines()
            .reduce((a, b) -> b)
            .orElseThrow());
  }

  private void everyPoisonIsParkedOnceByEachWhoMetIt() {
    Map<Place, List<MessageDeadLettered>> parked = new LinkedHashMap<>();
    for (Envelope<?> envelope : streams.facts("DEADLETTERS")) {
      MessageDeadLettered letter = (MessageDeadLettered) envelope.event();
      parked
          .computeIfAbsent(new Place(letter.stream(), letter.sequence()), p -> new ArrayList<>())
          .add(letter);
    }
    List<String> wrong = new ArrayList<>();
    poisons.forEach(
        (place, poison) -> {
          List<MessageDeadLettered> letters = parked.getOrDefault(place, List.of());
          List<String> by = letters.stream().map(MessageDeadLettered::consumer).sorted().toList();
          if (!by.equals(poison.consumers().stream().sorted().toList())) {
            wrong.add(poison.name() + " on " + poison.subject() + " was parked by " + by);
          }
          for (MessageDeadLettered letter : letters) {
            if (!letter.reason().equals(poison.reason())) {
              wrong.add(
                  "%s on %s was parked for %s, not for %s: %s"
                      .formatted(
                          poison.name(),
                          poison.subject(),
                          letter.reason(),
                          poison.reason(),
                          letter.error()));
            }
            if (!letter.subject().equals(poison.subject()) || !quotes(letter, poison.body())) {
              wrong.add(poison.name() + " is quoted wrongly by " + letter.consumer());
            }
          }
        });
    parked.keySet().removeAll(poisons.keySet());
    assertThat(wrong).as("parked otherwise than expected").isEmpty();
    assertThat(parked).as("parked, and no poison").isEmpty();
  }

  private static boolean quotes(MessageDeadLettered letter, byte[] body) {
    if (letter.payload() != null) {
      return Arrays.equals(letter.payload().getBytes(StandardCharsets.UTF_8), body);
    }
    return letter.payloadBase64() != null
        && Arrays.equals(Base64.getDecoder().decode(letter.payloadBase64()), body);
  }

  private void theLedgerHoldsItAsItStands() {
    JsonObject verdict = verdict();
    assertThat(verdict.getBoolean("valid")).as(verdict.encode()).isTrue();
    Set<String> lines = new HashSet<>();
    for (RawMessage block : streams.messages("AUDIT")) {
      // Byte by byte: what is no UTF-8 must not stand there as text, but it could.
      lines.addAll(new String(block.body(), StandardCharsets.ISO_8859_1).lines().toList());
    }
    Map<Place, RawMessage> stored = new HashMap<>();
    for (String stream : StreamCatalog.AUDITED) {
      for (RawMessage message : streams.messages(stream)) {
        stored.put(new Place(message.stream(), message.sequence()), message);
      }
    }
    poisons.forEach(
        (place, poison) -> {
          RawMessage message = stored.get(place);
          assertThat(message.body()).as(poison.name()).isEqualTo(poison.body());
          assertThat(message.subject()).as(poison.name()).isEqualTo(poison.subject());
          byte[] line =
              LedgerLine.of(
                  place.stream().substring(place.stream().indexOf('_') + 1),
                  place.sequence(),
                  poison.subject(),
                  message.storedAt(),
                  poison.body());
          byte[] fullName =
              LedgerLine.of(
                  place.stream(),
                  place.sequence(),
                  poison.subject(),
                  message.storedAt(),
                  poison.body());
          assertThat(lines)
              .as("the ledger's line of " + poison.name() + " at " + place)
              .containsAnyOf(
                  new String(line, StandardCharsets.ISO_8859_1),
                  new String(fullName, StandardCharsets.ISO_8859_1));
        });
  }

  private void theBooksNameNothingLost() {
    Books books = new Books(streams.subjects());
    orders.forEach(books::accepted);
    for (String stream : StreamCatalog.AUDITED) {
      for (RawMessage message : streams.messages(stream)) {
        books.read(message.subject(), message.sequence(), message.body());
      }
    }
    assertThat(books.foreign()).as("messages that are no facts of ours").isEqualTo(poisons.size());
    assertThat(books.confirmedCount()).isEqualTo(orders.size());
    assertThat(books.parked()).as("orders that wait for an operator").isEmpty();
    // A level that cannot be read is the one foreign message that puts a promise in doubt.
    Set<Long> levels = new TreeSet<>();
    poisons.forEach(
        (place, poison) -> {
          if (poison.subject().contains("stock.level.")
              && Ids.valid(Subjects.lastToken(poison.subject()))) {
            levels.add(place.sequence());
          }
        });
    assertThat(books.check(Until.theEnd()))
        .extracting(Violation::sequence)
        .containsExactlyInAnyOrderElementsOf(levels);
    byte[] ledger =
        Http.get(urls.get("gateway") + "/simulator/ledger").body().getBytes(StandardCharsets.UTF_8);
    assertThat(
            books.checkCharges(
                new GatewayLedger(() -> new ByteArrayInputStream(ledger)), Until.theEnd()))
        .isEmpty();
  }
}
