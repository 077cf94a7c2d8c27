package io.holdfast.launcher.reconcile;

import io.vertx.core.json.JsonObject;

/**
 * One breach of an invariant.
 *
 * @param orderId of the order, or empty if it is about none
 * @param subject of the message at fault, or what stands for it
 * @param sequence of that message in its stream; 0 if there is none
 */
public record Violation(
    Invariant invariant, String orderId, String subject, long sequence, String problem) {

  public JsonObject json() {
    return new JsonObject()
        .put("invariant", invariant.name())
        .put("order_id", orderId)
        .put("subject", subject)
        .put("sequence", sequence)
        .put("problem", problem);
  }

  @Override
  public String toString() {
    return invariant
        + (orderId.isEmpty() ? "" : "  " + orderId)
        + (subject.isEmpty() ? "" : "  " + subject)
        + (sequence == 0 ? "" : " #" + sequence)
        + ": "
        + problem;
  }
}
