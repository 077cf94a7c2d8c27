package io.holdfast.events;

import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.events.StockEvent.Hold;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Events as version 1 stores them. The files in {@code golden/v1} stand for messages that lie in
 * somebody's streams: none of them, and no line here, may ever be changed or removed. New ones may
 * join them.
 */
final class Golden {

  /**
   * @param name of the file in {@code golden/v1}, without its ending
   * @param envelope what it means
   */
  record Sample(String name, Envelope<?> envelope) {

    /** The file, byte for byte. */
    byte[] bytes() {
      return resource("/golden/v1/" + name + ".json");
    }

    @Override
    public String toString() {
      return name; // the name of the test for it
    }
  }

  static final Instant AT = Instant.parse("2026-11-27T08:15:30.123456Z");
  static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

  private static final Item CUPS = new Item("espresso-cup", 2, new BigDecimal("12.25"));
  private static final Item POT = new Item("tea-pot", 1, new BigDecimal("34.90"));
  private static final Origin ORIGIN = new Origin(4711, Instant.parse("2026-11-27T08:15:30.100Z"));

  private final List<Sample> samples = new ArrayList<>();

  private Golden() {}

  static List<Sample> samples() {
    Golden all = new Golden();
    all.orders();
    all.inventory();
    all.payments();
    all.others();
    return all.samples;
  }

  private void orders() {
    var eur = new BigDecimal("59.40");
    var items = List.of(CUPS, POT);
    once("OrderCreated", new OrderCreated("ord_1", "CUST-1", eur, "EUR", items, "pm_card_visa"));
    once("OrderCreated-minimal", amountAlone("ord_2", "99.50", "EUR"));
    once("OrderCreated-no-decimals", amountAlone("ord_3", "5000", "JPY"));
    once("OrderCreated-three-decimals", amountAlone("ord_4", "1.125", "KWD"));
    once("OrderCreated-largest", amountAlone("ord_5", "9999999999999999.99", "EUR"));
    once("OrderCreated-smallest", amountAlone("ord_6", "0.00", "EUR"));
    var unitPrice = new Item("screw_M3", 1_000, new BigDecimal("0.0125"));
    once(
        "OrderCreated-fine-unit-price",
        new OrderCreated(
            "ord_7", "CUST-1", new BigDecimal("12.50"), "EUR", List.of(unitPrice), null));
    once(
        "OrderConfirmed", new OrderConfirmed("ord_1", "CUST-1", eur, "EUR", items, "pm_card_visa"));
    once(
        "OrderConfirmed-minimal",
        new OrderConfirmed("ord_2", "CUST-1", new BigDecimal("99.50"), "EUR", List.of(), null));
    once(
        "OrderCancelled",
        new OrderCancelled("ord_1", "CUST-1", CancelReason.PAYMENT_DECLINED, "Zu wenig Geld: 3 €"));
    once(
        "OrderCancelled-out-of-stock",
        new OrderCancelled("ord_1", "CUST-1", CancelReason.OUT_OF_STOCK, null));
    once(
        "OrderCancelled-customer-request",
        new OrderCancelled("ord_1", "CUST-1", CancelReason.CUSTOMER_REQUEST, null));
  }

  private void inventory() {
    once("StockReceived", new StockReceived("espresso-cup", 500, "delivery-17"));
    repeated("StockLevelChanged", new StockLevelChanged("espresso-cup", 500, 498, 2), "b7kq2");
    repeated(
        "StockLevelChanged-largest",
        new StockLevelChanged("espresso-cup", Long.MAX_VALUE, Long.MAX_VALUE - 1, 1),
        "b7kq3");
    repeated(
        "StockLevelChanged-with-a-hold",
        new StockLevelChanged(
            "espresso-cup", 500, 496, 4, List.of(new Hold("ord_4hvk2m9x7c1q", 2, 17))),
        "b7kq4");
    var eur = new BigDecimal("59.40");
    once(
        "InventoryReserved",
        new InventoryReserved(
            "ord_1", "CUST-1", eur, "EUR", List.of(CUPS, POT), "pm_card_visa", ORIGIN));
    once(
        "InventoryReserved-minimal",
        new InventoryReserved("ord_1", "CUST-1", eur, "EUR", List.of(), null, null));
    once(
        "InventoryRejected",
        new InventoryRejected(
            "ord_1",
            "CUST-1",
            "out_of_stock",
            List.of(new Shortage("espresso-cup", 2, 1), new Shortage("tea-pot", 1, 0)),
            ORIGIN));
    once(
        "InventoryRejected-minimal",
        new InventoryRejected("ord_1", null, "out_of_stock", List.of(), null));
    once("InventoryReleased", new InventoryReleased("ord_1", List.of(CUPS, POT)));
    once("InventoryReleased-tombstone", new InventoryReleased("ord_1", List.of()));
  }

