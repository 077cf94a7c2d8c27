package io.holdfast.events;

/**
 * The first token of a subject, and the stream that holds it. Each stream has one owner, which
 * alone publishes to it.
 */
public enum Domain {
  ORDERS("orders", "ORDERS"),
  INVENTORY("inventory", "INVENTORY"),
  STOCK("stock", "INVENTORY"),
  RECEIPTS("receipts", "INVENTORY"),
  PAYMENTS("payments", "PAYMENTS"),
  NOTIFICATIONS("notifications", "NOTIFICATIONS"),
  DEADLETTERS("deadletters", "DEADLETTERS");

  private final String token;
  private final String stream;

  Domain(String token, String stream) {
    this.token = token;
    this.stream = stream;
  }

  /** The first token of the domain's subjects, for example {@code orders}. */
  public String token() {
    return token;
  }

  /** The name of its stream, without a namespace. */
  public String stream() {
    return stream;
  }
}
