package io.holdfast.benchmarks;

import io.holdfast.events.Envelope;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/** What a usual order leads to. */
final class Facts {

  private static final String TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final Instant NOW = Instant.parse("2026-11-27T08:15:30.123456Z");
  private static final BigDecimal AMOUNT = new BigDecimal("59.40");
  private static final List<Item> ITEMS =
      List.of(
          new Item("espresso-cup", 2, new BigDecimal("12.25")),
          new Item("tea-pot", 1, new BigDecimal("34.90")));

  private Facts() {}

  static Envelope<OrderCreated> created(String orderId) {
    return Envelope.once(
        new OrderCreated(orderId, "CUST-10042", AMOUNT, "EUR", ITEMS, "pm_card_visa"),
        NOW,
        TRACE_ID);
  }

  static Envelope<OrderConfirmed> confirmed(String orderId) {
    return Envelope.once(
        new OrderConfirmed(orderId, "CUST-10042", AMOUNT, "EUR", ITEMS, "pm_card_visa"),
        NOW,
        TRACE_ID);
  }
}
