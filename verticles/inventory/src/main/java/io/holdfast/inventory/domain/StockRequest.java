package io.holdfast.inventory.domain;

import io.holdfast.events.Domain;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Origin;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Something that wants stock to change. It becomes exactly one fact, stored together with the
 * levels it changes.
 */
public sealed interface StockRequest {

  /** What the fact will be about: an order, or a receipt. */
  String aggregateId();

  Domain domain();

  /**
   * Stream sequence of the aggregate's last fact that this request builds on; 0 if it must have
   * none.
   */
  long expectedSequence();

  String traceId();

  /** The skus whose levels decide it or are changed by it. */
  Set<String> skus();

  /**
   * Hold all of an order's items, or none.
   *
   * @param first whether it was never asked for before, as far as is known
   * @param aloneUntil until then nobody else can have been asked for it
   */
  record Reserve(
      OrderCreated order, Origin origin, String traceId, boolean first, Instant aloneUntil)
      implements StockRequest {
    @Override
    public String aggregateId() {
      return order.orderId();
    }

    @Override
    public Domain domain() {
      return Domain.INVENTORY;
    }

    @Override
    public long expectedSequence() {
      return 0;
    }

    @Override
    public Set<String> skus() {
      return skusOf(order.items());
    }
  }

  /**
   * Free what an order holds; with no items, close it before it holds anything.
   *
   * @param expectedSequence of the order's InventoryReserved, or 0
   */
  record Release(String orderId, List<Item> items, long expectedSequence, String traceId)
      implements StockRequest {
    @Override
    public String aggregateId() {
      return orderId;
    }

    @Override
    public Domain domain() {
      return Domain.INVENTORY;
    }

    @Override
    public Set<String> skus() {
      return skusOf(items);
    }
  }

  /** Take goods in. */
  record Receive(String sku, long quantity, String receiptId, String traceId)
      implements StockRequest {
    @Override
    public String aggregateId() {
      return receiptId;
    }

    @Override
    public Domain domain() {
      return Domain.RECEIPTS;
    }

    @Override
    public long expectedSequence() {
      return 0;
    }

    @Override
    public Set<String> skus() {
      return Set.of(sku);
    }
  }

  private static Set<String> skusOf(List<Item> items) {
    return items.stream().map(Item::sku).collect(Collectors.toUnmodifiableSet());
  }
}