  private void payments() {
    var eur = new BigDecimal("59.40");
    once(
        "PaymentProcessed",
        new PaymentProcessed(
            "ord_1",
            "CUST-1",
            eur,
            "EUR",
            "pi_holdfast_1",
            List.of(CUPS, POT),
            "pm_card_visa",
            ORIGIN));
    once(
        "PaymentProcessed-minimal",
        new PaymentProcessed("ord_1", "CUST-1", eur, "EUR", "pi_1", List.of(), null, null));
    once(
        "PaymentFailed",
        new PaymentFailed(
            "ord_1", "CUST-1", "insufficient_funds", "Your card has insufficient funds.", ORIGIN));
    once("PaymentFailed-minimal", new PaymentFailed("ord_1", null, "card_declined", null, null));
    once("PaymentVoided", new PaymentVoided("ord_1"));
    once("PaymentRefunded", new PaymentRefunded("ord_1", "pi_1", "re_1", eur, "EUR"));
  }

  private void others() {
    once("NotificationSent", new NotificationSent("ord_1", "CUST-1", "order_confirmed", "log"));
    Map<String, List<String>> headers = new LinkedHashMap<>();
    headers.put("Nats-Msg-Id", List.of("order-created-ord_1"));
    headers.put("X-Twice", List.of("one", "two"));
    deadLetter(
        "MessageDeadLettered",
        new MessageDeadLettered(
            "ord_1",
            "inventory-reserve",
            "shop_ORDERS",
            4711,
            "shop.orders.created.ord_1",
            "attempts_exhausted",
            "no answer within 2 s",
            8,
            Instant.parse("2026-11-27T08:15:31Z"),
            Instant.parse("2026-11-27T08:17:02.5Z"),
            headers,
            "{\"id\":\"order-created-ord_1\",\"data\":{\"note\":\"\\\"quoted\\\"\"}}",
            null));
    deadLetter(
        "MessageDeadLettered-binary",
        new MessageDeadLettered(
            "unknown",
            "inventory-reserve",
            "ORDERS",
            4712,
            "orders.created.café",
            "undecodable",
            "not a JSON event: not UTF-8",
            1,
            AT,
            AT,
            Map.of(),
            null,
            "3q2+7w=="));
    deadLetter(
        "MessageDeadLettered-shortened",
        new MessageDeadLettered(
            "ord_1",
            "inventory-reserve",
            "ORDERS",
            4714,
            "orders.created.ord_1",
            "undecodable",
            "not a JSON event",
            1,
            AT,
            AT,
            Map.of(),
            null,
            "3q2+7w==",
            900_000));
    deadLetter(
        "MessageDeadLettered-minimal",
        new MessageDeadLettered(
            "ord_1",
            "inventory-reserve",
            "ORDERS",
            4713,
            "orders.created.ord_1",
            "attempts_exhausted",
            null,
            0,
            null,
            null,
            Map.of(),
            null,
            null));
    repeated(
        "DeadLetterResolved",
        new DeadLetterResolved(
            17,
            Resolution.DISCARDED,
            "inventory-reserve",
            "shop.orders.created.ord_1",
            "a customer's test, not an order",
            "erika"),
        "b7kq2");
    repeated(
        "DeadLetterResolved-minimal",
        new DeadLetterResolved(
            Long.MAX_VALUE,
            Resolution.REDRIVEN,
            "payments-charge",
            "inventory.reserved.ord_1",
            null,
            null),
        "b7kq3");
  }

  private static OrderCreated amountAlone(String orderId, String amount, String currency) {
    return new OrderCreated(orderId, "CUST-1", new BigDecimal(amount), currency, List.of(), null);
  }

  private void once(String name, Event event) {
    samples.add(new Sample(name, Envelope.once(event, AT, TRACE)));
  }

  private void repeated(String name, Event event, String distinction) {
    samples.add(new Sample(name, Envelope.repeated(event, distinction, AT, TRACE)));
  }

  private void deadLetter(String name, MessageDeadLettered fact) {
    String id = "dead-letter-" + fact.consumer() + "-" + fact.stream() + "-" + fact.sequence();
    samples.add(new Sample(name, new Envelope<>(id, fact, AT, TRACE, 1)));
  }

  static byte[] resource(String path) {
    try (InputStream in = Golden.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new AssertionError("there is no " + path);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
