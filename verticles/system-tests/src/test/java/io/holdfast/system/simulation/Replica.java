package io.holdfast.system.simulation;

import io.holdfast.inventory.StockDesk;
import io.holdfast.orders.OrderDesk;
import io.holdfast.runtime.jetstream.Reactions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One life of one replica of a service. When it ends, whatever it waited for never comes back to
 * it; what it has sent is on its way all the same.
 */
final class Replica {

  final String service;
  final String name;
  final Map<String, Reactions> consumers = new HashMap<>();
  final List<Message> inProcess = new ArrayList<>();
  final List<Runnable> openCalls = new ArrayList<>();
  OrderDesk orders;
  StockDesk stock;

  private final Timeline timeline;
  private boolean alive = true;

  Replica(String service, String name, Timeline timeline) {
    this.service = service;
    this.name = name;
    this.timeline = timeline;
  }

  boolean alive() {
    return alive;
  }

  void die() {
    alive = false;
  }

  /** Something that arrives here, if this life lasts until then. */
  void soon(Runnable step) {
    timeline.soon(() -> ifAlive(step));
  }

  void after(long millis, Runnable step) {
    timeline.after(millis, () -> ifAlive(step));
  }

  private void ifAlive(Runnable step) {
    if (alive) {
      step.run();
    }
  }
}
