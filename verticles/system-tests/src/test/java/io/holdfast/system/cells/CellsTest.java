package io.holdfast.system.cells;

import static io.holdfast.testkit.Eventually.eventually;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.Subjects;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.launcher.reconcile.Books;
import io.holdfast.launcher.reconcile.GatewayLedger;
import io.holdfast.launcher.reconcile.Until;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.system.Shop;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: cells, which differ by their NAMESPACE alone, share a broker and a payment gateway's
 * account and nothing else. Method: every service twice, with customers who send the same keys to
 * both; then each cell's books are held against what it alone was asked for, and one of them is
 * stopped.
 */
class CellsTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String CONFIRMED = "confirmed";
  private static final String CANCELLED = "cancelled";

  /** A cell's streams, without its namespace; TIMERS besides them may be there or not. */
  private static final List<String> STREAMS =
      StreamCatalog.STREAMS.stream().map(StreamCatalog.StreamSpec::name).toList();

  @TempDir Path folder;

  private final List<Cell> cells = new ArrayList<>();
  private NatsServer broker;
  private TestGroups outside;
  private String gateway;

  /** A system, and what its customers sent to it, by the key. */
  private record Cell(Shop shop, Map<String, Order> orders) {

    Subjects subjects() {
      return shop.streams().subjects();
    }

    /** What is in this cell's messages and may be in no other's. */
    Stream<String> ids() {
      return orders.values().stream().flatMap(order -> Stream.of(order.id(), order.trace()));
    }

    long confirmed() {
      return orders.values().stream().filter(order -> order.end().equals(CONFIRMED)).count();
    }
  }

  /**
   * @param amount in the currency's smallest unit
   * @param end that it must come to
   */
  private record Order(String id, String trace, long amount, String end) {}

  @BeforeEach
  void start() throws IOException {
    broker = TestBroker.own(Files.createDirectory(folder.resolve("broker")));
    outside =
        TestGroups.on(broker.url(), "")
            .with("LEDGER_FILE", folder.resolve("charges.jsonl").toString());
    gateway = TestGroups.url(outside.start(new GatewayGroup()));
  }

  @AfterEach
  void stop() {
    cells.forEach(cell -> cell.shop().close());
    outside.close();
    broker.close();
  }

  @ParameterizedTest(name = "\"{0}\" and \"{1}\"")
  @CsvSource({"'',east", "east,east-2"})
  void cells_share_a_broker_and_a_gateway_and_nothing_else(String first, String second)
      throws Exception {
    Cell one = open(first);
    Cell two = open(second);
    receive(one, "cup", 100);
    receive(two, "cup", 40);
    receive(one, "last-vase", 1);
    receive(two, "last-vase", 1);
    receive(one, "bowl", 5);

    place(one, "same-order", "cup", 1, "pm_card_visa", CONFIRMED);
    place(two, "same-order", "cup", 1, "pm_card_visa", CONFIRMED);
    place(one, "other-amount", "cup", 1, "pm_card_visa", CONFIRMED);
    place(two, "other-amount", "cup", 3, "pm_card_visa", CONFIRMED);
    place(one, "declined-here", "cup", 1, "pm_card_chargeDeclined", CANCELLED);
    place(two, "declined-here", "cup", 1, "pm_card_visa", CONFIRMED);
    place(one, "last-piece", "last-vase", 1, "pm_card_visa", CONFIRMED);
    place(two, "last-piece", "last-vase", 1, "pm_card_visa", CONFIRMED);
    place(one, "only-here", "bowl", 1, "pm_card_visa", CONFIRMED);
    place(two, "only-here", "bowl", 1, "pm_card_visa", CANCELLED);
    for (Cell cell : cells) {
      each_order_comes_to_its_end(cell);
    }

    assertThat(stock(one))
        .isEqualTo(Map.of("cup", "98 of 100", "last-vase", "0 of 1", "bowl", "4 of 5"));
    assertThat(stock(two)).isEqualTo(Map.of("cup", "35 of 40", "last-vase", "0 of 1"));
    each_confirmed_order_was_paid_once_whichever_cell_it_is_of();
    the_books_are_right(one, two);
    the_books_are_right(two, one);
    holds_nothing_of(two, one);
    holds_nothing_of(one, two);
    assertThat(streamsAtTheBroker())
        .as("each cell has all of its streams, and nobody has others")
        .filteredOn(name -> !name.endsWith(StreamCatalog.TIMERS))
        .containsExactlyInAnyOrderElementsOf(
            cells.stream().flatMap(cell -> STREAMS.stream().map(cell.subjects()::stream)).toList());

    // Whoever stops a cell stops that cell.
    Map<String, Long> before = ends(one, two);
    cells.remove(one);
    one.shop().close();
    place(two, "afterwards", "cup", 2, "pm_card_visa", CONFIRMED);
    each_order_comes_to_its_end(two);
    assertThat(stock(two)).containsEntry("cup", "33 of 40");
    the_books_are_right(two, one);
    assertThat(ends(one, two)).as("nobody wrote to the cell that stands still").isEqualTo(before);
  }

  private Cell open(String namespace) {
    Map<String, String> settings =
        Map.of(
            "NAMESPACE",
            namespace,
            "LEDGER_FILE",
            folder.resolve("not-used-" + namespace).toString());
    Cell cell =
        new Cell(Shop.open(broker.url(), folder, settings, its -> gateway), new LinkedHashMap<>());
    cells.add(cell);
    return cell;
  }

  /** By one key for a sku in whichever cell. */
  private static void receive(Cell cell, String sku, int quantity) {
    cell.shop().receive(sku, quantity);
  }

  private static void place(
      Cell cell, String key, String sku, int quantity, String card, String end) {
    JsonObject order = Shop.order("c-1", sku).put("payment_method", card);
    order.getJsonArray("items").getJsonObject(0).put("quantity", quantity);
    JsonObject placed = cell.shop().place(order, "Idempotency-Key", key);
    cell.orders()
        .put(
            key,
            new Order(
                placed.getString("order_id"),
                placed.getString("trace_id"),
                quantity * 1_000L,
                end));
    assertThat(cell.shop().place(order, "Idempotency-Key", key))
        .as("the same again")
        .isEqualTo(placed);
  }

  private static void each_order_comes_to_its_end(Cell cell) {
    cell.orders().values().forEach(order -> cell.shop().awaitStatus(order.id(), order.end()));
    cell.shop().awaitSettled();
    eventually("all is sealed", LIMIT, () -> verdict(cell).getLong("unsealed"), left -> left == 0);
  }

  /** What may be sold of what was received, by sku. */
  private static Map<String, String> stock(Cell cell) {
    return objects(Http.get(cell.shop().url("inventory") + "/stock").jsonArray()).stream()
        .collect(
            toMap(
                level -> level.getString("sku"),
                level -> level.getLong("available") + " of " + level.getLong("received")));
  }

  private void each_confirmed_order_was_paid_once_whichever_cell_it_is_of() {
    Map<String, Long> owed = new TreeMap<>();
    for (Cell cell : cells) {
      cell.orders().values().stream()
          .filter(order -> order.end().equals(CONFIRMED))
          .forEach(order -> assertThat(owed.put(order.id(), order.amount())).isNull());
    }
    List<JsonObject> charges =
        objects(Http.get(gateway + "/simulator/ledger").json().getJsonArray("charges"));
    assertThat(charges).hasSameSizeAs(owed.keySet());
    assertThat(charges)
        .allSatisfy(
            charge -> {
              assertThat(charge.getString("status")).isEqualTo("succeeded");
              assertThat(charge.getLong("amount"))
                  .isEqualTo(owed.get(charge.getString("order_id")));
            });
  }

  /** As {@code reconcile} does it for a cell: the gateway's other charges are somebody else's. */
  private void the_books_are_right(Cell cell, Cell other) {
    Books books = new Books(cell.subjects());
    cell.orders().values().forEach(order -> books.accepted(order.id()));
    long messages = 0;
    for (String stream : StreamCatalog.AUDITED) {
      for (RawMessage message : cell.shop().streams().messages(stream)) {
        books.read(message.subject(), message.sequence(), message.body());
        messages++;
      }
    }
    byte[] charges =
        Http.get(gateway + "/simulator/ledger").body().getBytes(StandardCharsets.UTF_8);
    assertThat(books.check(Until.theEnd())).isEmpty();
    assertThat(
            books.checkCharges(
                new GatewayLedger(() -> new ByteArrayInputStream(charges)), Until.theEnd()))
        .isEmpty();
    assertThat(books.charges()).isEqualTo(cell.confirmed() + other.confirmed());
    assertThat(books.unknownCharges()).isEqualTo(other.confirmed());
    assertThat(books.orderCount()).isEqualTo(cell.orders().size());
    assertThat(books.confirmedCount()).isEqualTo(cell.confirmed());
    assertThat(books.deadLetters() + books.foreign()).isZero();

    JsonObject ledger = verdict(cell);
    assertThat(ledger.getBoolean("valid")).as(ledger.encode()).isTrue();
    assertThat(ledger.getLong("events")).as(ledger.encode()).isEqualTo(messages);
  }

  private static void holds_nothing_of(Cell other, Cell cell) {
    Set<String> foreign = new TreeSet<>(other.ids().toList());
    assertThat(cell.ids()).doesNotContainAnyElementsOf(foreign);
    Streams streams = cell.shop().streams();
    for (String stream : STREAMS) {
      for (RawMessage message : streams.messages(stream)) {
        String all = message.subject() + " " + new String(message.body(), StandardCharsets.UTF_8);
        assertThat(foreign).as(all).noneMatch(all::contains);
        assertThat(message.subject()).startsWith(streams.subjects().subject(""));
      }
    }
    for (Order order : other.orders().values()) {
      String orders = cell.shop().url("orders") + "/orders/" + order.id();
      assertThat(Http.get(orders).status()).isEqualTo(404);
      assertThat(Http.post(orders + "/cancel", "").status()).isEqualTo(404);
      assertThat(Http.get(cell.shop().url("payments") + "/payments/" + order.id()).status())
          .isEqualTo(404);
      assertThat(Http.get(cell.shop().url("audit") + "/audit/orders/" + order.id()).status())
          .isEqualTo(404);
    }
  }

  private static JsonObject verdict(Cell cell) {
    String lines = Http.get(cell.shop().url("audit") + "/audit/verify").body();
    return new JsonObject(lines.lines().reduce((a, b) -> b).orElseThrow());
  }

  @SuppressWarnings("try") // that close() may be interrupted
  private List<String> streamsAtTheBroker() throws Exception {
    try (Connection connection = Nats.connect(broker.url())) {
      return connection.jetStreamManagement().getStreamNames();
    }
  }

  /** Where a cell's streams end, asked by another one's connection. */
  private static Map<String, Long> ends(Cell of, Cell asked) {
    return STREAMS.stream()
        .map(of.subjects()::stream)
        .collect(
            toMap(
                name -> name,
                name -> Streams.get(asked.shop().streams().reader().state(name)).lastSequence()));
  }

  private static List<JsonObject> objects(JsonArray array) {
    return array.stream().map(JsonObject.class::cast).toList();
  }
}
