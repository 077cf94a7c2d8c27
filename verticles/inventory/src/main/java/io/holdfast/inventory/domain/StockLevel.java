package io.holdfast.inventory.domain;

import io.holdfast.events.StockEvent.Hold;
import io.holdfast.events.StockEvent.StockLevelChanged;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How much of a sku there is. {@code received = available + reserved}, and none is ever negative.
 *
 * @param received all that ever came in
 * @param available what can still be reserved
 * @param reserved what is held for orders
 * @param holds what is in {@code reserved} though the order's own fact may not be stored yet
 */
public record StockLevel(long received, long available, long reserved, List<Hold> holds) {

  /** Of a sku that never came in. */
  public static final StockLevel NONE = new StockLevel(0, 0, 0);

  public StockLevel {
    holds = List.copyOf(holds);
    if (available < 0 || reserved < 0 || received != available + reserved) {
      throw new IllegalArgumentException(
          "received %d is not available %d + reserved %d".formatted(received, available, reserved));
    }
  }

  /** A level without holds. */
  public StockLevel(long received, long available, long reserved) {
    this(received, available, reserved, List.of());
  }

  public static StockLevel of(StockLevelChanged fact) {
    return new StockLevel(fact.received(), fact.available(), fact.reserved(), fact.holds());
  }

  public StockLevelChanged toFact(String sku) {
    return new StockLevelChanged(sku, received, available, reserved, holds);
  }

  /** What is held for an order whose own fact may not be stored yet. */
  public Optional<Hold> holdOf(String orderId) {
    return holds.stream().filter(hold -> hold.orderId().equals(orderId)).findFirst();
  }

  /**
   * With a hold for an order that is counted in {@code reserved} already.
   *
   * @param after see {@link Hold}
   */
  public StockLevel holding(String orderId, long quantity, long after) {
    List<Hold> more = new ArrayList<>(holds);
    more.add(new Hold(orderId, quantity, after));
    return new StockLevel(received, available, reserved, more);
  }

  /** Without the order's hold, if it has one: its own fact is stored, and says the same. */
  public StockLevel settled(String orderId) {
    return holdOf(orderId).isEmpty()
        ? this
        : new StockLevel(
            received,
            available,
            reserved,
            holds.stream().filter(hold -> !hold.orderId().equals(orderId)).toList());
  }

  /** Without this hold and what it held: no fact of its order stands for it, or ever will. */
  public StockLevel givenBack(Hold hold) {
    return settled(hold.orderId()).release(hold.quantity());
  }

  StockLevel reserve(long quantity) {
    return new StockLevel(received, available - quantity, reserved + quantity, holds);
  }

  StockLevel release(long quantity) {
    return new StockLevel(received, available + quantity, reserved - quantity, holds);
  }

  StockLevel receive(long quantity) {
    return new StockLevel(received + quantity, available + quantity, reserved, holds);
  }
}
