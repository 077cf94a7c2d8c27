package io.holdfast.inventory.domain;

import io.holdfast.events.StockEvent.StockLevelChanged;

/**
 * How much of a sku there is. {@code received = available + reserved}, and none is ever negative.
 *
 * @param received all that ever came in
 * @param available what can still be reserved
 * @param reserved what is held for orders
 */
public record StockLevel(long received, long available, long reserved) {

  /** Of a sku that never came in. */
  public static final StockLevel NONE = new StockLevel(0, 0, 0);

  public StockLevel {
    if (available < 0 || reserved < 0 || received != available + reserved) {
      throw new IllegalArgumentException(
          "received %d is not available %d + reserved %d".formatted(received, available, reserved));
    }
  }

  public static StockLevel of(StockLevelChanged fact) {
    return new StockLevel(fact.received(), fact.available(), fact.reserved());
  }

  StockLevel reserve(long quantity) {
    return new StockLevel(received, available - quantity, reserved + quantity);
  }

  StockLevel release(long quantity) {
    return new StockLevel(received, available + quantity, reserved - quantity);
  }

  StockLevel receive(long quantity) {
    return new StockLevel(received + quantity, available + quantity, reserved);
  }
}
