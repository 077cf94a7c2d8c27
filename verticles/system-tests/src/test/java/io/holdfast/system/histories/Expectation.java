package io.holdfast.system.histories;

import io.holdfast.system.histories.Step.Place;
import java.util.Set;
import java.util.TreeSet;

/**
 * The small reference model: what an order may come to, from what was asked alone. It knows nothing
 * of messages, crashes or retries, as these must make no difference.
 */
final class Expectation {

  private Expectation() {}

  /**
   * @param cancelAccepted whether a cancellation was answered with 202
   * @param cancelTried whether one was sent, whatever came of it
   * @return the ends that are right: {@code confirmed} or {@code cancelled:<reason>}
   */
  static Set<String> endsOf(Place order, boolean cancelTried, boolean cancelAccepted) {
    Set<String> ends = new TreeSet<>();
    if (cancelAccepted) {
      // A cancellation that meets the same order's cancellation for another reason is granted too.
      ends.add("cancelled:customer_request");
      return withRefusals(order, ends);
    }
    if (cancelTried) {
      ends.add("cancelled:customer_request"); // its answer may have been lost
    }
    boolean declined = !order.card().equals("pm_card_visa");
    if (!order.sku().equals("none") && !declined) {
      ends.add("confirmed");
    }
    return withRefusals(order, ends);
  }

  private static Set<String> withRefusals(Place order, Set<String> ends) {
    if (!order.sku().equals("plenty")) {
      ends.add("cancelled:out_of_stock");
    }
    if (!order.card().equals("pm_card_visa") && !order.sku().equals("none")) {
      ends.add("cancelled:payment_declined");
    }
    return ends;
  }
}
