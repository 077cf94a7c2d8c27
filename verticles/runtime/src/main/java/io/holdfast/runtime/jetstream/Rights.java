package io.holdfast.runtime.jetstream;

import io.holdfast.events.Domain;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamCatalog.Kind;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What one user may do at the broker; whatever is not listed is refused. The user's connections
 * bear its name, which their inboxes begin with.
 *
 * @param publish subjects and patterns
 * @param subscribe subjects and patterns
 */
public record Rights(String user, Set<String> publish, Set<String> subscribe) {

  /** Who looks at everything, and sends parked messages back or leaves them. */
  public static final String OPERATOR = "operator";

  /** Who creates streams and consumers. */
  public static final String PROVISIONER = "provision";

  private static final String API = "$JS.API.";

  /**
   * Where clients wait for answers that nobody told another place, as NATS' own libraries have it.
   */
  private static final String COMMON_INBOX = "_INBOX.*.*";

  /** They take work in from outside, and look before that whether it has room to its end. */
  private static final Set<String> TAKE_WORK_IN = Set.of("orders", "inventory");

  /** In the order of the alphabet, so that the same rights read the same. */
  public Rights {
    publish = new TreeSet<>(publish);
    subscribe = new TreeSet<>(subscribe);
  }

  /**
   * A service may publish the facts that it owns and its dead letters, read its streams, and use
   * its own consumers.
   *
   * @param streams that it reads or writes, without the namespace
   */
  public static Rights ofService(String group, Set<String> streams, Subjects subjects) {
    Rights rights = nothing(group);
    Set<String> read = new TreeSet<>(streams);
    read.remove(StreamCatalog.REDRIVES); // what lies there comes by consumers
    Set<String> known = new TreeSet<>(streams);
    if (TAKE_WORK_IN.contains(group)) {
      known.addAll(StreamCatalog.AUDITED);
      known.add(StreamCatalog.LEDGER);
    }
    for (StreamSpec owned : StreamCatalog.STREAMS) {
      if (owned.owner().equals(group)) {
        owned.subjects().forEach(subject -> rights.publish.add(subjects.subject(subject)));
        if (owned.kind() == Kind.FACTS) {
          owned.subjects().forEach(subject -> rights.subscribe.add(subjects.subject(subject)));
        }
      }
    }
    consumers()
        .filter(spec -> spec.group().equals(group))
        .forEach(spec -> rights.use(spec, subjects));
    if (consumers().anyMatch(spec -> spec.group().equals(group))) {
      rights.publish.add(subjects.subject(Domain.DEADLETTERS.token() + "." + group + ".>"));
    }
    for (ConsumerSpec timed : StreamCatalog.OPTIONAL_CONSUMERS) {
      if (timed.group().equals(group)) {
        read.add(timed.stream());
        known.add(timed.stream());
        Subjects plain = new Subjects("");
        timed.types().stream()
            .map(type -> subjects.subject(StreamCatalog.SCHEDULED + plain.every(type)))
            .forEach(rights.publish::add);
      }
    }
    read.forEach(stream -> rights.read(subjects.stream(stream)));
    known.forEach(stream -> rights.publish.add(API + "STREAM.INFO." + subjects.stream(stream)));
    return rights;
  }

  /** An operator may read every stream and ask every consumer how far it is; see {@code dlq}. */
  public static Rights ofOperator(Subjects subjects) {
    Rights rights = nothing(OPERATOR);
    rights.publish.add(API + "STREAM.NAMES");
    streams()
        .map(spec -> subjects.stream(spec.name()))
        .forEach(
            stream -> {
              rights.read(stream);
              rights.publish.add(API + "STREAM.INFO." + stream);
            });
    consumers()
        .forEach(
            spec ->
                rights.publish.add(
                    API + "CONSUMER.INFO." + subjects.stream(spec.stream()) + "." + spec.name()));
    rights.publish.add(subjects.every(EventType.DEAD_LETTER_RESOLVED));
    rights.publish.add(subjects.subject("redrives.>"));
    return rights;
  }

