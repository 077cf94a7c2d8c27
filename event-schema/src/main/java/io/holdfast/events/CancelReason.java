package io.holdfast.events;

import com.fasterxml.jackson.annotation.JsonCreator;
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

  /** To the letter: left to itself, Jackson would let spaces around a name pass. */
  @JsonCreator
  static CancelReason named(String wireName) {
    for (CancelReason reason : values()) {
      if (reason.wireName().equals(wireName)) {
        return reason;
      }
    }
    throw new IllegalArgumentException("reason is none that is known");
  }
}
