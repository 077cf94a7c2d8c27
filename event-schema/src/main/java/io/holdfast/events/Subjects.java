package io.holdfast.events;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The names of streams and subjects within a namespace. With namespace {@code x} a stream is {@code
 * x_ORDERS} and a subject {@code x.orders.created.<order id>}; with the empty one {@code ORDERS}
 * and {@code orders.created.<order id>}.
 */
public final class Subjects {

  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9-]{0,32}");

  /**
   * The first words of the subjects of a system without a namespace. As a namespace, any of them
   * would put a system below subjects that are another's: {@code orders.audit.block} is the ledger
   * of namespace {@code orders}, and matches {@code orders.*.*}.
   */
  private static final Set<String> TAKEN =
      Stream.concat(
              Arrays.stream(Domain.values()).map(Domain::token),
              Stream.of("redrives", "timers", "audit"))
          .collect(Collectors.toUnmodifiableSet());

  /** Far longer than any of ours, and far shorter than what the broker takes. */
  private static final int MAX_QUOTED = 1_000;

  private final String namespace;
  private final String prefix;
  private final String streamPrefix;

  /**
   * @param namespace see {@link #wrongWithNamespace}
   */
  public Subjects(String namespace) {
    Objects.requireNonNull(namespace, "namespace");
    wrongWithNamespace(namespace)
        .ifPresent(
            rule -> {
              throw new IllegalArgumentException("namespace " + rule);
            });
    this.namespace = namespace;
    this.prefix = namespace.isEmpty() ? "" : namespace + ".";
    this.streamPrefix = namespace.isEmpty() ? "" : namespace + "_";
  }

  /**
   * What a namespace must be and this one is not, as the end of a sentence; nothing if it may be
   * one. The empty one may.
   */
  public static Optional<String> wrongWithNamespace(String namespace) {
    if (!NAMESPACE.matcher(namespace).matches()) {
      return Optional.of("must be at most 32 lower-case letters, digits or '-'");
    }
    return TAKEN.contains(namespace)
        ? Optional.of(
            "must be none of "
                + String.join(", ", TAKEN.stream().sorted().toList())
                + ", with which subjects of a system without a namespace begin")
        : Optional.empty();
  }

  public String namespace() {
    return namespace;
  }

  /** A stream's full name: {@code x_ORDERS} for {@code ORDERS}. */
  public String stream(String name) {
    return streamPrefix + name;
  }

  /** The full name of the stream that holds a domain. */
  public String stream(Domain domain) {
    return stream(domain.stream());
  }

  /**
   * A subject or filter with the namespace in front: {@code x.audit.block} for {@code audit.block}.
   */
  public String subject(String withoutNamespace) {
    return prefix + withoutNamespace;
  }

  /**
   * The subject of one fact: {@code orders.created.<order id>}. Not for dead letters: see {@link
   * #deadLetter}.
   */
  public String fact(Event event) {
    return fact(EventType.of(event), event.aggregateId());
  }

  /**
   * The subject of the fact of this type about this aggregate.
   *
   * @throws IllegalArgumentException for dead letters: their subject quotes another
   */
  public String fact(EventType type, String aggregateId) {
    if (type == EventType.MESSAGE_DEAD_LETTERED) {
      throw new IllegalArgumentException("a dead letter's subject needs the original one");
    }
    return prefix + type.domain().token() + "." + type.fact() + "." + aggregateId;
  }

  /**
   * All facts of one type: {@code orders.created.*}; all dead letters, and what became of them:
   * {@code deadletters.>}.
   */
  public String every(EventType type) {
    if (type == EventType.MESSAGE_DEAD_LETTERED) {
      return prefix + type.domain().token() + ".>";
    }
    return prefix + type.domain().token() + "." + type.fact() + ".*";
  }

  /**
   * All facts about one aggregate: {@code orders.*.<order id>}, also the filter of the append's
   * guard.
   */
  public String aggregate(Domain domain, String aggregateId) {
    return prefix + domain.token() + ".*." + aggregateId;
  }

  /**
   * All facts about the aggregate that this one is about. What became of a dead letter stands alone
   * under its subject, as dead letters themselves are about other aggregates.
   */
  public String aggregate(Event fact) {
    Domain domain = EventType.of(fact).domain();
    return domain == Domain.DEADLETTERS ? fact(fact) : aggregate(domain, fact.aggregateId());
  }

  /**
   * Where a service parks a message: {@code deadletters.<service>.<original subject, without its
   * namespace>}. Anybody may have chosen the original one: what a subject cannot have, or not all
   * tools bear, is {@code ?} here, and what is too long is cut.
   */
  public String deadLetter(String service, String originalSubject) {
    return prefix
        + Domain.DEADLETTERS.token()
        + "."
        + service
        + "."
        + plain(withoutNamespace(originalSubject));
  }

  private static String plain(String subject) {
    int length = Math.min(subject.length(), MAX_QUOTED);
    StringBuilder plain = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      char c = subject.charAt(i);
      boolean alone =
          (i == 0 || subject.charAt(i - 1) == '.')
              && (i + 1 == length || subject.charAt(i + 1) == '.');
      boolean wildcard = alone && (c == '*' || c == '>');
      plain.append(c <= ' ' || c > '~' || wildcard ? '?' : c);
    }
    while (plain.length() > 0 && plain.charAt(plain.length() - 1) == '.') { // where it was cut
      plain.setLength(plain.length() - 1);
    }
    return plain.toString();
  }

  /**
   * Where a dead letter's message goes back to the consumer that gave it up: {@code
   * redrives.<service>.<consumer>.<original subject, without its namespace>}.
   */
  public String redrive(String service, String consumer, String originalSubject) {
    return prefix
        + "redrives."
        + service
        + "."
        + consumer
        + "."
        + withoutNamespace(originalSubject);
  }

  /** A subject as it would be with an empty namespace. */
  public String withoutNamespace(String subject) {
    return subject.startsWith(prefix) ? subject.substring(prefix.length()) : subject;
  }

  /** The last token of a subject, the aggregate id if it is a fact's. */
  public static String lastToken(String subject) {
    return subject.substring(subject.lastIndexOf('.') + 1);
  }

  /** The type of fact that a subject promises, if it is one of ours. */
  public Optional<EventType> typeOf(String subject) {
    if (!subject.startsWith(prefix)) {
      return Optional.empty();
    }
    String[] tokens = subject.substring(prefix.length()).split("\\.", -1);
    if (tokens[0].equals(Domain.DEADLETTERS.token())) {
      if (tokens.length == 4
          && Ids.valid(tokens[3])
          && (tokens[1] + "." + tokens[2]).equals(EventType.DEAD_LETTER_RESOLVED.fact())) {
        return Optional.of(EventType.DEAD_LETTER_RESOLVED);
      }
      boolean quotes = tokens.length > 2 && Arrays.stream(tokens).noneMatch(String::isEmpty);
      return quotes ? Optional.of(EventType.MESSAGE_DEAD_LETTERED) : Optional.empty();
    }
    if (tokens.length != 3 || !Ids.valid(tokens[2])) {
      return Optional.empty();
    }
    for (EventType type : EventType.values()) {
      if (type.domain().token().equals(tokens[0]) && type.fact().equals(tokens[1])) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
