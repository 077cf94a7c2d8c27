package io.holdfast.events;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

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
   *
   * @param holds what is counted in {@code reserved} though its InventoryReserved may still be on
   *     its way. Whoever changes the level next finds out, or passes them on
   */
  record StockLevelChanged(
      String sku,
      long received,
      long available,
      long reserved,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Hold> holds)
      implements StockEvent {

    /** A level to which nothing is on its way. */
    public StockLevelChanged(String sku, long received, long available, long reserved) {
      this(sku, received, available, reserved, List.of());
    }

    public StockLevelChanged {
      holds = holds == null ? List.of() : List.copyOf(holds);
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
      long held = 0;
      for (Hold hold : holds) {
        if (hold.quantity() > reserved - held) {
          throw new IllegalArgumentException(
              "stock level of " + sku + " does not add up: its holds exceed reserved " + reserved);
        }
        held += hold.quantity();
      }
    }

    @Override
    public String aggregateId() {
      return sku;
    }
  }

  /**
   * Stock that a level counts as reserved for an order before the order's own fact says so.
   *
   * @param quantity at least 1
   * @param after the stream sequence of the newest fact that was taken into account before it was
   *     counted. The InventoryReserved that it stands for has a greater one; another was counted
   *     already
   */
  record Hold(String orderId, long quantity, long after) {

    public Hold {
      Ids.check("order_id", orderId);
      if (quantity < 1 || after < 0) {
        throw new IllegalArgumentException(
            "a hold of %d after %d is none".formatted(quantity, after));
      }
    }
  }
}
