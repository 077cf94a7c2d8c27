package io.holdfast.system.histories;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** One thing that happens to the system from outside. */
sealed interface Step {

  /** With so many receipts every history begins. */
  int STOCK = 2;

  /** A customer orders; the same number again is a repetition of the same request. */
  record Place(int order, String sku, int quantity, String card) implements Step {}

  /** A customer changes his mind. */
  record Cancel(int order) implements Step {}

  /** Goods come in; the same number again is a repetition. */
  record Receive(int receipt, String sku, int quantity) implements Step {}

  /** The gateway misbehaves from here on; rates in percent. */
  record Gateway(int errors, int drops, int refundErrors, int latencyMillis, boolean outage)
      implements Step {}

  /** A replica of a service dies in the middle of its work, and another one is started. */
  record Crash(String group) implements Step {}

  /** Nothing, for a moment. */
  record Rest(int millis) implements Step {}

  /** A history of so many steps; the same seed gives the same one. */
  static List<Step> history(long seed, int steps) {
    Random random = new Random(seed);
    List<Step> history = new ArrayList<>();
    history.add(new Receive(0, "plenty", 1_000));
    history.add(new Receive(1, "few", 4));
    int orders = 0;
    for (int i = 0; i < steps; i++) {
      int dice = random.nextInt(100);
      if (dice < 45 || orders == 0) {
        history.add(place(random, orders++));
      } else if (dice < 55) {
        history.add(again(history, random.nextInt(orders)));
      } else if (dice < 70) {
        history.add(new Cancel(random.nextInt(orders)));
      } else if (dice < 75) {
        history.add(new Receive(2 + random.nextInt(3), "few", 1 + random.nextInt(3)));
      } else if (dice < 82) {
        history.add(
            new Gateway(
                random.nextInt(50),
                random.nextInt(50),
                random.nextInt(50),
                random.nextInt(30),
                random.nextInt(4) == 0));
      } else if (dice < 90) {
        history.add(
            new Crash(
                List.of("orders", "inventory", "payments", "notifications")
                    .get(random.nextInt(4))));
      } else {
        history.add(new Rest(random.nextInt(60)));
      }
    }
    return history;
  }

  private static Place place(Random random, int order) {
    boolean few = random.nextInt(3) == 0;
    String card =
        random.nextInt(5) == 0 ? "pm_card_chargeDeclinedInsufficientFunds" : "pm_card_visa";
    return new Place(
        order,
        few ? "few" : random.nextInt(12) == 0 ? "none" : "plenty",
        1 + random.nextInt(3),
        card);
  }

  private static Place again(List<Step> history, int order) {
    return history.stream()
        .filter(Place.class::isInstance)
        .map(Place.class::cast)
        .filter(place -> place.order() == order)
        .findFirst()
        .orElseThrow();
  }
}
