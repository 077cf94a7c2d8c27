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
import io.holdfast.events.Subjects;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

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
    WORK_QUEUE,
    /** Messages that the broker is to publish later: nudges, which nothing rests on. */
    TIMERS
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
  public record ConsumerSpec(String name, String group, String stream, List<EventType> types) {

    /** The consumer of those of this one's messages that an operator sends back. */
    public ConsumerSpec redriven() {
      return new ConsumerSpec(name + REDRIVEN, group, REDRIVES, types);
    }

    /** Whether it is for redriven messages. */
    boolean redrives() {
      return stream.equals(REDRIVES);
    }

    /** The consumer that gave the messages up, if this one is for redriven ones; else itself. */
    String original() {
      return redrives() ? name.substring(0, name.length() - REDRIVEN.length()) : name;
    }

    /** What it is delivered, by subject, without the namespace. */
    List<String> filters() {
      if (redrives()) {
        return List.of(new Subjects("").redrive(group, original(), ">"));
      }
      String before = stream.equals(TIMERS) ? DUE : "";
      Subjects plain = new Subjects("");
      return types.stream().map(type -> before + plain.every(type)).toList();
    }
  }

  /** Name of the stream of messages on their way back to one consumer. */
  public static final String REDRIVES = "REDRIVES";

  private static final String REDRIVEN = "-redriven";

  /** Name of the stream that the ledger is. */
  public static final String LEDGER = "AUDIT";

  /** Name of the stream of timers. */
  public static final String TIMERS = "TIMERS";

  /** What stands before a fact's subject where a timer waits that bears it. */
  public static final String SCHEDULED = "timers.at.";

  /** What stands before a fact's subject where the broker publishes such a timer. */
  public static final String DUE = "timers.due.";

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
          new StreamSpec(REDRIVES, Kind.WORK_QUEUE, "", List.of("redrives.>")),
          new StreamSpec(LEDGER, Kind.LEDGER, "audit", List.of("audit.block")));

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

  /** Each of those has one for its redriven messages. */
  public static final List<ConsumerSpec> REDRIVE_CONSUMERS =
      CONSUMERS.stream().map(ConsumerSpec::redriven).toList();

  /** Streams that are created by whoever consumes them, and need not be there. */
  public static final List<StreamSpec> OPTIONAL_STREAMS =
      List.of(new StreamSpec(TIMERS, Kind.TIMERS, "", List.of("timers.>")));

  /** The variable that has to be set for such a stream to be made. */
  public static final Map<String, String> ASKED_FOR_BY = Map.of(TIMERS, "RESERVATION_TTL");

  /** Consumers of those; they need not be there either, nor those of their redriven messages. */
  public static final List<ConsumerSpec> OPTIONAL_CONSUMERS =
      List.of(new ConsumerSpec("payments-expire", "payments", TIMERS, List.of(INVENTORY_RESERVED)));

  /** The streams whose every message stands in the ledger. */
  public static final Set<String> AUDITED =
      Set.of(
          Domain.ORDERS.stream(),
          Domain.INVENTORY.stream(),
          Domain.PAYMENTS.stream(),
          Domain.NOTIFICATIONS.stream(),
          Domain.DEADLETTERS.stream());

  /** The most that all streams together may hold, if each is given so much. */
  public static long maxBytesOfAll(long each) {
    return Stream.concat(STREAMS.stream(), OPTIONAL_STREAMS.stream())
        .mapToLong(spec -> maxBytes(spec, each))
        .sum();
  }

  /** The ledger holds what the audited streams hold, so it may grow as large as all of them. */
  static long maxBytes(StreamSpec spec, long each) {
    return spec.kind() == Kind.LEDGER ? each * AUDITED.size() : each;
  }

  private StreamCatalog() {}

  /** Whether a stream is there only if somebody consumes it. */
  static boolean optional(String name) {
    return OPTIONAL_STREAMS.stream().anyMatch(spec -> spec.name().equals(name));
  }

  public static StreamSpec stream(String name) {
    return Stream.concat(STREAMS.stream(), OPTIONAL_STREAMS.stream())
        .filter(spec -> spec.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no stream " + name));
  }

  /** The consumer of this name, if there is such a one. */
  public static Optional<ConsumerSpec> known(String name) {
    return Stream.concat(CONSUMERS.stream(), OPTIONAL_CONSUMERS.stream())
        .flatMap(spec -> Stream.of(spec, spec.redriven()))
        .filter(spec -> spec.name().equals(name))
        .findFirst();
  }

  public static ConsumerSpec consumer(String name) {
    return known(name).orElseThrow(() -> new IllegalArgumentException("no consumer " + name));
  }
}
