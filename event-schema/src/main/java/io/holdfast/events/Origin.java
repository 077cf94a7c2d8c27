package io.holdfast.events;

import java.time.Instant;
import java.util.Objects;

/**
 * Where an order's OrderCreated stands, carried along by the facts that lead to its end. With it
 * orders can append the final state under the right guard without reading anything first.
 *
 * @param sequence stream sequence of the order's OrderCreated in ORDERS
 * @param createdAt when the order was accepted
 */
public record Origin(long sequence, Instant createdAt) {

  public Origin {
    if (sequence < 1) {
      throw new IllegalArgumentException("sequence must be positive, not " + sequence);
    }
    Objects.requireNonNull(createdAt, "created_at");
  }
}
