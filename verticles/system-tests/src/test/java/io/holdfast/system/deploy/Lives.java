package io.holdfast.system.deploy;

import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.testkit.Streams;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** When things happened to orders, by the broker's time of what is stored. */
final class Lives {

  private final Map<String, Instant> created = new HashMap<>();
  private final Map<String, Instant> ended = new HashMap<>();
  private final Map<String, Instant> last = new HashMap<>();
  private final Set<String> told = new HashSet<>();
  private final Map<String, Map<Instant, String>> facts = new HashMap<>();

  private Lives() {}

  static Lives read(Streams streams) {
    Lives lives = new Lives();
    for (String stream : List.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS")) {
      streams.messages(stream).forEach(lives::add);
    }
    return lives;
  }

  private void add(RawMessage message) {
    String[] subject = message.subject().split("\\.", -1);
    String id = subject[subject.length - 1];
    String fact = subject[subject.length - 3] + "." + subject[subject.length - 2];
    facts
        .computeIfAbsent(id, order -> new TreeMap<>())
        .merge(message.storedAt(), fact, (a, b) -> a + " " + b);
    switch (fact) {
      case "orders.created" -> created.put(id, message.storedAt());
      case "orders.confirmed", "orders.cancelled" -> ended.put(id, message.storedAt());
      case "notifications.sent" -> told.add(id);
      default -> {}
    }
    last.merge(id, message.storedAt(), (one, other) -> one.isAfter(other) ? one : other);
  }

  /** Whether all of these orders are final, and their customers told. */
  boolean over(List<String> orders) {
    return ended.keySet().containsAll(orders) && told.containsAll(orders);
  }

  /** From {@code created} to the final state, of the order that took longest. */
  Duration longestToFinal() {
    return longest(ended);
  }

  /** Each fact of the order that took longest, and how long after the first it came. */
  String slowest() {
    String order =
        ended.keySet().stream()
            .filter(created::containsKey)
            .max(Comparator.comparing(id -> Duration.between(created.get(id), ended.get(id))))
            .orElseThrow();
    StringBuilder story = new StringBuilder(order + " of " + created.get(order));
    facts
        .get(order)
        .forEach(
            (at, fact) ->
                story
                    .append(", ")
                    .append(fact)
                    .append(" +")
                    .append(Duration.between(created.get(order), at).toMillis()));
    return story.toString();
  }

  /** From {@code created} to the last fact of any service. */
  Duration longestToLastFact() {
    return longest(last);
  }

  private Duration longest(Map<String, Instant> until) {
    return created.entrySet().stream()
        .filter(order -> until.containsKey(order.getKey()))
        .map(order -> Duration.between(order.getValue(), until.get(order.getKey())))
        .max(Duration::compareTo)
        .orElse(Duration.ZERO);
  }

  /** Deliveries beyond the first of each message, by consumer; those without any are left out. */
  static Map<String, Long> redeliveries(Streams streams) {
    Map<String, Long> found = new HashMap<>();
    for (ConsumerSpec consumer : StreamCatalog.CONSUMERS) {
      Set<String> facts = new HashSet<>();
      consumer.types().forEach(type -> facts.add(streams.subjects().every(type)));
      long messages =
          streams.messages(consumer.stream()).stream()
              .filter(message -> facts.contains(withAnyId(message.subject())))
              .count();
      long more = streams.deliveries(consumer.stream(), consumer.name()) - messages;
      if (more > 0) {
        found.put(consumer.name(), more);
      }
    }
    return found;
  }

  private static String withAnyId(String subject) {
    return subject.substring(0, subject.lastIndexOf('.')) + ".*";
  }
}
