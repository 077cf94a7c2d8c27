package io.holdfast.orders;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.Origin;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * A namespace in which orders is the real group, and the test has the roles of customers, inventory
 * and payments.
 */
final class Orders implements AutoCloseable {

  static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  static final BigDecimal AMOUNT = new BigDecimal("40.00");
  static final List<Item> ITEMS = List.of(new Item("bulb", 4, new BigDecimal("10.00")));

  private final TestGroups groups;
  private final TestGroups elsewhere;
  private final Streams streams;

  private Orders(String natsUrl) {
    String namespace = TestBroker.newNamespace();
    this.groups = TestGroups.on(natsUrl, namespace);
    this.elsewhere = TestGroups.on(natsUrl, namespace);
    this.streams =
        new Streams(natsUrl, namespace, Set.of("ORDERS", "INVENTORY", "PAYMENTS", "DEADLETTERS"));
  }

  static Orders on(String natsUrl) {
    return new Orders(natsUrl);
  }

  static Orders inNewNamespace() {
    return new Orders(TestBroker.shared().url());
  }

  Orders with(String variable, String value) {
    groups.with(variable, value);
    return this;
  }

  RunningGroup startGroup() {
    return groups.start(new OrdersGroup());
  }

  /** Starts a replica; returns its base address. */
  String start() {
    return TestGroups.url(startGroup());
  }

  /** Starts a replica as in another process, with a connection of its own. */
  String startElsewhere() {
    return TestGroups.url(elsewhere.start(new OrdersGroup()));
  }

  Streams streams() {
    return streams;
  }

  /** What most orders here ask for. */
  static JsonObject request() {
    return new JsonObject()
        .put("customer_id", "c1")
        .put("amount", AMOUNT)
        .put("currency", "EUR")
        .put("items", new JsonArray().add(item("bulb", 4, "10.00")))
        .put("payment_method", "pm_card_visa");
  }

  static JsonObject item(String sku, Object quantity, String unitPrice) {
    return new JsonObject()
        .put("sku", sku)
        .put("quantity", quantity)
        .put("unit_price", new BigDecimal(unitPrice));
  }

  /** Places an order that is accepted; returns its id. */
  static String placed(String url) {
    Answer answer =
        Http.post(
            url + "/orders", request(), "traceparent", "00-" + TRACE + "-00f067aa0ba902b7-01");
    assertThat(answer.status()).isEqualTo(202);
    return answer.json().getString("order_id");
  }

  static JsonObject show(String url, String orderId) {
    Answer answer = Http.get(url + "/orders/" + orderId);
    assertThat(answer.status()).isEqualTo(200);
    return answer.json();
  }

  static Answer cancel(String url, String orderId) {
    return Http.post(url + "/orders/" + orderId + "/cancel", "");
  }

  /** Stores a charge, as payments would. */
  void paid(String orderId) {
    store(processed(orderId, origin(orderId)));
  }

  static PaymentProcessed processed(String orderId, Origin origin) {
    return new PaymentProcessed(
        orderId, "c1", AMOUNT, "EUR", "pi_1", ITEMS, "pm_card_visa", origin);
  }

  void declined(String orderId) {
    store(new PaymentFailed(orderId, "c1", "card_declined", "No", origin(orderId)));
  }

  /** Stores a refusal, as inventory would. */
  void rejected(String orderId) {
    List<Shortage> shortages = List.of(new Shortage("bulb", 4, 1));
    store(new InventoryRejected(orderId, "c1", "out_of_stock", shortages, origin(orderId)));
  }

  void store(Event fact) {
    assertThat(get(streams.events().append(Envelope.once(fact, Instant.now(), TRACE), 0)))
        .isInstanceOf(Appended.class);
  }

  Origin origin(String orderId) {
    Stored created = history(orderId).events().getFirst();
    return new Origin(created.sequence(), created.envelope().timestamp());
  }

  /** What ORDERS says of an order by now. */
  History history(String orderId) {
    return get(streams.events().load(Domain.ORDERS, orderId));
  }

  List<Event> facts(String orderId) {
    return history(orderId).events().stream().<Event>map(s -> s.envelope().event()).toList();
  }

  /** The order's one final fact, waited for. */
  OrderEvent end(String orderId) {
    List<OrderEvent> ends =
        eventually(orderId + " is final", () -> ends(orderId), found -> !found.isEmpty());
    assertThat(ends).hasSize(1);
    return ends.getFirst();
  }

  List<OrderEvent> ends(String orderId) {
    return facts(orderId).stream()
        .filter(fact -> fact instanceof OrderConfirmed || fact instanceof OrderCancelled)
        .map(OrderEvent.class::cast)
        .toList();
  }

  void awaitSettled() {
    streams.awaitSettled("PAYMENTS", "orders-settle");
    streams.awaitSettled("INVENTORY", "orders-reject");
  }

  @Override
  public void close() {
    elsewhere.close();
    groups.close();
    streams.close();
  }
}
