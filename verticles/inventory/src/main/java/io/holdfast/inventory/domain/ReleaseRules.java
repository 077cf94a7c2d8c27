package io.holdfast.inventory.domain;

import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.inventory.domain.StockRequest.Release;
import java.util.List;
import java.util.Optional;

/** What inventory does about a cancelled order, given what its own facts already say of it. */
public final class ReleaseRules {

  private ReleaseRules() {}

  /**
   * @param reserved the order's reservation, if there is one
   * @param rejected its rejection, if there is one
   * @param released its release, if there is one
   * @param lastSequence of the order's last fact; 0 if it has none
   * @return empty if nothing is to be done
   */
  public static Optional<Release> onCancelled(
      String orderId,
      Optional<InventoryReserved> reserved,
      Optional<InventoryRejected> rejected,
      Optional<InventoryReleased> released,
      long lastSequence,
      String traceId) {
    if (released.isPresent() || rejected.isPresent()) {
      return Optional.empty(); // redelivered, or nothing was ever held
    }
    if (reserved.isPresent()) {
      return Optional.of(new Release(orderId, reserved.get().items(), lastSequence, traceId));
    }
    // A tombstone: the reservation that is still on its way will be refused.
    return Optional.of(new Release(orderId, List.of(), lastSequence, traceId));
  }
}
