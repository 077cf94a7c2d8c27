package io.holdfast.events;

import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;

/**
 * Facts of stream INVENTORY about an order, subject {@code inventory.<fact>.<order id>}; inventory
 * alone publishes them.
 */
public sealed interface InventoryEvent extends Event {

  String orderId();

  @Override
  default String aggregateId() {
    return orderId();
  }

  /**
   * All of the order's items are held for it. Stored in one atomic batch with the stock levels that
   * it changes.
   *
   * @param origin where the order's OrderCreated stands, or null if whoever wrote this did not know
   */
  record InventoryReserved(
      String orderId,
      String customerId,
      BigDecimal amount,
      String currency,
      List<Item> items,
      String paymentMethod,
      Origin origin)
      implements InventoryEvent {

    public InventoryReserved {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      amount = Money.of(amount, currency).amount();
      items = Item.copyOf(items);
    }

    public Money total() {
      return Money.of(amount, currency);
    }
  }

  /**
   * At least one item is short; nothing is held.
   *
   * @param customerId the order's, or null if whoever wrote this did not know
   * @param reason a short stable word, for example {@code out_of_stock}
   * @param origin where the order's OrderCreated stands, or null if unknown
   */
  record InventoryRejected(
      String orderId, String customerId, String reason, List<Shortage> shortages, Origin origin)
      implements InventoryEvent {

    public InventoryRejected {
      Ids.check("order_id", orderId);
      if (customerId != null) {
        Ids.check("customer_id", customerId);
      }
      Objects.requireNonNull(reason, "reason");
      shortages = shortages == null ? List.of() : List.copyOf(shortages);
    }
  }

  /**
   * What was held is free again. With no items it is a tombstone: the order was cancelled before
   * anything was held, and the broker refuses a reservation that comes after it.
   */
  record InventoryReleased(String orderId, List<Item> items) implements InventoryEvent {

    public InventoryReleased {
      Ids.check("order_id", orderId);
      items = Item.copyOf(items);
    }
  }

  /** How much of a sku was wanted and how much there was. */
  record Shortage(String sku, long wanted, long available) {

    public Shortage {
      Ids.check("sku", sku);
    }
  }
}
