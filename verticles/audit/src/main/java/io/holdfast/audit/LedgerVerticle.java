package io.holdfast.audit;

import io.holdfast.audit.Intake.Entry;
import io.holdfast.audit.Intake.Missing;
import io.holdfast.audit.Intake.Present;
import io.holdfast.audit.LedgerHead.At;
import io.holdfast.audit.domain.Block;
import io.holdfast.audit.domain.BlockBuilder;
import io.holdfast.audit.domain.BlockHeader;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.micrometer.core.instrument.Counter;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the ledger: reads the audited streams in order and seals what they hold into blocks.
 *
 * <p>The ledger is its own cursor. The last block says how far it is, and an append is refused if
 * another replica was first; whoever is refused, or does not know, reads the last block and goes on
 * from there. So the chain is one line whatever fails, and nothing is in it twice.
 */
public final class LedgerVerticle extends VerticleBase {

  /** A replica that was refused looks on while the other one writes, for so many intervals. */
  private static final int STANDBY_INTERVALS = 8;

  /** Between two looks at what went wrong, or at what another replica does. */
  private static final int LOOK_INTERVALS = 2;

  private static final long MEASURE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final Logger log = LoggerFactory.getLogger(LedgerVerticle.class);

  private final StreamReader reader;
  private final String ledger;
  private final String subject;
  private final List<String> streams;
  private final AuditSettings settings;
  private final LedgerHead head;
  private final Tracing tracing;
  private final List<Intake> intakes;
  private final Map<String, Long> lastSequences = new ConcurrentHashMap<>();
  private final Map<String, Long> rolledBack = new ConcurrentHashMap<>();
  private final Counter blocks;
  private final Counter sealed;

  private boolean stopped;
  private boolean certain;
  private long standbyUntil = System.nanoTime();
  private long measureAt = System.nanoTime();
  private long foreignAt;
  private long sealedBefore = -1;
  private String trouble = "";

  private volatile long standsSince;
  private volatile String lastTrouble = "";

  LedgerVerticle(
      StreamReader reader,
      Subjects subjects,
      AuditSettings settings,
      LedgerHead head,
      Meters meters,
      Tracing tracing) {
    this.tracing = tracing;
    this.reader = reader;
    this.ledger = subjects.stream(AuditGroup.LEDGER);
    this.subject = subjects.subject(AuditGroup.BLOCKS);
    this.streams = AuditGroup.audited(subjects);
    this.settings = settings;
    this.head = head;
    this.intakes = streams.stream().map(name -> new Intake(reader, name, settings)).toList();
    this.blocks = counter(meters, "audit_blocks", "Blocks sealed");
    this.sealed = counter(meters, "audit_lines", "Messages sealed in blocks");
    for (Intake intake : intakes) {
      String name = intake.stream();
      meters.gauge("audit_lag_messages", "Stored, not sealed yet", "stream", name, () -> lag(name));
      meters.gauge(
          "audit_lost_messages",
          "Gone from an audited stream",
          "stream",
          name,
          () -> intake.gaps() + rolledBack.getOrDefault(name, 0L));
    }
  }

  @Override
  public Future<?> start() {
    stopped = false;
    return findHead().onSuccess(found -> later(0));
  }

  @Override
  public Future<?> stop() {
    stopped = true; // an append that is under way is found by whoever reads the last block next
    return Future.succeededFuture();
  }

  private void later(long millis) {
    if (millis == 0) {
      context.runOnContext(now -> round());
    } else {
      vertx.setTimer(millis, id -> round());
    }
  }

  private void round() {
    if (stopped) {
      return;
    }
    measure();
    step()
        .onSuccess(
            pause -> {
              trouble = "";
              later(pause);
            })
        .onFailure(
            cause -> {
              certain = false;
              report(cause);
              later(settings.interval().toMillis() * LOOK_INTERVALS);
            });
  }

  /** Completes with the milliseconds until the next one. */
  private Future<Long> step() {
    if (!certain) {
      return findHead().map(0L);
    }
    if (System.nanoTime() - standbyUntil < 0) {
      return lookOn();
    }
    return gather().compose(read -> seal());
  }

  /** While another replica writes, this one only sees to it that it does. */
  private Future<Long> lookOn() {
    long before = head.at().sequence();
    return findHead()
        .map(
            found -> {
              if (head.at().sequence() != before) {
                standBy();
              }
              return settings.interval().toMillis() * LOOK_INTERVALS;
            });
  }

