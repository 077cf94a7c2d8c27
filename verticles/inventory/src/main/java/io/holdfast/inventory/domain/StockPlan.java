package io.holdfast.inventory.domain;

import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.inventory.domain.StockRequest.Receive;
import io.holdfast.inventory.domain.StockRequest.Release;
import io.holdfast.inventory.domain.StockRequest.Reserve;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What becomes of some requests, taken in their order against known levels: one fact per request,
 * and the new level of every sku that changed. Pure; who gets the last piece depends on the order
 * of the requests alone.
 */
public final class StockPlan {

  private final List<Event> facts = new ArrayList<>();
  private final Map<String, StockLevel> levels;
  private final Map<String, StockLevel> changed = new LinkedHashMap<>();
  private final Set<String> shortSkus = new LinkedHashSet<>();

  private StockPlan(Map<String, StockLevel> levels) {
    this.levels = new HashMap<>(levels);
  }

  /**
   * @param levels of every sku that the requests name; one that is missing never came in
   */
  public static StockPlan of(
      List<? extends StockRequest> requests, Map<String, StockLevel> levels) {
    StockPlan plan = new StockPlan(levels);
    for (StockRequest request : requests) {
      plan.facts.add(
          switch (request) {
            case Reserve reserve -> plan.reserve(reserve);
            case Release release -> plan.release(release);
            case Receive receive -> plan.receive(receive);
          });
    }
    return plan;
  }

  /** One fact per request, in the requests' order. */
  public List<Event> facts() {
    return List.copyOf(facts);
  }

  /** The new level of every sku that changed, in the order of their first change. */
  public Map<String, StockLevel> changed() {
    return Collections.unmodifiableMap(changed);
  }

  /** The skus for want of which a request was rejected. */
  public Set<String> shortSkus() {
    return Set.copyOf(shortSkus);
  }

  private Event reserve(Reserve request) {
    OrderCreated order = request.order();
    Map<String, Long> wanted = bySku(order.items());
    List<Shortage> shortages = new ArrayList<>();
    // What a level holds for this very order since an earlier attempt is counted.
    wanted.keySet().removeIf(sku -> level(sku).holdOf(order.orderId()).isPresent());
    wanted.forEach(
        (sku, quantity) -> {
          long available = level(sku).available();
          if (available < quantity) {
            shortages.add(new Shortage(sku, quantity, available));
          }
        });
    if (!shortages.isEmpty()) {
      shortages.forEach(shortage -> shortSkus.add(shortage.sku()));
      return new InventoryRejected(
          order.orderId(), order.customerId(), "out_of_stock", shortages, request.origin());
    }
    wanted.forEach((sku, quantity) -> change(sku, level(sku).reserve(quantity)));
    return new InventoryReserved(
        order.orderId(),
        order.customerId(),
        order.amount(),
        order.currency(),
        order.items(),
        order.paymentMethod(),
        request.origin());
  }

  private Event release(Release request) {
    bySku(request.items()).forEach((sku, quantity) -> change(sku, level(sku).release(quantity)));
    return new InventoryReleased(request.orderId(), request.items());
  }

  private Event receive(Receive request) {
    change(request.sku(), level(request.sku()).receive(request.quantity()));
    return new StockReceived(request.sku(), request.quantity(), request.receiptId());
  }

  private StockLevel level(String sku) {
    return levels.getOrDefault(sku, StockLevel.NONE);
  }

  private void change(String sku, StockLevel level) {
    levels.put(sku, level);
    changed.put(sku, level);
  }

  /** An order may name a sku in several lines; they count together. */
  private static Map<String, Long> bySku(List<Item> items) {
    Map<String, Long> quantities = new LinkedHashMap<>();
    items.forEach(item -> quantities.merge(item.sku(), (long) item.quantity(), Long::sum));
    return quantities;
  }
}
