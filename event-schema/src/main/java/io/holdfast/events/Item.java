package io.holdfast.events;

import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;

/**
 * One line of an order.
 *
 * @param quantity at least 1
 * @param unitPrice in the order's currency, not negative
 */
public record Item(String sku, int quantity, BigDecimal unitPrice) {

  public Item {
    Ids.check("sku", sku);
    if (quantity < 1) {
      throw new IllegalArgumentException("quantity must be at least 1, not " + quantity);
    }
    Objects.requireNonNull(unitPrice, "unit_price");
    Money.checkMagnitude(unitPrice);
    if (unitPrice.signum() < 0) {
      throw new IllegalArgumentException("unit_price must not be negative");
    }
    if (unitPrice.scale() < 0) { // 1E+3 and 1000 are one price
      unitPrice = unitPrice.setScale(0);
    }
  }

  static List<Item> copyOf(List<Item> items) {
    return items == null ? List.of() : List.copyOf(items);
  }
}
