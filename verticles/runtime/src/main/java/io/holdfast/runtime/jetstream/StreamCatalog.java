package io.holdfast.runtime.jetstream;

import static io.holdfast.events.EventType.INVENTORY_REJECTED;
import static io.holdfast.events.EventType.INVENTORY_RESERVED;
import static io.holdfast.events.EventType.ORDER_CANCELLED;
import static io.holdfast.events.EventType.ORDER_CONFIRMED;
import static io.holdfast.events.EventType.ORDER_CREATED;
import static io.holdfast.events.EventType.PAYMENT_FAILED;
import static io.holdfast.events.EventType.PAYMENT_PROCESSED;

import io.holdfast.events.Domain;
import io.holdfast.events.EventType;
import java.util.List;
import java.util.Set;

/** Every stream and every durable consumer by name: the one place that lists them. */
public final class StreamCatalog {

  /** How a stream is kept. */
  public enum Kind {
    /** Facts of one domain, kept, none deleted. */
    FACTS,
    /** The ledger: as facts, and not purged either. */
    LEDGER,
    /** Messages that a service gave up. */
    DEAD_LETTERS,
    /** Messages on their way back to one consumer, gone when acknowledged. */
    WORK_QUEUE
  }

  /**
   * @param name without its namespace
   * @param owner the service that alone publishes to it; empty where every service does
   * @param subjects filters, without the namespace
   */
  public record StreamSpec(String name, Kind kind, String owner, List<String> subjects) {}

  /**
   * @param name durable name, {@code <group>-<verb>}
   * @param stream without its namespace
   * @param types the facts that it is for
   */
  public record ConsumerSpec(String name, String group, String stream, List<EventType> types) {}

  public static final List<StreamSpec> STREAMS =
      List.of(
          new StreamSpec("ORDERS", Kind.FACTS, "orders", List.of("orders.*.*")),
          new StreamSpec(
              "INVENTORY",
              Kind.FACTS,
              "inventory",
              List.of("inventory.*.*", "stock.*.*", "receipts.*.*")),
          new StreamSpec("PAYMENTS", Kind.FACTS, "payments", List.of("payments.*.*")),
          new StreamSpec(
              "NOTIFICATIONS", Kind.FACTS, "notifications", List.of("notifications.*.*")),
          new StreamSpec("DEADLETTERS", Kind.DEAD_LETTERS, "", List.of("deadletters.>")),
          new StreamSpec("REDRIVES", Kind.WORK_QUEUE, "", List.of("redrives.>")),
          new StreamSpec("AUDIT", Kind.LEDGER, "audit", List.of("audit.block")));

  public static final List<ConsumerSpec> CONSUMERS =
      List.of(
          new ConsumerSpec("inventory-reserve", "inventory", "ORDERS", List.of(ORDER_CREATED)),
          new ConsumerSpec("inventory-release", "inventory", "ORDERS", List.of(ORDER_CANCELLED)),
          new ConsumerSpec("payments-charge", "payments", "INVENTORY", List.of(INVENTORY_RESERVED)),
          new ConsumerSpec("payments-compensate", "payments", "ORDERS", List.of(ORDER_CANCELLED)),
          new ConsumerSpec(
              "orders-settle", "orders", "PAYMENTS", List.of(PAYMENT_PROCESSED, PAYMENT_FAILED)),
          new ConsumerSpec("orders-reject", "orders", "INVENTORY", List.of(INVENTORY_REJECTED)),
          new ConsumerSpec(
              "notifications-send",
              "notifications",
              "ORDERS",
              List.of(ORDER_CONFIRMED, ORDER_CANCELLED)));

  /** The streams whose every message stands in the ledger. */
  public static final Set<String> AUDITED =
      Set.of(
          Domain.ORDERS.stream(),
          Domain.INVENTORY.stream(),
          Domain.PAYMENTS.stream(),
          Domain.NOTIFICATIONS.stream(),
          Domain.DEADLETTERS.stream());

  private StreamCatalog() {}

  public static StreamSpec stream(String name) {
    return STREAMS.stream()
        .filter(spec -> spec.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no stream " + name));
  }

  public static ConsumerSpec consumer(String name) {
    return CONSUMERS.stream()
        .filter(spec -> spec.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no consumer " + name));
  }
}
