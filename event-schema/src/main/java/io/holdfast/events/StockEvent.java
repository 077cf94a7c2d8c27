package io.holdfast.events;

/** Facts of stream INVENTORY about stock; inventory alone publishes them. */
public sealed interface StockEvent extends Event {

  String sku();

  /**
   * Goods came in; subject {@code receipts.received.<receipt id>}. Stored in one atomic batch with
   * the new level.
   *
   * @param quantity at least 1
   */
  record StockReceived(String sku, long quantity, String receiptId) implements StockEvent {

    public StockReceived {
      Ids.check("sku", sku);
      Ids.check("receipt_id", receiptId);
      if (quantity < 1) {
        throw new IllegalArgumentException("quantity must be at least 1, not " + quantity);
      }
    }

    @Override
    public String aggregateId() {
      return receiptId;
    }
  }

  /**
   * The whole level of a sku after a change; subject {@code stock.level.<sku>}. {@code received =
   * available + reserved}, and none is negative.
   */
  record StockLevelChanged(String sku, long received, long available, long reserved)
      implements StockEvent {

    public StockLevelChanged {
      Ids.check("sku", sku);
      if (received < 0 || available < 0 || reserved < 0 || received != available + reserved) {
        throw new IllegalArgumentException(
            "stock level of "
                + sku
                + " does not add up: received "
                + received
                + ", available "
                + available
                + ", reserved "
                + reserved);
      }
    }

    @Override
    public String aggregateId() {
      return sku;
    }
  }
}
