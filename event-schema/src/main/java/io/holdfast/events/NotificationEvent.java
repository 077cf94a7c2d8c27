package io.holdfast.events;

import java.util.Objects;

/** Facts of stream NOTIFICATIONS, subject {@code notifications.<fact>.<order id>}. */
public sealed interface NotificationEvent extends Event {

  String orderId();

  @Override
  default String aggregateId() {
    return orderId();
  }

  /**
   * The customer was told of the order's end.
   *
   * @param template which text, for example {@code order_confirmed}
   * @param channel by which way, for example {@code log}
   */
  record NotificationSent(String orderId, String customerId, String template, String channel)
      implements NotificationEvent {

    public NotificationSent {
      Ids.check("order_id", orderId);
      Ids.check("customer_id", customerId);
      Objects.requireNonNull(template, "template");
      Objects.requireNonNull(channel, "channel");
    }
  }
}
