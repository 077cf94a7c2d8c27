package io.holdfast.system.failpoints;

import java.util.List;

/**
 * What a service is about to send, as a fail-point looks at it.
 *
 * @param name the subject of what it publishes, {@code +ACK} and the like with the consumer's name,
 *     or an HTTP request's method and path
 * @param kind of the order that it is about; null if it is about none, or an unknown one
 * @param body of what is published or asked for
 * @param batch subjects of the atomic batch that it belongs to, up to this one; else empty
 * @param commit whether it ends a batch
 */
record Sent(
    String name, String orderId, Kind kind, String body, List<String> batch, boolean commit) {

  /** Whether it is a fact of this type, by its subject without the aggregate's id. */
  boolean isFact(String type) {
    return name.startsWith(type + ".");
  }

  boolean isFact(String type, Kind ofOrder) {
    return isFact(type) && kind == ofOrder;
  }

  /** Whether it is such a fact, and in no batch. */
  boolean isAlone(String type) {
    return isFact(type) && batch.isEmpty();
  }

  /** Whether it ends a batch that holds such a fact. */
  boolean commits(String type) {
    return commit && batch.stream().anyMatch(subject -> subject.startsWith(type + "."));
  }

  /** Whether it stands in the middle of a batch that begins with such a fact. */
  boolean continues(String type) {
    return !commit && batch.size() > 1 && batch.getFirst().startsWith(type + ".");
  }

  boolean isAck(String consumer) {
    return name.equals("+ACK " + consumer);
  }

  boolean isAck(String consumer, Kind ofOrder) {
    return isAck(consumer) && kind == ofOrder;
  }

  boolean isTerm(String consumer) {
    return name.equals("+TERM " + consumer);
  }

  boolean isCharge() {
    return name.equals("POST /v1/payment_intents") && body.contains("confirm=true");
  }

  boolean isRefund(Kind ofOrder) {
    return name.equals("POST /v1/refunds") && kind == ofOrder;
  }
}