  private void standBy() {
    standbyUntil = System.nanoTime() + settings.interval().toNanos() * STANDBY_INTERVALS;
  }

  private Future<Void> gather() {
    List<Future<Void>> reads = intakes.stream().map(Intake::fill).toList();
    return heldBytes() >= Block.MAX_BYTES
        ? Future.succeededFuture()
        : Future.join(reads).mapEmpty();
  }

  private Future<Long> seal() {
    List<Entry> picked = pick();
    if (picked.isEmpty()) {
      return Future.succeededFuture(settings.interval().toMillis());
    }
    At end = head.at();
    long begun = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
    intakes.forEach(Intake::fill); // the next block's, while this one is made and stored
    return vertx
        .executeBlocking(() -> assemble(end.header(), picked))
        .compose(
            assembled -> {
              giveBack(picked.subList(assembled.used(), picked.size()));
              return store(assembled.block(), end.sequence())
                  .onSuccess(
                      pause -> {
                        if (tracing.on() && certain) {
                          tell(
                              picked, assembled.used(), assembled.block().header().number(), begun);
                        }
                      });
            });
  }

  /** The oldest of what is held, of all streams, somewhat more than fits a block. */
  private List<Entry> pick() {
    List<Entry> picked = new ArrayList<>();
    long bytes = 0;
    while (bytes < Block.MAX_BYTES) {
      Optional<Intake> oldest =
          intakes.stream()
              .filter(intake -> !intake.isEmpty())
              .min(Comparator.comparing(Intake::firstStoredAt));
      if (oldest.isEmpty()) {
        break;
      }
      Entry entry = oldest.get().take();
      picked.add(entry);
      bytes += Intake.size(entry);
    }
    return picked;
  }

  private void giveBack(List<Entry> unused) {
    for (Entry entry : unused.reversed()) {
      intakes.get(streams.indexOf(entry.stream())).giveBack(entry);
    }
  }

  private record Assembled(Block block, int used) {}

  /** Each message's own trace shows that it is in the ledger, and how long that took. */
  private void tell(List<Entry> entries, int used, long block, long begunNanos) {
    for (Entry entry : entries.subList(0, used)) {
      if (entry instanceof Present(RawMessage message)) {
        tracing.sealed(
            message.subject(), message.header(Traceparent.HEADER).orElse(null), block, begunNanos);
      }
    }
  }

  /** Hashing takes milliseconds: for a worker thread. */
  private Assembled assemble(BlockHeader previous, List<Entry> entries) {
    BlockBuilder builder = new BlockBuilder(previous, streams);
    int used = 0;
    while (used < entries.size() && add(builder, entries.get(used))) {
      used++;
    }
    return new Assembled(builder.seal(), used);
  }

  private static boolean add(BlockBuilder builder, Entry entry) {
    return switch (entry) {
      case Present(RawMessage message) ->
          builder.add(
              message.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              message.body());
      case Missing missing -> builder.addMissing(missing.stream(), missing.first(), missing.last());
    };
  }

  private Future<Long> store(Block block, long expectedLast) {
    BlockHeader header = block.header();
    return reader
        .appendNext(subject, header.toHeaders(), block.body(), expectedLast)
        .map(
            stored -> {
              if (stored.isEmpty()) {
                log.atDebug()
                    .addKeyValue("block", header.number())
                    .log("Another replica was first");
                certain = false;
                standBy();
                return 0L;
              }
              head.moveTo(new At(header, stored.get()));
              blocks.increment();
              sealed.increment(header.count());
              log.atInfo()
                  .addKeyValue("block", header.number())
                  .addKeyValue("count", header.count())
                  .addKeyValue("hash", header.hash())
                  .log("Block sealed");
              boolean more =
                  heldBytes() >= Block.MAX_BYTES / 2 || intakes.stream().anyMatch(Intake::behind);
              return more ? 0L : settings.interval().toMillis();
            });
  }

  private long heldBytes() {
    return intakes.stream().mapToLong(Intake::heldBytes).sum();
  }

