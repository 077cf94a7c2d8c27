package io.holdfast.launcher.load;

import io.vertx.core.Future;
import java.util.List;
import java.util.function.Consumer;

/** How it is known what became of the orders that were accepted. */
public interface OrderEnds {

  /** What can become of an order. */
  enum What {
    CONFIRMED,
    CANCELLED,
    /** Its customer was told, or as much as can be seen of that. */
    DONE
  }

  /**
   * @param epochNanos when, by the clock of this machine
   */
  record End(String orderId, What what, long epochNanos) {}

  /**
   * Tells from now on what becomes of orders, others' too; on any thread, the ends of one order in
   * any order, each once.
   */
  Future<Void> begin(Consumer<List<End>> listener);

  /**
   * Whether the end of this order, just accepted, will be told. Asked once for each, always on the
   * same thread.
   */
  boolean follows(String orderId);

  /** Where the ends are known from, and what their times mean; a sentence. */
  String how();

  void close();

  /** Nothing is known of any. */
  static OrderEnds unknown() {
    return new OrderEnds() {
      @Override
      public Future<Void> begin(Consumer<List<End>> listener) {
        return Future.succeededFuture();
      }

      @Override
      public boolean follows(String orderId) {
        return false;
      }

      @Override
      public String how() {
        return "What became of the orders was not looked at.";
      }

      @Override
      public void close() {
        // nothing is open
      }
    };
  }
}
