package io.holdfast.orders.domain;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.CancelReason;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: each end says why, and carries what whoever comes next needs. Method: each cause beside the
 * fact that must follow.
 */
class OrderRulesTest {

  private static final BigDecimal FORTY = new BigDecimal("40.00");
  private static final List<Item> ITEMS = List.of(new Item("bulb", 4, BigDecimal.TEN));

  @Test
  void a_paid_order_is_confirmed_with_all_that_was_ordered() {
    var paid = new PaymentProcessed("o1", "c1", FORTY, "EUR", "pi_1", ITEMS, "pm_card_visa", null);

    assertThat(OrderRules.on(paid))
        .isEqualTo(new OrderConfirmed("o1", "c1", FORTY, "EUR", ITEMS, "pm_card_visa"));
  }

  @Test
  void a_declined_order_is_cancelled_in_the_gateways_words_or_its_code() {
    assertThat(OrderRules.on(new PaymentFailed("o1", "c1", "stolen", "Card is stolen", null), "c1"))
        .isEqualTo(declined("Card is stolen"));
    assertThat(OrderRules.on(new PaymentFailed("o1", "c1", "stolen", "", null), "c1"))
        .isEqualTo(declined("stolen"));
    assertThat(OrderRules.on(new PaymentFailed("o1", null, "stolen", null, null), "c1"))
        .isEqualTo(declined("stolen"));
  }

  @Test
  void an_order_out_of_stock_is_cancelled_naming_every_shortage() {
    var shortages = List.of(new Shortage("bulb", 4, 1), new Shortage("lamp", 2, 0));

    assertThat(
            OrderRules.on(new InventoryRejected("o1", "c1", "out_of_stock", shortages, null), "c1"))
        .isEqualTo(
            new OrderCancelled(
                "o1",
                "c1",
                CancelReason.OUT_OF_STOCK,
                "bulb: 4 wanted, 1 available, lamp: 2 wanted, 0 available"));
  }

  @Test
  void a_customer_need_not_say_why() {
    assertThat(
            OrderRules.onCustomersRequest(new OrderCreated("o1", "c1", FORTY, "EUR", ITEMS, null)))
        .isEqualTo(new OrderCancelled("o1", "c1", CancelReason.CUSTOMER_REQUEST, null));
  }

  private static OrderCancelled declined(String detail) {
    return new OrderCancelled("o1", "c1", CancelReason.PAYMENT_DECLINED, detail);
  }
}
