package io.holdfast.audit;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;

import io.holdfast.audit.domain.BlockHeader;
import io.holdfast.audit.domain.ChainCheck;
import io.holdfast.audit.domain.Finding;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import io.nats.client.PurgeOptions;
import io.nats.client.api.StreamConfiguration;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * One namespace with its streams, what a test stores in them, and the ledger over them. With the
 * rights of an attacker too: whoever may delete streams can put any ledger in place of the true
 * one.
 */
final class Ledger {

  static final Set<String> ALL =
      Set.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS", "DEADLETTERS", "AUDIT");

  /** A block as it is stored, to be stored again in another form. */
  record Stored(Map<String, String> headers, String body) {}

  private final String url;
  private final String namespace = TestBroker.newNamespace();
  private final Vertx vertx = Vertx.vertx();
  private final Connection connection;
  private Streams streams;

  Ledger() throws Exception {
    this(TestBroker.shared().url());
  }

  Ledger(String url) throws Exception {
    this.url = url;
    connection = Nats.connect(url);
    streams = new Streams(url, namespace, ALL);
  }

  Streams streams() {
    return streams;
  }

  /** A stream's full name. */
  String name(String stream) {
    return streams.subjects().stream(stream);
  }

  /** A replica of the audit group; the caller closes it. */
  TestGroups replica(String... settings) {
    TestGroups groups =
        TestGroups.on(url, namespace)
            .with("AUDIT_INTERVAL_MS", "20")
            .with("AUDIT_GAP_CONFIRM_MS", "50");
    for (int i = 0; i < settings.length; i += 2) {
      groups.with(settings[i], settings[i + 1]);
    }
    return groups;
  }

  RunningGroup start(TestGroups replica) {
    return replica.start(new AuditGroup());
  }

  /** Stores bytes on a subject, as whoever has the right may. */
  void store(String subject, byte[] body) {
    connection.publish(streams.subjects().subject(subject), body);
  }

  void store(String subject, String body) {
    store(subject, body.getBytes(StandardCharsets.UTF_8));
  }

  /** So many orders' facts, from one number on, in three streams. */
  void storeOrders(int first, int count) {
    for (int n = first; n < first + count; n++) {
      store("orders.created.o" + n, "{\"n\":" + n + ",\"text\":\"" + "x".repeat(n % 300) + "\"}");
      store("inventory.reserved.o" + n, "{\"n\":" + n + "}");
      if (n % 2 == 0) {
        store("payments.processed.o" + n, "{\"n\":" + n + "}");
      }
    }
  }

  /** Sets how many bytes the ledger's stream may hold, as an operator does. */
  void limit(long maxBytes) throws Exception {
    JetStreamManagement management = connection.jetStreamManagement();
    StreamConfiguration now = management.getStreamInfo(name("AUDIT")).getConfiguration();
    management.updateStream(StreamConfiguration.builder(now).maxBytes(maxBytes).build());
  }

  /** The last sequence of a stream. */
  long stored(String stream) {
    return get(streams.reader().state(name(stream))).lastSequence();
  }

  /** Waits until a stream holds so many messages, all in all. */
  void awaitStored(String stream, long count) {
    eventually(stream + " holds " + count, () -> stored(stream) == count);
  }

  /** Waits until the ledger holds a stream up to here. */
  void awaitSealed(String stream, long sequence) {
    eventually(
        stream + " is sealed up to " + sequence,
        () -> last().map(header -> header.cursor().of(name(stream))).orElse(0L),
        held -> held >= sequence);
  }

  Optional<BlockHeader> last() {
    return get(streams.reader().last(name("AUDIT"), streams.subjects().subject("audit.block")))
        .map(message -> BlockHeader.parse(message::header));
  }

  /** Every block, as it is stored. */
  List<Stored> blocks() {
    return streams.messages("AUDIT").stream()
        .map(
            message ->
                new Stored(
                    BlockHeader.parse(message::header).toHeaders(),
                    new String(message.body(), StandardCharsets.UTF_8)))
        .toList();
  }

  /** All lines of the ledger, in order. */
  List<String> lines() {
    return blocks().stream().flatMap(block -> block.body().lines()).toList();
  }

  /** What the chain by itself has to say. */
  List<Finding> chainFindings() {
    ChainCheck check = new ChainCheck(name("AUDIT"), AuditGroup.audited(streams.subjects()));
    List<Finding> findings = new ArrayList<>();
    for (RawMessage block : streams.messages("AUDIT")) {
      findings.addAll(check.next(block.sequence(), block::header, block.body()).findings());
    }
    return findings;
  }

  Verdict verify() {
    return verify(Optional.empty());
  }

  Verdict verify(Optional<LedgerVerifier.Anchor> anchor) {
    return get(
        new LedgerVerifier(vertx, streams.reader(), streams.subjects())
            .verify(anchor, progress -> {}, () -> false));
  }

  /** Takes all messages of one subject out of a stream, as if they had never been there. */
  void remove(String stream, String subject) throws Exception {
    connection
        .jetStreamManagement()
        .purgeStream(name(stream), PurgeOptions.subject(streams.subjects().subject(subject)));
  }

  /** Replaces a stream by an empty one. */
  void replace(String stream) throws Exception {
    connection.jetStreamManagement().deleteStream(name(stream));
    streams.close();
    streams = new Streams(url, namespace, ALL);
  }

  /** Replaces the ledger by a changed copy. */
  void forge(UnaryOperator<List<Stored>> change) throws Exception {
    List<Stored> blocks = change.apply(new ArrayList<>(blocks()));
    replace("AUDIT");
    long last = 0;
    for (Stored block : blocks) {
      last =
          get(streams
                  .reader()
                  .appendNext(
                      streams.subjects().subject("audit.block"),
                      block.headers(),
                      block.body().getBytes(StandardCharsets.UTF_8),
                      last))
              .orElseThrow();
    }
  }

  Connection connection() {
    return connection;
  }

  void close() throws Exception {
    streams.close();
    connection.close();
    get(vertx.close());
  }
}
