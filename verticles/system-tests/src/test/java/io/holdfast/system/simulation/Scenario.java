package io.holdfast.system.simulation;

import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * How large the world of one schedule is, what its customers want, and how much may go wrong in it.
 *
 * @param name in front of every id, so that several worlds can share one broker
 * @param stock pieces of each sku, {@code a} first, that are there from the start
 * @param receipt pieces of {@code a} that come in while orders are under way; 0 for none
 * @param replicas of each service
 * @param knowsIds whether the broker still knows the message ids that it has stored
 * @param kinds what may go wrong
 * @param faults how often in all
 * @param in once in so many places where it could
 */
record Scenario(
    String name,
    List<Customer> customers,
    List<Integer> stock,
    int receipt,
    int replicas,
    boolean knowsIds,
    Set<Fault> kinds,
    int faults,
    int in) {

  /**
   * @param placesTwice sends the same order a second time without waiting for the answer
   * @param cancelsAt when they ask to cancel it, in ms; below 0 for never
   */
  record Customer(OrderCreated order, boolean placesTwice, int cancelsAt) {}

  private static final int NEVER = -1;

  private static final List<String> SKUS = List.of("a", "b");
  private static final int[] ONCE_IN = {40, 5, 12, 120};
  private static final Fault[] FAULTS = Fault.values();
  private static final BigDecimal PRICE = new BigDecimal("19.90");

  /** Any of the worlds that are worth looking at. */
  static Scenario any(Choices choices, String name) {
    int orders = new int[] {1, 1, 1, 2, 2, 3}[choices.next(6)];
    List<Customer> customers = new ArrayList<>(orders);
    for (int i = 1; i <= orders; i++) {
      List<Integer> quantities = new ArrayList<>(2);
      quantities.add(1 + choices.next(2));
      quantities.add(choices.once(4) ? 1 : 0);
      String method = choices.once(6) ? ModelGateway.DECLINED_METHOD : null;
      boolean twice = choices.once(5);
      int cancelsAt = choices.next(2) == 1 ? choices.next(40 * orders) : NEVER;
      customers.add(
          new Customer(order(name + "o" + i, name, quantities, method), twice, cancelsAt));
    }
    List<Integer> stock = List.of(3 - choices.next(4), 2 - choices.next(3));
    int receipt = choices.once(6) ? 1 + choices.next(2) : 0;
    int replicas = 1 + choices.next(2);
    boolean knowsIds = choices.next(2) == 0;
    int faults = choices.next(6);
    Set<Fault> kinds = EnumSet.allOf(Fault.class);
    if (faults > 0 && choices.next(2) == 1) { // a few kinds, and those thoroughly
      kinds.clear();
      for (int i = 0; i < 3; i++) {
        kinds.add(FAULTS[choices.next(FAULTS.length)]);
      }
    }
    int in = faults == 0 ? 1 : ONCE_IN[choices.next(ONCE_IN.length)];
    return new Scenario(name, customers, stock, receipt, replicas, knowsIds, kinds, faults, in);
  }

  String sku(int index) {
    return name + SKUS.get(index);
  }

  private static OrderCreated order(
      String id, String name, List<Integer> quantities, String method) {
    List<Item> items = new ArrayList<>(2);
    int pieces = 0;
    for (int i = 0; i < quantities.size(); i++) {
      if (quantities.get(i) > 0) {
        items.add(new Item(name + SKUS.get(i), quantities.get(i), PRICE));
        pieces += quantities.get(i);
      }
    }
    return new OrderCreated(
        id, "c1", PRICE.multiply(BigDecimal.valueOf(pieces)), "EUR", items, method);
  }
}
