package io.holdfast.launcher;

import io.holdfast.audit.AuditGroup;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import java.util.List;

/** Every verticle group, in the order in which they start. */
final class Groups {

  static final List<VerticleGroup> ALL =
      List.of(
          new GatewayGroup(),
          new OrdersGroup(),
          new InventoryGroup(),
          new PaymentsGroup(),
          new NotificationsGroup(),
          new AuditGroup());

  private Groups() {}

  static VerticleGroup named(String name) {
    return ALL.stream().filter(group -> group.name().equals(name)).findFirst().orElseThrow();
  }
}
