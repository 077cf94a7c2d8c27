package io.holdfast.events;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Why an order was cancelled. */
public enum CancelReason {
  OUT_OF_STOCK,
  PAYMENT_DECLINED,
  CUSTOMER_REQUEST;

  /** The name on the wire, for example {@code out_of_stock}. */
  @JsonValue
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
