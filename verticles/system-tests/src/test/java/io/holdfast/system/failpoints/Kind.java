package io.holdfast.system.failpoints;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Arrays;
import java.util.Optional;

/** The ways that an order goes. Its customer's id says which, and so does every fact of it. */
enum Kind {
  /** Two kinds of goods, so that its reservation is a batch of three messages. */
  HAPPY,
  /** Its card is declined. */
  DECLINED,
  /** There was never so much of it. */
  SOLD_OUT,
  /** Cancelled after the gateway has charged it, and before anybody was told. */
  RACED,
  /** Cancelled after its payment is stored, and before it is confirmed. */
  LATE;

  private static final int NEVER_SO_MUCH = 900_000;

  String customer() {
    return "customer-" + name();
  }

  static Optional<Kind> ofCustomer(String customerId) {
    return Arrays.stream(values()).filter(kind -> kind.customer().equals(customerId)).findFirst();
  }

  JsonObject order() {
    JsonArray items = new JsonArray();
    switch (this) {
      case HAPPY -> items.add(item("cup", 1, 12.5)).add(item("plate", 2, 20));
      case SOLD_OUT -> items.add(item("plate", NEVER_SO_MUCH, 0.5));
      default -> items.add(item("cup", 1, 12.5));
    }
    JsonObject order =
        new JsonObject().put("customer_id", customer()).put("currency", "EUR").put("items", items);
    return this == DECLINED ? order.put("payment_method", "pm_card_chargeDeclined") : order;
  }

  private static JsonObject item(String sku, int quantity, double price) {
    return new JsonObject().put("sku", sku).put("quantity", quantity).put("unit_price", price);
  }
}
