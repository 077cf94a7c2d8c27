package io.holdfast.payments;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The last orders of which something is remembered, a bounded number of them. Thread-safe. */
final class RecentOrders {

  private static final int MAX = 10_000;

  private final Set<String> orderIds =
      Collections.synchronizedSet(
          Collections.newSetFromMap(
              new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                  return size() > MAX;
                }
              }));

  void add(String orderId) {
    orderIds.add(orderId);
  }

  boolean contains(String orderId) {
    return orderIds.contains(orderId);
  }
}
