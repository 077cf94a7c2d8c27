package io.holdfast.gateway.faults;

import java.util.Locale;

/** Something that goes wrong for a share of the requests. */
public enum Rate {
  /** 500 before anything happened. */
  ERROR_RATE,
  /** 429 with Retry-After, before anything happened. */
  RATE_LIMIT_RATE,
  /** A charge is declined without a reason, whatever the card. */
  DECLINE_RATE,
  /** A change is, by the toss of a coin, made or not begun; there is no answer ever. */
  HANG_RATE,
  /** A charge is made and written; the connection is closed without an answer. */
  DROP_AFTER_CHARGE_RATE,
  /** 500 for a refund, before anything happened. */
  REFUND_ERROR_RATE;

  private final String field = name().toLowerCase(Locale.ROOT);

  /** Its name in JSON; as an environment variable it is {@code GATEWAY_} and the constant. */
  public String field() {
    return field;
  }
}
