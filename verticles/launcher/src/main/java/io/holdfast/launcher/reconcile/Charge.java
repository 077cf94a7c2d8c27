package io.holdfast.launcher.reconcile;

import io.holdfast.events.Money;
import io.vertx.core.json.JsonObject;
import java.util.Locale;

/**
 * A charge as the gateway's own ledger has it.
 *
 * @param minorUnits amount in the currency's smallest unit
 * @param currency upper-case code
 */
public record Charge(String id, String orderId, long minorUnits, String currency, String status) {

  public static Charge of(JsonObject json) {
    return new Charge(
        json.getString("id"),
        json.getString("order_id", ""),
        json.getLong("amount"),
        json.getString("currency").toUpperCase(Locale.ROOT),
        json.getString("status"));
  }

  /** What was taken as a person reads it, in smallest units if nobody knows the currency. */
  public String money() {
    try {
      return Money.ofMinorUnits(minorUnits, currency).toString();
    } catch (IllegalArgumentException unknown) {
      return minorUnits + " minor units " + currency;
    }
  }

  /** Whether the gateway still holds the customer's money. */
  boolean held() {
    return status.equals("succeeded");
  }
}
