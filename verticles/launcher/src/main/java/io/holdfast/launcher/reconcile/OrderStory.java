package io.holdfast.launcher.reconcile;

import io.holdfast.events.EventType;
import io.holdfast.events.Money;
import java.util.Arrays;
import java.util.Set;

/**
 * What the streams say about one order: which facts it has, and where they stand. There may be
 * millions, so it keeps little: about 0.3 KB with its entry in a map.
 */
final class OrderStory {

  private static final EventType[] TYPES = EventType.values();

  final String orderId;
  private int facts; // a bit for each type, by its ordinal
  private long[] sequences = {}; // of the facts that are there, in the order of their types
  private long traceHigh;
  private long traceLow;
  Money total;
  short parked; // dead letters that nobody has dealt with yet
  boolean discarded; // an operator has left a message of it as it is, for good
  boolean gaveStockBack;
  boolean accepted;
  byte held; // charges that the gateway has not given back, as far as two

  OrderStory(String orderId) {
    this.orderId = orderId;
  }

  /** Notes a fact; false if the order has one of this type already. */
  boolean add(EventType type, long sequence) {
    if (has(type)) {
      return false;
    }
    int at = index(type);
    long[] more = Arrays.copyOf(sequences, sequences.length + 1);
    System.arraycopy(sequences, at, more, at + 1, sequences.length - at);
    more[at] = sequence;
    sequences = more;
    facts |= bit(type);
    return true;
  }

  boolean has(EventType type) {
    return (facts & bit(type)) != 0;
  }

  boolean hasAny(Set<EventType> types) {
    return types.stream().anyMatch(this::has);
  }

  boolean isEmpty() {
    return facts == 0;
  }

  /** The fact's stream sequence; 0 if the order has none of this type. */
  long at(EventType type) {
    return has(type) ? sequences[index(type)] : 0;
  }

  /** The first fact after creation, if creation itself is missing; else creation. */
  EventType first() {
    return TYPES[Integer.numberOfTrailingZeros(facts)];
  }

  /**
   * Notes the trace of a fact.
   *
   * @return false if the order's other facts have another one
   */
  boolean traced(String traceId) {
    long high = Long.parseUnsignedLong(traceId, 0, 16, 16);
    long low = Long.parseUnsignedLong(traceId, 16, 32, 16);
    if (traceHigh == 0 && traceLow == 0) {
      traceHigh = high;
      traceLow = low;
    }
    return traceHigh == high && traceLow == low;
  }

  String traceId() {
    return "%016x%016x".formatted(traceHigh, traceLow);
  }

  boolean confirmed() {
    return has(EventType.ORDER_CONFIRMED);
  }

  boolean cancelled() {
    return has(EventType.ORDER_CANCELLED);
  }

  /** Whether it cannot be expected to come to its end, as a message of it was given up. */
  boolean apart() {
    return parked > 0 || discarded;
  }

  /** Whether something is still to happen that nothing has failed to do yet. */
  boolean underWay() {
    return !apart() && (missing() != null || (!has(EventType.ORDER_CREATED) && !isEmpty()));
  }

  /** The fact that the order still wants, in words; null if it wants none. */
  String missing() {
    if (!has(EventType.ORDER_CREATED)) {
      return null;
    }
    if (!confirmed() && !cancelled()) {
      return "a final state";
    }
    if (!has(EventType.NOTIFICATION_SENT)) {
      return "its NotificationSent";
    }
    if (!cancelled()) {
      return null;
    }
    if (!has(EventType.INVENTORY_REJECTED) && !has(EventType.INVENTORY_RELEASED)) {
      return "its InventoryReleased";
    }
    boolean closed =
        has(EventType.PAYMENT_FAILED)
            || has(EventType.PAYMENT_VOIDED)
            || has(EventType.PAYMENT_REFUNDED);
    return closed ? null : "its PaymentVoided or PaymentRefunded";
  }

  @SuppressWarnings("EnumOrdinal") // never stored
  private static int bit(EventType type) {
    return 1 << type.ordinal();
  }

  private int index(EventType type) {
    return Integer.bitCount(facts & (bit(type) - 1));
  }
}
