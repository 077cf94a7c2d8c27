package io.holdfast.inventory.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.InventoryEvent.Shortage;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Origin;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.inventory.domain.StockRequest.Receive;
import io.holdfast.inventory.domain.StockRequest.Release;
import io.holdfast.inventory.domain.StockRequest.Reserve;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: what is promised to orders never exceeds what came in. Method: small plans with a known
 * end, then long random ones beside a model that counts pieces one by one.
 */
class StockPlanTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final Origin ORIGIN = new Origin(7, Instant.parse("2026-11-21T10:00:00Z"));

  @Test
  void who_asks_first_gets_the_last_piece() {
    Reserve anna = reserve("anna", item("bulb", 1));
    Reserve ben = reserve("ben", item("bulb", 1));
    Map<String, StockLevel> one = Map.of("bulb", new StockLevel(5, 1, 4));

    assertThat(StockPlan.of(List.of(anna, ben), one).facts())
        .containsExactly(reserved(anna), rejected(ben, new Shortage("bulb", 1, 0)));
    assertThat(StockPlan.of(List.of(ben, anna), one).facts())
        .containsExactly(reserved(ben), rejected(anna, new Shortage("bulb", 1, 0)));
  }

  @Test
  void several_lines_of_one_sku_count_together() {
    Reserve order = reserve("o", item("bulb", 2), item("lamp", 1), item("bulb", 2));
    StockLevel lamps = new StockLevel(1, 1, 0);

    StockPlan short3 =
        StockPlan.of(List.of(order), Map.of("bulb", new StockLevel(3, 3, 0), "lamp", lamps));
    assertThat(short3.facts()).containsExactly(rejected(order, new Shortage("bulb", 4, 3)));
    assertThat(short3.changed()).isEmpty();

    StockPlan enough =
        StockPlan.of(List.of(order), Map.of("bulb", new StockLevel(4, 4, 0), "lamp", lamps));
    assertThat(enough.facts()).containsExactly(reserved(order));
    assertThat(enough.changed())
        .isEqualTo(Map.of("bulb", new StockLevel(4, 0, 4), "lamp", new StockLevel(1, 0, 1)));
  }

  @Test
  void an_order_gets_all_of_its_skus_or_none_and_is_told_of_every_shortage() {
    Reserve order = reserve("o", item("bulb", 1), item("lamp", 2), item("cord", 3));
    Reserve next = reserve("next", item("bulb", 1));
    StockPlan plan =
        StockPlan.of(
            List.of(order, next),
            Map.of("bulb", new StockLevel(1, 1, 0), "lamp", new StockLevel(1, 1, 0)));

    assertThat(plan.facts())
        .containsExactly(
            rejected(order, new Shortage("lamp", 2, 1), new Shortage("cord", 3, 0)),
            reserved(next));
    assertThat(plan.changed()).isEqualTo(Map.of("bulb", new StockLevel(1, 0, 1)));
    assertThat(plan.shortSkus()).containsExactlyInAnyOrder("lamp", "cord");
  }

  @Test
  void a_plan_without_shortage_names_no_short_sku() {
    StockPlan plan =
        StockPlan.of(
            List.of(reserve("o", item("bulb", 1))), Map.of("bulb", new StockLevel(1, 1, 0)));

    assertThat(plan.shortSkus()).isEmpty();
  }

  @Test
  void what_one_request_frees_or_brings_is_there_for_the_next() {
    Release back = new Release("gone", List.of(item("bulb", 2)), 9, TRACE);
    Receive goods = new Receive("bulb", 3, "rcp_1", TRACE);
    Reserve order = reserve("o", item("bulb", 5));
    StockPlan plan =
        StockPlan.of(List.of(back, goods, order), Map.of("bulb", new StockLevel(2, 0, 2)));

    assertThat(plan.facts())
        .containsExactly(
            new InventoryReleased("gone", List.of(item("bulb", 2))),
            new StockReceived("bulb", 3, "rcp_1"),
            reserved(order));
    assertThat(plan.changed()).isEqualTo(Map.of("bulb", new StockLevel(5, 0, 5)));
  }

  @Test
  void goods_of_a_sku_that_never_came_in_begin_its_level() {
    StockPlan plan = StockPlan.of(List.of(new Receive("new", 3, "rcp_1", TRACE)), Map.of());

    assertThat(plan.changed()).isEqualTo(Map.of("new", new StockLevel(3, 3, 0)));
  }

  @Test
  void an_order_without_items_and_a_tombstone_touch_no_level() {
    Reserve amountAlone = reserve("o");
    StockPlan plan =
        StockPlan.of(List.of(amountAlone, new Release("gone", List.of(), 0, TRACE)), Map.of());

    assertThat(plan.facts())
        .containsExactly(reserved(amountAlone), new InventoryReleased("gone", List.of()));
    assertThat(plan.changed()).isEmpty();
  }

  @Test
  void a_level_that_does_not_add_up_cannot_be_made() {
    assertThatThrownBy(() -> new StockLevel(3, 2, 2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new StockLevel(0, -1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new StockLevel(0, 1, -1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void two_hundred_thousand_random_requests_end_as_when_pieces_are_counted_one_by_one() {
    SplittableRandom random = new SplittableRandom(20261121);
    Pieces model = new Pieces();
    Map<String, StockLevel> levels = new HashMap<>();
    List<Reserve> held = new ArrayList<>();
    int reserved = 0;
    int rejected = 0;
    for (int done = 0; done < 200_000; ) {
      List<StockRequest> batch = new ArrayList<>();
      List<Event> expected = new ArrayList<>();
      for (int i = random.nextInt(1, 80); i > 0; i--, done++) {
        StockRequest request = anyRequest(random, done, held);
        batch.add(request);
        expected.add(model.perform(request));
        if (request instanceof Reserve reserve) {
          if (expected.getLast() instanceof InventoryReserved) {
            held.add(reserve);
            reserved++;
          } else {
            rejected++;
          }
        }
      }
      StockPlan plan = StockPlan.of(batch, levels);
      assertThat(plan.facts()).isEqualTo(expected);
      levels.putAll(plan.changed());
      assertThat(levels).isEqualTo(model.levels());
    }
    assertThat(reserved).isGreaterThan(10_000);
    assertThat(rejected).isGreaterThan(10_000);
  }

  private static StockRequest anyRequest(SplittableRandom random, int number, List<Reserve> held) {
    int kind = random.nextInt(10);
    if (kind == 0) {
      return new Receive(sku(random), random.nextInt(1, 9), "rcp_" + number, TRACE);
    }
    if (kind == 1 && !held.isEmpty()) {
      Reserve back = held.remove(random.nextInt(held.size()));
      return new Release(back.aggregateId(), back.order().items(), number + 1L, TRACE);
    }
    Item[] items = new Item[random.nextInt(4)];
    for (int i = 0; i < items.length; i++) {
      items[i] = item(sku(random), random.nextInt(1, 5));
    }
    return reserve("o" + number, items);
  }

  private static String sku(SplittableRandom random) {
    return "sku" + random.nextInt(12);
  }

  /** The same stock as a heap of single pieces: slow, and too simple to be wrong. */
  private static final class Pieces {
    private final Map<String, Integer> received = new HashMap<>();
    private final Map<String, List<String>> holders = new HashMap<>();

    Event perform(StockRequest request) {
      switch (request) {
        case Receive goods -> {
          received.merge(goods.sku(), (int) goods.quantity(), Integer::sum);
          return new StockReceived(goods.sku(), goods.quantity(), goods.receiptId());
        }
        case Release back -> {
          for (Item item : back.items()) {
            holders(item.sku()).removeIf(back.orderId()::equals);
          }
          return new InventoryReleased(back.orderId(), back.items());
        }
        case Reserve order -> {
          List<Shortage> shortages = new ArrayList<>();
          for (String sku : order.order().items().stream().map(Item::sku).distinct().toList()) {
            int wanted = pieces(order, sku);
            int free = received.getOrDefault(sku, 0) - holders(sku).size();
            if (wanted > free) {
              shortages.add(new Shortage(sku, wanted, free));
            }
          }
          if (!shortages.isEmpty()) {
            return rejected(order, shortages.toArray(Shortage[]::new));
          }
          for (Item item : order.order().items()) {
            for (int piece = 0; piece < item.quantity(); piece++) {
              holders(item.sku()).add(order.aggregateId());
            }
          }
          return reserved(order);
        }
      }
    }

    private static int pieces(Reserve order, String sku) {
      return order.order().items().stream()
          .filter(item -> item.sku().equals(sku))
          .mapToInt(Item::quantity)
          .sum();
    }

    private List<String> holders(String sku) {
      return holders.computeIfAbsent(sku, s -> new ArrayList<>());
    }

    Map<String, StockLevel> levels() {
      Map<String, StockLevel> levels = new HashMap<>();
      received.forEach(
          (sku, all) ->
              levels.put(sku, new StockLevel(all, all - holders(sku).size(), holders(sku).size())));
      return levels;
    }
  }

  private static Item item(String sku, int quantity) {
    return new Item(sku, quantity, BigDecimal.TEN);
  }

  private static Reserve reserve(String orderId, Item... items) {
    return new Reserve(
        new OrderCreated(orderId, "c1", BigDecimal.TEN, "EUR", List.of(items), "pm_card_visa"),
        ORIGIN,
        TRACE,
        true,
        Instant.EPOCH);
  }

  private static InventoryReserved reserved(Reserve request) {
    OrderCreated order = request.order();
    return new InventoryReserved(
        order.orderId(),
        order.customerId(),
        order.amount(),
        order.currency(),
        order.items(),
        order.paymentMethod(),
        ORIGIN);
  }

  private static InventoryRejected rejected(Reserve request, Shortage... shortages) {
    return new InventoryRejected(
        request.aggregateId(), "c1", "out_of_stock", List.of(shortages), ORIGIN);
  }
}
