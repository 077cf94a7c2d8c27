package io.holdfast.inventory;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A namespace in which inventory is the real group, and the test has the role of orders. */
final class Inventory implements AutoCloseable {

  static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  private final TestGroups groups;
  private final Streams streams;

  private Inventory(String natsUrl) {
    String namespace = TestBroker.newNamespace();
    this.groups = TestGroups.on(natsUrl, namespace);
    this.streams = new Streams(natsUrl, namespace, Set.of("ORDERS", "INVENTORY", "DEADLETTERS"));
  }

  static Inventory on(String natsUrl) {
    return new Inventory(natsUrl);
  }

  static Inventory inNewNamespace() {
    return new Inventory(TestBroker.shared().url());
  }

  /** Starts a replica; returns its base address. */
  String start() {
    return TestGroups.url(groups.start(new InventoryGroup()));
  }

  RunningGroup startGroup() {
    return groups.start(new InventoryGroup());
  }

  Inventory with(String variable, String value) {
    groups.with(variable, value);
    return this;
  }

  Streams streams() {
    return streams;
  }

  String namespace() {
    return groups.namespace();
  }

  /** Stores an order, as orders would; returns its stream sequence. */
  long created(String orderId, Item... items) {
    return created(orderId, 0, items);
  }

  long created(String orderId, long lastSequence, Item... items) {
    return stored(get(publishCreated(orderId, lastSequence, items)));
  }

  Future<AppendResult> publishCreated(String orderId, Item... items) {
    return publishCreated(orderId, 0, items);
  }

  private Future<AppendResult> publishCreated(String orderId, long lastSequence, Item... items) {
    OrderEvent order =
        new OrderCreated(orderId, "c1", BigDecimal.TEN, "EUR", List.of(items), "pm_card_visa");
    return streams.events().append(Envelope.once(order, Instant.now(), TRACE), lastSequence);
  }

  /** Cancels an order, as orders would; returns the stream sequence. */
  long cancelled(String orderId, long lastSequence) {
    OrderEvent fact = new OrderCancelled(orderId, "c1", CancelReason.CUSTOMER_REQUEST, null);
    return stored(
        get(streams.events().append(Envelope.once(fact, Instant.now(), TRACE), lastSequence)));
  }

  private static long stored(AppendResult result) {
    assertThat(result).isInstanceOf(Appended.class);
    return ((Appended) result).sequence();
  }

  static Item item(String sku, int quantity) {
    return new Item(sku, quantity, BigDecimal.ONE);
  }

  static Answer receive(String url, String sku, Object quantity, String key) {
    return Http.post(
        url + "/stock/" + sku + "/receipts",
        new JsonObject().put("quantity", quantity),
        "Idempotency-Key",
        key);
  }

  /** What INVENTORY says of an order by now. */
  History history(String orderId) {
    return get(streams.events().load(Domain.INVENTORY, orderId));
  }

  /** The fact of this type, waited for. */
  <E extends InventoryEvent> E fact(Class<E> type, String orderId) {
    return eventually(
            orderId + " has " + type.getSimpleName(),
            () -> history(orderId).find(type),
            found -> found.isPresent())
        .orElseThrow();
  }

  /** Received, available and reserved, as stored; zeros for a sku that never came in. */
  List<Long> level(String sku) {
    return get(streams.events().loadAll(Domain.STOCK, List.of(sku))).stream()
        .map(stored -> (StockLevelChanged) stored.envelope().event())
        .map(level -> List.of(level.received(), level.available(), level.reserved()))
        .findFirst()
        .orElse(List.of(0L, 0L, 0L));
  }

  /** All facts, in stream order. */
  List<Event> facts() {
    return streams.facts("INVENTORY").stream().<Event>map(Envelope::event).toList();
  }

  /** How many facts of a type there are. */
  long count(Class<? extends Event> type) {
    return facts().stream().filter(type::isInstance).count();
  }

  void awaitSettled() {
    streams.awaitSettled("ORDERS", "inventory-reserve");
    streams.awaitSettled("ORDERS", "inventory-release");
  }

  /**
   * Counts the whole stream again from its facts alone: every level must be what receipts,
   * reservations and releases before it come to, and no fact may be there twice.
   */
  void assertThatSumsAddUp() {
    Map<String, Long> received = new HashMap<>();
    Map<String, Long> reserved = new HashMap<>();
    Map<String, List<Long>> levels = new HashMap<>();
    List<Envelope<?>> facts = streams.facts("INVENTORY");
    assertThat(facts).extracting(Envelope::id).doesNotHaveDuplicates();
    for (Envelope<?> fact : facts) {
      switch (fact.event()) {
        case StockReceived goods -> received.merge(goods.sku(), goods.quantity(), Long::sum);
        case InventoryReserved held ->
            held.items().forEach(i -> reserved.merge(i.sku(), (long) i.quantity(), Long::sum));
        case InventoryReleased free ->
            free.items().forEach(i -> reserved.merge(i.sku(), -(long) i.quantity(), Long::sum));
        case StockLevelChanged level ->
            levels.put(level.sku(), List.of(level.received(), level.available(), level.reserved()));
        case InventoryRejected rejected -> assertThat(rejected.shortages()).isNotEmpty();
        default -> throw new AssertionError("not inventory's: " + fact);
      }
    }
    levels.forEach(
        (sku, level) -> {
          long in = received.getOrDefault(sku, 0L);
          long held = reserved.getOrDefault(sku, 0L);
          assertThat(level).as(sku).containsExactly(in, in - held, held);
        });
    assertThat(levels.keySet()).containsAll(received.keySet()).containsAll(reserved.keySet());
  }

  @Override
  public void close() {
    groups.close();
    streams.close();
  }
}
