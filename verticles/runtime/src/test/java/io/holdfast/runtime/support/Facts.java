package io.holdfast.runtime.support;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/** Facts to store, where any will do. */
public final class Facts {

  public static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  private Facts() {}

  public static Envelope<OrderCreated> created(String orderId) {
    return Envelope.once(
        new OrderCreated(orderId, "c1", BigDecimal.TEN, "EUR", List.of(), "pm_card_visa"),
        Instant.now(),
        TRACE);
  }

  public static Envelope<OrderCancelled> cancelled(String orderId) {
    return cancelled(orderId, null);
  }

  public static Envelope<OrderCancelled> cancelled(String orderId, String detail) {
    return Envelope.once(
        new OrderCancelled(orderId, "c1", CancelReason.CUSTOMER_REQUEST, detail),
        Instant.now(),
        TRACE);
  }

  /** The same fact under an id of its own, as somebody else would have made it. */
  public static Envelope<OrderCreated> createdBySomebodyElse(String orderId) {
    Envelope<OrderCreated> ours = created(orderId);
    return new Envelope<>("theirs-" + orderId, ours.event(), ours.timestamp(), TRACE, 1);
  }
}