  /** Reads where the ledger ends, and goes on from there. */
  private Future<Void> findHead() {
    return reader
        .last(ledger, subject)
        .compose(
            last ->
                last.isEmpty()
                    ? Future.succeededFuture(head.genesis())
                    : newest(last.get(), last.get().sequence()))
        .map(
            found -> {
              long known = head.at().header().number();
              if (found.header().number() < known) {
                // A replica that is behind, or somebody has cut the ledger: never build on that.
                throw new IllegalStateException(
                    "the ledger had block " + known + " and ends at " + found.header().number());
              }
              head.moveTo(found);
              intakes.forEach(intake -> intake.follow(found.header().cursor().of(intake.stream())));
              certain = true;
              return null;
            });
  }

  /** The newest sound block, at this message or before it. */
  private Future<At> newest(RawMessage message, long ledgerEnd) {
    Optional<At> found = BlockIndex.entry(message).map(entry -> new At(entry.header(), ledgerEnd));
    if (found.isPresent()) {
      return Future.succeededFuture(found.get());
    }
    if (foreignAt != message.sequence()) {
      foreignAt = message.sequence();
      log.atError()
          .addKeyValue("stream", ledger)
          .addKeyValue("sequence", foreignAt)
          .log("The ledger holds something that is no sound block, passed over");
    }
    return before(message.sequence() - 1, ledgerEnd);
  }

  private Future<At> before(long sequence, long ledgerEnd) {
    return sequence < 1
        ? Future.succeededFuture(new At(head.genesis().header(), ledgerEnd))
        : reader
            .read(ledger, sequence, 1, 1)
            .compose(
                read ->
                    read.isEmpty() || read.getFirst().sequence() != sequence
                        ? before(sequence - 1, ledgerEnd)
                        : newest(read.getFirst(), ledgerEnd));
  }

  /** Asks the streams how far they are: for the lag, and for one that was rolled back. */
  private void measure() {
    if (System.nanoTime() - measureAt < 0) {
      return;
    }
    measureAt = System.nanoTime() + Math.min(MEASURE_NANOS, settings.standstill().toNanos() / 2);
    noticeStandstill();
    for (String stream : streams) {
      long held = head.at().header().cursor().of(stream);
      reader
          .state(stream)
          .onSuccess(
              state -> {
                lastSequences.put(stream, state.lastSequence());
                long lost = Math.max(0, held - state.lastSequence());
                if (lost > 0 && !Long.valueOf(lost).equals(rolledBack.get(stream))) {
                  log.atError()
                      .addKeyValue("stream", stream)
                      .addKeyValue("sealed", held)
                      .addKeyValue("last", state.lastSequence())
                      .log("An audited stream ends before what is sealed of it");
                }
                rolledBack.put(stream, lost);
              });
    }
  }

  /** Whoever seals it, us or another replica: what waits, and does not become less, is stuck. */
  private void noticeStandstill() {
    long waiting = streams.stream().mapToLong(this::lag).sum();
    long sealed = streams.stream().mapToLong(s -> head.at().header().cursor().of(s)).sum();
    if (waiting == 0 || sealed != sealedBefore) {
      standsSince = 0;
    } else if (standsSince == 0) {
      standsSince = System.nanoTime();
    }
    sealedBefore = sealed;
  }

  /** What keeps the ledger from growing, for a person; empty if it grows. Any thread. */
  String problem() {
    long since = standsSince;
    return since != 0 && System.nanoTime() - since > settings.standstill().toNanos()
        ? "nothing was sealed for %d s, though messages wait%s"
            .formatted(
                (System.nanoTime() - since) / 1_000_000_000,
                lastTrouble.isEmpty() ? "" : ": " + lastTrouble)
        : "";
  }

  private static Counter counter(Meters meters, String name, String description) {
    return Counter.builder(name).description(description).register(meters.registry());
  }

  private long lag(String stream) {
    return Math.max(
        0, lastSequences.getOrDefault(stream, 0L) - head.at().header().cursor().of(stream));
  }

  /** Once for each kind of trouble, until it is over. */
  private void report(Throwable cause) {
    String text = String.valueOf(cause.getMessage());
    lastTrouble = text;
    if (stopped || text.equals(trouble)) {
      return;
    }
    trouble = text;
    if (cause instanceof BrokerException) {
      log.atWarn().addKeyValue("error", text).log("Nothing can be sealed at the moment");
    } else {
      log.atError().setCause(cause).log("Nothing can be sealed");
    }
  }
}