  /**
   * The provisioner may create and change streams and consumers, and read none. Nobody may delete a
   * stream or purge it: who must, does so with rights that are given for that and taken away again.
   *
   * <p>NACK may be the provisioner, and cannot be told where to wait for answers. No other user of
   * ours has any sent there.
   */
  public static Rights ofProvisioner(Subjects subjects) {
    Rights rights = nothing(PROVISIONER);
    rights.subscribe.add(COMMON_INBOX);
    rights.publish.add(API + "STREAM.NAMES");
    streams()
        .map(spec -> subjects.stream(spec.name()))
        .forEach(
            stream -> {
              rights.publish.add(API + "STREAM.INFO." + stream);
              rights.publish.add(API + "STREAM.CREATE." + stream);
              rights.publish.add(API + "STREAM.UPDATE." + stream);
            });
    consumers()
        .forEach(
            spec -> {
              String consumer = subjects.stream(spec.stream()) + "." + spec.name();
              rights.publish.add(API + "CONSUMER.INFO." + consumer);
              // By one of these, as the client library chooses.
              rights.publish.add(API + "CONSUMER.DURABLE.CREATE." + consumer);
              rights.publish.add(API + "CONSUMER.CREATE." + consumer);
              rights.publish.add(API + "CONSUMER.CREATE." + consumer + ".>");
            });
    return rights;
  }

  /**
   * The block of a nats-server's configuration that lets these users in and nobody else.
   *
   * @param identity how the server knows a user: {@code user: x, password: y}, or {@code nkey: z}
   */
  public static String block(Collection<Rights> users, Function<Rights, String> identity) {
    StringBuilder text = new StringBuilder("authorization {\n  users: [\n");
    for (Rights rights : users) {
      text.append("    {\n      ").append(identity.apply(rights)).append('\n');
      text.append("      permissions: {\n");
      list(text, "publish", rights.publish);
      list(text, "subscribe", rights.subscribe);
      text.append("      }\n    }\n");
    }
    return text.append("  ]\n}\n").toString();
  }

  /** Whether the user may publish to this subject. */
  public boolean allow(String subject) {
    return publish.stream()
        .anyMatch(pattern -> matches(pattern.split("\\."), subject.split("\\.")));
  }

  private static boolean matches(String[] pattern, String[] subject) {
    for (int i = 0; i < pattern.length; i++) {
      if (i >= subject.length) {
        return false;
      }
      if (pattern[i].equals(">")) {
        return true;
      }
      if (!pattern[i].equals("*") && !pattern[i].equals(subject[i])) {
        return false;
      }
    }
    return pattern.length == subject.length;
  }

  private static void list(StringBuilder text, String name, Set<String> subjects) {
    text.append("        ").append(name).append(": [\n");
    subjects.forEach(subject -> text.append("          \"").append(subject).append("\"\n"));
    text.append("        ]\n");
  }

  private static Rights nothing(String user) {
    return new Rights(user, Set.of(), Set.of("_INBOX_" + user + ".>"));
  }

  private static Stream<StreamSpec> streams() {
    return Stream.concat(StreamCatalog.STREAMS.stream(), StreamCatalog.OPTIONAL_STREAMS.stream());
  }

  /** All of them, those of redriven messages too. */
  private static Stream<ConsumerSpec> consumers() {
    return Stream.concat(
            StreamCatalog.CONSUMERS.stream(), StreamCatalog.OPTIONAL_CONSUMERS.stream())
        .flatMap(spec -> Stream.of(spec, spec.redriven()));
  }

  private void read(String stream) {
    publish.addAll(List.of(API + "DIRECT.GET." + stream, API + "STREAM.MSG.GET." + stream));
  }

  private void use(ConsumerSpec spec, Subjects subjects) {
    String consumer = subjects.stream(spec.stream()) + "." + spec.name();
    publish.add(API + "CONSUMER.INFO." + consumer);
    publish.add(API + "CONSUMER.MSG.NEXT." + consumer);
    // Where it is acknowledged, as servers write it: without and with a domain and an account.
    publish.add("$JS.ACK." + consumer + ".>");
    publish.add("$JS.ACK.*.*." + consumer + ".>");
    subscribe.add("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES." + consumer);
  }
}
