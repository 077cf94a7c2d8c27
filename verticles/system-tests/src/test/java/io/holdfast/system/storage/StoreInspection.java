package io.holdfast.system.storage;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.LedgerVerifier;
import io.holdfast.audit.LedgerVerifier.Anchor;
import io.holdfast.audit.Verdict;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.NatsServerException;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.testkit.Streams;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a broker makes of a store while nobody works with it, and what our own checks say of that.
 *
 * @param named what readiness, the ledger's verification and the consumers' state object to
 * @param byAnchor what only the ledger's noted end shows
 * @param messages of every stream, by sequence, all that a reader can see of each
 */
record StoreInspection(
    List<String> named,
    List<String> byAnchor,
    Map<String, Map<Long, String>> messages,
    Anchor end) {

  private static final List<String> HEADERS =
      List.of(
          "Nats-Msg-Id",
          "Nats-Expected-Last-Subject-Sequence",
          "Nats-Expected-Last-Subject-Sequence-Subject",
          "traceparent",
          "Audit-Block",
          "Audit-Previous",
          "Audit-Root",
          "Audit-Hash",
          "Audit-Count",
          "Audit-Ranges",
          "Audit-Cursor");

  private static final int PAGE = 500;
  private static final int PAGE_BYTES = 4 << 20;

  /** What a reader finds different, for a person; empty if nothing. */
  String difference(StoreInspection before) {
    List<String> all = new ArrayList<>();
    before.messages.forEach(
        (stream, held) -> {
          Map<Long, String> now = messages.getOrDefault(stream, Map.of());
          List<Long> changed =
              Stream.concat(held.keySet().stream(), now.keySet().stream())
                  .distinct()
                  .sorted()
                  .filter(sequence -> !held.getOrDefault(sequence, "").equals(now.get(sequence)))
                  .toList();
          if (!changed.isEmpty()) {
            all.add(
                "%s: %d messages differ, from %d to %d"
                    .formatted(stream, changed.size(), changed.getFirst(), changed.getLast()));
          }
        });
    return String.join("; ", all);
  }

  /** Starts a broker on the store and looks. */
  static StoreInspection of(Path store, Path scratch, String namespace, Optional<Anchor> anchor) {
    NatsServer server;
    try {
      server =
          NatsServer.start(
              NatsServerBinary.require(ProjectRoot.toolsFolder()),
              NatsServerConfig.in(scratch).storeDir(store).build());
    } catch (NatsServerException refused) {
      return new StoreInspection(
          List.of("the broker does not start on it: " + refused.getMessage()),
          List.of(),
          Map.of(),
          null);
    }
    Platform platform = Platform.start();
    try {
      return look(server.url(), platform, namespace, anchor);
    } finally {
      Streams.get(platform.close());
      server.close();
    }
  }

  private static StoreInspection look(
      String url, Platform platform, String namespace, Optional<Anchor> anchor) {
    CommonSettings settings =
        CommonSettings.read(
            new Settings(
                Map.of(
                    "NATS_URL",
                    url,
                    "NAMESPACE",
                    namespace,
                    "PROVISION",
                    "false",
                    "ACK_WAIT_MS",
                    Site.ACK_WAIT_MILLIS)),
            0);
    Subjects subjects = settings.subjects();
    Set<String> names =
        StreamCatalog.STREAMS.stream().map(StreamSpec::name).collect(Collectors.toSet());
    GroupStreams streams =
        new GroupStreams(
            platform.vertx(),
            platform.broker(settings, "inspection"),
            "audit",
            settings,
            names,
            platform.meters());
    streams.whenReady();
    eventually(
        "the streams were looked at",
        streams::problems,
        found -> found.stream().noneMatch(problem -> problem.contains("not c")));
    List<String> named = new ArrayList<>(Streams.get(streams.inspect()).problems());

    StreamReader reader = streams.reader();
    lookAtConsumers(reader, subjects, named);
    LedgerVerifier verifier = new LedgerVerifier(platform.vertx(), reader, subjects);
    List<String> byAnchor = new ArrayList<>();
    Anchor end = null;
    try {
      Verdict verdict = Streams.get(verifier.verify(Optional.empty(), p -> {}, () -> false));
      end = new Anchor(verdict.newest(), verdict.hash());
      verdict
          .findings()
          .forEach(
              finding ->
                  named.add(
                      "%s #%d: %s"
                          .formatted(finding.stream(), finding.sequence(), finding.problem())));
      Streams.get(verifier.verify(anchor, p -> {}, () -> false)).findings().stream()
          .filter(finding -> finding.problem().contains("was noted"))
          .forEach(finding -> byAnchor.add(finding.stream() + ": " + finding.problem()));
    } catch (BrokerException unread) {
      named.add("the ledger cannot be verified: " + unread.getMessage());
    }
    return new StoreInspection(named, byAnchor, messages(reader, subjects, names), end);
  }

  /**
   * As reconcile does. A consumer that waits for nothing and is not ahead of its stream delivers
   * what comes, whatever else its state says.
   */
  private static void lookAtConsumers(StreamReader reader, Subjects subjects, List<String> named) {
    List<ConsumerSpec> all = new ArrayList<>(StreamCatalog.CONSUMERS);
    all.addAll(StreamCatalog.REDRIVE_CONSUMERS);
    for (ConsumerSpec consumer : all) {
      String stream = subjects.stream(consumer.stream());
      try {
        ConsumerState state = Streams.get(reader.consumer(stream, consumer.name()));
        long last = Streams.get(reader.state(stream)).lastSequence();
        if (state.pending() + state.unacknowledged() > 0
            || Math.max(state.ackFloor(), state.delivered()) > last) {
          named.add("consumer %s of stream %s: %s".formatted(consumer.name(), stream, state));
        }
      } catch (BrokerException gone) {
        named.add(
            "consumer %s of stream %s: %s".formatted(consumer.name(), stream, gone.getMessage()));
      }
    }
  }

  private static Map<String, Map<Long, String>> messages(
      StreamReader reader, Subjects subjects, Set<String> names) {
    Map<String, Map<Long, String>> all = new HashMap<>();
    for (String name : names) {
      String stream = subjects.stream(name);
      Map<Long, String> held = new TreeMap<>();
      all.put(stream, held);
      long next = 1;
      List<RawMessage> page;
      do {
        try {
          page = Streams.get(reader.read(stream, next, PAGE, PAGE_BYTES));
        } catch (BrokerException gone) {
          break;
        }
        for (RawMessage message : page) {
          held.put(message.sequence(), shown(message));
          next = message.sequence() + 1;
        }
      } while (!page.isEmpty());
    }
    return all;
  }

  private static String shown(RawMessage message) {
    StringBuilder shown =
        new StringBuilder(message.subject()).append(' ').append(message.storedAt());
    HEADERS.forEach(name -> shown.append(' ').append(message.header(name).orElse("-")));
    return shown.append(' ').append(new String(message.body(), StandardCharsets.UTF_8)).toString();
  }
}
