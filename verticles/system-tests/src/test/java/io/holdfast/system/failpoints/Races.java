package io.holdfast.system.failpoints;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Knows every order's kind, and sees to it that cancellations come at their moment: what they are
 * to overtake is held back on its wire until they are stored.
 */
final class Races {

  /** Then what is held back goes on all the same, and the race is lost. */
  static final Duration PATIENCE = Duration.ofSeconds(15);

  private static final int TOKENS_OF_A_FACT = 3;

  private final Map<String, Kind> kinds = new ConcurrentHashMap<>();
  private final Set<String> asked = ConcurrentHashMap.newKeySet();
  private final Set<String> cancelled = ConcurrentHashMap.newKeySet();
  private final Set<String> voided = ConcurrentHashMap.newKeySet();
  private final Consumer<String> cancel;

  /**
   * @param cancel begins to cancel an order, and returns at once
   */
  Races(Consumer<String> cancel) {
    this.cancel = cancel;
  }

  /** The kind of the order that a fact is about, which an OrderCreated tells. */
  Kind kind(String subject, String body, String orderId) {
    if (subject.startsWith("orders.created.") && body.startsWith("{")) {
      String customer =
          new JsonObject(body).getJsonObject("data", new JsonObject()).getString("customer_id");
      Kind.ofCustomer(customer).ifPresent(kind -> kinds.put(orderId, kind));
    }
    return kindOf(orderId);
  }

  Kind kindOf(String orderId) {
    return orderId.isEmpty() ? null : kinds.get(orderId);
  }

  /** Notes what is stored. */
  void stored(Sent sent) {
    if (sent.isFact("orders.cancelled")) {
      cancelled.add(sent.orderId());
    } else if (sent.isFact("payments.voided")) {
      voided.add(sent.orderId());
    }
  }

  /** Whether an OrderConfirmed must wait; if so, the cancellation is on its way. */
  boolean holdsConfirmation(Sent sent) {
    return sent.isFact("orders.confirmed", Kind.LATE) && hold(sent.orderId(), cancelled);
  }

  /** Whether the gateway's answer to a charge must wait; if so, the cancellation is on its way. */
  boolean holdsCharge(Sent sent) {
    return sent.isCharge() && sent.kind() == Kind.RACED && hold(sent.orderId(), voided);
  }

  private boolean hold(String orderId, Set<String> over) {
    if (over.contains(orderId)) {
      return false;
    }
    if (asked.add(orderId)) {
      cancel.accept(orderId);
    }
    return true;
  }

  boolean isCancelled(String orderId) {
    return cancelled.contains(orderId);
  }

  boolean isVoided(String orderId) {
    return voided.contains(orderId);
  }

  /** The order that a subject is about, if it is a fact's. */
  static String orderId(String subject) {
    String[] tokens = subject.split("\\.", -1);
    return tokens.length == TOKENS_OF_A_FACT ? tokens[TOKENS_OF_A_FACT - 1] : "";
  }
}
