package io.holdfast.payments;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.Money;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.Origin;
import io.holdfast.events.PaymentEvent;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.payments.PaymentGateway.ChargeResult;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.stripe.StripeGateway;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.resilience.Breaker;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A namespace in which payments is the real group and the gateway the real simulator; the test has
 * the roles of inventory and orders.
 */
final class Payments implements AutoCloseable {

  static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  static final BigDecimal AMOUNT = new BigDecimal("40.00");
  static final List<Item> ITEMS = List.of(new Item("bulb", 4, BigDecimal.TEN));
  static final Origin ORIGIN = new Origin(7, Instant.parse("2026-11-21T10:00:00Z"));

  private final TestGroups groups;
  private final Streams streams;
  private final String gateway;

  /** With a gateway whose ledger is in this folder; payments is not started yet. */
  Payments(Path folder) {
    this(folder, TestBroker.shared().url(), Map.of());
  }

  /**
   * @param more variables, the gateway's too
   */
  Payments(Path folder, String natsUrl, Map<String, String> more) {
    groups = TestGroups.on(natsUrl, TestBroker.newNamespace());
    streams =
        new Streams(
            natsUrl, groups.namespace(), Set.of("ORDERS", "INVENTORY", "PAYMENTS", "DEADLETTERS"));
    more.forEach(groups::with);
    groups.with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString());
    groups.with("GATEWAY_SEED", "7");
    gateway = TestGroups.url(groups.start(new GatewayGroup()));
    groups.with("PAYMENT_GATEWAY_URL", gateway);
    groups.with("BREAKER_RESET_MS", "200");
  }

  Payments with(String variable, String value) {
    groups.with(variable, value);
    return this;
  }

  /** Puts a line between payments and the gateway; for groups that are started after this. */
  GatewayLine line() {
    GatewayLine line = new GatewayLine(groups.vertx(), gateway);
    groups.with("PAYMENT_GATEWAY_URL", line.url());
    return line;
  }

  RunningGroup start() {
    return groups.start(new PaymentsGroup());
  }

  Streams streams() {
    return streams;
  }

  /** Names and values in turn. */
  void faults(Object... faults) {
    JsonObject body = new JsonObject();
    for (int i = 0; i < faults.length; i += 2) {
      body.put((String) faults[i], faults[i + 1]);
    }
    assertThat(Http.put(gateway + "/simulator/faults", body).status()).isEqualTo(200);
  }

  /** Stores a reservation, as inventory would. */
  void reserved(String orderId) {
    reserved(orderId, "pm_card_visa");
  }

  void reserved(String orderId, String paymentMethod) {
    store(new InventoryReserved(orderId, "c1", AMOUNT, "EUR", ITEMS, paymentMethod, ORIGIN));
  }

  /**
   * Charges a reservation exactly as a replica does that dies before it can record that; returns
   * the gateway's id of it.
   */
  String chargeAsAReplicaThatDies(String orderId) {
    ChargeResult result =
        get(
            stripe(gateway, "sk_test_holdfast")
                .charge(orderId, Money.of(AMOUNT, "EUR"), "pm_card_visa", "charge:" + orderId));
    assertThat(ledger(orderId)).containsExactly("succeeded");
    return ((Charged) result).paymentId();
  }

  /** The group's adapter to the gateway, without the group. */
  StripeGateway stripe(String url, String apiKey) {
    PaymentSettings settings =
        PaymentSettings.read(
            new Settings(Map.of("PAYMENT_GATEWAY_URL", url, "PAYMENT_GATEWAY_KEY", apiKey)), 6);
    return new StripeGateway(
        groups.vertx(),
        settings,
        new Breaker(
            groups.vertx(),
            "payments",
            "payment-gateway",
            settings.breaker(),
            new Meters(),
            Clock.systemUTC()),
        Tracing.OFF);
  }

  /** Gives a charge back at the gateway's own desk; returns the refund's id. */
  String refundAsAPersonDoes(String paymentId) {
    return get(stripe(gateway, "sk_test_holdfast")
            .refund("nobody", paymentId, Money.of(AMOUNT, "EUR"), "by-hand"))
        .refundId();
  }

  /** Stores a cancellation, as orders would. */
  void cancelled(String orderId) {
    store(new OrderCancelled(orderId, "c1", CancelReason.CUSTOMER_REQUEST, null));
  }

  void store(Event fact) {
    assertThat(get(streams.events().append(Envelope.once(fact, Instant.now(), TRACE), 0)))
        .isInstanceOf(Appended.class);
  }

  /** What PAYMENTS says of an order by now. */
  History history(String orderId) {
    return get(streams.events().load(Domain.PAYMENTS, orderId));
  }

  List<Event> facts(String orderId) {
    return history(orderId).events().stream().<Event>map(s -> s.envelope().event()).toList();
  }

  /** The fact of this type, waited for. */
  <E extends PaymentEvent> E fact(Class<E> type, String orderId) {
    return eventually(
            orderId + " has " + type.getSimpleName(),
            () -> history(orderId).find(type),
            found -> found.isPresent())
        .orElseThrow();
  }

  /** When the broker stored the order's only fact of this domain. */
  Instant storedAt(Domain domain, String orderId) {
    return get(streams.events().load(domain, orderId)).events().getFirst().storedAt();
  }

  void awaitSettled() {
    streams.awaitSettled("INVENTORY", "payments-charge");
    streams.awaitSettled("ORDERS", "payments-compensate");
  }

  /** The gateway's own word: the order's charges that took money, with what became of them. */
  List<String> ledger(String orderId) {
    return charges(orderId).stream()
        .map(charge -> charge.getString("status"))
        .filter(status -> !status.equals("canceled"))
        .toList();
  }

  List<JsonObject> charges(String orderId) {
    return Http.get(gateway + "/simulator/ledger?order_id=" + orderId)
        .json()
        .getJsonArray("charges")
        .stream()
        .map(JsonObject.class::cast)
        .toList();
  }

  @Override
  public void close() {
    groups.close();
    streams.close();
  }
}
