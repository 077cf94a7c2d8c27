package io.holdfast.system.simulation;

import io.holdfast.events.Domain;
import io.holdfast.events.Event;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.system.simulation.ModelGateway.Charge;
import io.holdfast.system.simulation.Scenario.Customer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What must hold when a world has come to rest, by the names that the reconciliation uses: I1 to I5
 * and I7 to I9.
 */
final class Verdict {

  private final World world;
  private final List<String> violations = new ArrayList<>();

  private Verdict(World world) {
    this.world = world;
  }

  /** What is wrong, one line each; empty if all is well. */
  static List<String> on(World world, boolean atRest) {
    Verdict verdict = new Verdict(world);
    if (!atRest) {
      verdict.violations.add("I2 it does not come to rest");
    }
    world.surprises().forEach(surprise -> verdict.violations.add("I1 " + surprise));
    world.deliveries().unsettled().forEach(m -> verdict.violated("I7", m + " was never settled"));
    // Attempts are enough for all the faults there are, so nothing has to be given up.
    world.deliveries().parked().forEach(m -> verdict.violated("I7", m + " was parked"));
    verdict.noFactTwice();
    world.scenario().customers().forEach(verdict::order);
    verdict.stock();
    return verdict.violations;
  }

  private void violated(String invariant, String what) {
    violations.add(invariant + " " + what);
  }

  private void noFactTwice() {
    Set<String> ids = new HashSet<>();
    for (List<Stored> stream : world.broker().streams()) {
      for (Stored stored : stream) {
        if (!ids.add(stored.envelope().id())) {
          violated("I8", stored.envelope().id() + " is stored twice");
        }
      }
    }
  }

  private void order(Customer customer) {
    String id = customer.order().orderId();
    Map<EventType, Stored> facts = factsOf(id);
    if (!facts.containsKey(EventType.ORDER_CREATED)) {
      violated("I1", id + " was asked for until it was accepted, and is not stored");
      return;
    }
    String trace = facts.get(EventType.ORDER_CREATED).envelope().traceId();
    if (!trace.equals(world.accepted().get(id))) {
      violated("I1", id + " was accepted under trace " + world.accepted().get(id));
    }
    facts.forEach(
        (type, stored) -> {
          if (!stored.envelope().traceId().equals(trace)) {
            violated("I9", type.typeName() + " of " + id + " has another trace than its order");
          }
        });
    boolean confirmed = facts.containsKey(EventType.ORDER_CONFIRMED);
    boolean cancelled = facts.containsKey(EventType.ORDER_CANCELLED);
    if (confirmed == cancelled) {
      violated("I2", id + (confirmed ? " is confirmed and cancelled" : " has no final state"));
    }
    if (world.toldCancelled().contains(id) && !cancelled) {
      violated("I2", id + " is not cancelled, as its customer was told");
    }
    money(customer.order(), confirmed, cancelled);
    if (!facts.containsKey(EventType.NOTIFICATION_SENT)) {
      violated("I5", "nobody was told how " + id + " ended");
    }
    causes(id, facts, cancelled);
  }

  /** As in the reconciliation: nothing beside its opposite, nothing without its cause. */
  private void causes(String id, Map<EventType, Stored> facts, boolean cancelled) {
    Set<EventType> has = facts.keySet();
    boolean reserved = has.contains(EventType.INVENTORY_RESERVED);
    boolean processed = has.contains(EventType.PAYMENT_PROCESSED);
    boolean voided = has.contains(EventType.PAYMENT_VOIDED);
    boolean failed = has.contains(EventType.PAYMENT_FAILED);
    if (reserved && has.contains(EventType.INVENTORY_REJECTED)) {
      violated("I8", id + " is reserved and rejected");
    }
    if ((processed ? 1 : 0) + (voided ? 1 : 0) + (failed ? 1 : 0) > 1) {
      violated("I8", id + " has more than one end of its payment");
    }
    if ((processed || failed) && !reserved) {
      violated("I7", id + " was charged without a reservation");
    }
    if (has.contains(EventType.ORDER_CONFIRMED) && !processed) {
      violated("I7", id + " is confirmed without a payment");
    }
    if (has.contains(EventType.PAYMENT_REFUNDED) && !processed && !voided) {
      violated("I7", id + " is refunded without a payment");
    }
    if (cancelled) {
      boolean freed =
          has.contains(EventType.INVENTORY_RELEASED) || has.contains(EventType.INVENTORY_REJECTED);
      if (!freed) {
        violated("I7", id + " is cancelled and its stock not released");
      }
      if (!failed && !voided && !has.contains(EventType.PAYMENT_REFUNDED)) {
        violated("I7", id + " is cancelled and its payment neither void nor refunded");
      }
    }
  }

  private void money(OrderCreated order, boolean confirmed, boolean cancelled) {
    int held = 0;
    for (Charge charge : world.gateway().ledger()) {
      if (charge.orderId.equals(order.orderId()) && !charge.refunded) {
        held++;
        if (charge.amount.amount().compareTo(order.amount()) != 0) {
          violated("I3", order.orderId() + " costs another amount than was taken");
        }
      }
    }
    if (held > 1) {
      violated("I3", order.orderId() + " was charged " + held + " times");
    } else if (held == 1 && cancelled) {
      violated("I3", order.orderId() + " is cancelled, and the gateway holds its money");
    } else if (held == 0 && confirmed) {
      violated("I3", order.orderId() + " is confirmed, and the gateway holds no money for it");
    }
  }

  /** An order's facts; of a type that is there twice the last one. */
  private Map<EventType, Stored> factsOf(String orderId) {
    Map<EventType, Stored> facts = new EnumMap<>(EventType.class);
    for (List<Stored> stream : world.broker().streams()) {
      for (Stored stored : stream) {
        if (stored.envelope().event().aggregateId().equals(orderId)) {
          facts.put(stored.envelope().type(), stored);
        }
      }
    }
    return facts;
  }

  /** The last level of each sku must be what receipts, reservations and releases come to. */
  private void stock() {
    Map<String, Long> received = new HashMap<>();
    Map<String, Long> held = new HashMap<>();
    Map<String, StockLevelChanged> levels = new HashMap<>();
    for (Stored stored : world.broker().stream(Domain.STOCK)) {
      Event fact = stored.envelope().event();
      switch (fact) {
        case StockReceived goods -> received.merge(goods.sku(), goods.quantity(), Long::sum);
        case InventoryReserved order -> add(held, order.items(), 1);
        case InventoryReleased order -> add(held, order.items(), -1);
        case StockLevelChanged level -> levels.put(level.sku(), level);
        default -> {}
      }
    }
    Set<String> skus = new HashSet<>(received.keySet());
    skus.addAll(held.keySet());
    skus.addAll(levels.keySet());
    for (String sku : skus) {
      StockLevelChanged level = levels.get(sku);
      long in = received.getOrDefault(sku, 0L);
      long out = held.getOrDefault(sku, 0L);
      if (level == null || level.received() != in || level.reserved() != out || in < out) {
        violated(
            "I4", "%s: received %d, held for orders %d, but %s".formatted(sku, in, out, level));
      }
    }
  }

  private static void add(Map<String, Long> held, List<Item> items, int sign) {
    items.forEach(item -> held.merge(item.sku(), (long) sign * item.quantity(), Long::sum));
  }
}
