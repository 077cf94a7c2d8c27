package io.holdfast.audit;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.holdfast.audit.domain.Block;
import io.holdfast.audit.domain.ChainCheck;
import io.holdfast.audit.domain.ChainCheck.Checked;
import io.holdfast.audit.domain.Finding;
import io.holdfast.audit.domain.LedgerLine;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.jetstream.StreamReader.StreamState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Verifies the whole ledger from the bytes that the broker holds: recomputes every root, hash,
 * count, range and cursor, and compares every line with the message it stands for. As the ranges
 * must be without gap from the first message on, this also shows that no message of the streams is
 * left out.
 *
 * <p>Reads everything once, in order, and holds a few MiB at a time however long the ledger is. May
 * be used from any place that has a {@link StreamReader}; the work runs on worker threads.
 */
public final class LedgerVerifier {

  /** A verdict lists so many findings; the others are only counted. */
  public static final int MAX_FINDINGS = 1_000;

  private static final int READ_MESSAGES = 1_000;
  private static final int READ_BYTES = 2 * Block.MAX_BYTES;
  private static final long TURN_NANOS = MILLISECONDS.toNanos(100);
  private static final long PROGRESS_NANOS = MILLISECONDS.toNanos(500);

  /** A read is tried for about 10 s in all, so that a broker's restart ends no verification. */
  private static final int READ_TRIES = 40;

  private static final int RETRY_MILLIS = 250;

  /** How often nothing is read before it is believed: the reader's replica may be behind. */
  private static final int EMPTY_READS = 3;

  private final Vertx vertx;
  private final StreamReader reader;
  private final String ledger;
  private final List<String> streams;

  public LedgerVerifier(Vertx vertx, StreamReader reader, Subjects subjects) {
    this.vertx = vertx;
    this.reader = reader;
    this.ledger = subjects.stream(AuditGroup.LEDGER);
    this.streams = AuditGroup.audited(subjects);
  }

  /**
   * How far a verification is.
   *
   * @param blocks verified
   * @param of messages that the ledger had when it began
   * @param events lines compared
   * @param findings so far
   */
  public record Progress(long blocks, long of, long events, long findings) {}

  /** A block's hash that was noted outside the broker, where nobody could change it. */
  public record Anchor(long block, String hash) {}

  /**
   * Verifies the ledger up to where it ends now.
   *
   * @param anchor must be met if given: it alone shows that a ledger's end, or all of it, was not
   *     replaced
   * @param progress told every half second
   * @param cancelled asked now and then; if true the result fails with {@link
   *     CancellationException}
   * @return fails with {@link BrokerException} if the broker could not be read for some seconds
   */
  public Future<Verdict> verify(
      Optional<Anchor> anchor, Consumer<Progress> progress, BooleanSupplier cancelled) {
    return new Run(anchor, progress, cancelled).start();
  }

  /** What the work waits for. */
  private sealed interface Wanted {}

  private record MoreBlocks() implements Wanted {}

  private record MoreOf(Window window, long sequence) implements Wanted {}

  private record Turn() implements Wanted {}

  private record Nothing() implements Wanted {}

  /** Part of an audited stream, moving forward only. */
  private static final class Window {
    private final String stream;
    private final Deque<RawMessage> held = new ArrayDeque<>();
    private long emptyFrom = Long.MAX_VALUE;

    /** A run of sealed messages that the stream does not have. */
    private long goneFrom;

    private long goneTo;

    Window(String stream) {
      this.stream = stream;
    }

    /** Whether it is known what the stream holds at this sequence and next behind it. */
    boolean knows(long sequence) {
      while (!held.isEmpty() && held.getFirst().sequence() < sequence) {
        held.removeFirst();
      }
      return !held.isEmpty() || sequence >= emptyFrom;
    }

    boolean hasWithin(long first, long last) {
      return !held.isEmpty()
          && held.getFirst().sequence() >= first
          && held.getFirst().sequence() <= last;
    }
  }

  private final class Run {
    private final Optional<Anchor> anchor;
    private final Consumer<Progress> progress;
    private final BooleanSupplier cancelled;
    private final ChainCheck chain = new ChainCheck(ledger, streams);
    private final Map<String, Window> windows = new HashMap<>();
    private final Map<String, Long> lastSequences = new HashMap<>();
    private final List<Finding> findings = new ArrayList<>();
    private final Deque<RawMessage> blocks = new ArrayDeque<>();

    private long ledgerEnd;
    private long nextBlock = 1;
    private RawMessage block;
    private List<LedgerLine> lines = List.of();
    private int line;
    private long events;
    private long findingsTotal;
    private boolean anchorMet;
    private long progressAt = System.nanoTime() + PROGRESS_NANOS;

    Run(Optional<Anchor> anchor, Consumer<Progress> progress, BooleanSupplier cancelled) {
      this.anchor = anchor;
      this.progress = progress;
      this.cancelled = cancelled;
      streams.forEach(stream -> windows.put(stream, new Window(stream)));
    }

    Future<Verdict> start() {
      List<Future<StreamState>> states = new ArrayList<>();
      // The ledger's end first: what it holds is then surely in the streams.
      return patiently(() -> reader.state(ledger), 1)
          .compose(
              state -> {
                ledgerEnd = state.lastSequence();
                streams.forEach(stream -> states.add(patiently(() -> reader.state(stream), 1)));
                return Future.all(states);
              })
          .compose(
              all -> {
                for (int i = 0; i < streams.size(); i++) {
                  lastSequences.put(streams.get(i), states.get(i).result().lastSequence());
                }
                return turn();
              });
    }

    private Future<Verdict> turn() {
      if (cancelled.getAsBoolean()) {
        return Future.failedFuture(new CancellationException("the verification was cancelled"));
      }
      if (System.nanoTime() - progressAt >= 0) {
        progressAt = System.nanoTime() + PROGRESS_NANOS;
        progress.accept(new Progress(chain.blocks(), ledgerEnd, events, findingsTotal));
      }
      return vertx
          .executeBlocking(this::work)
          .compose(
              wanted ->
                  switch (wanted) {
                    case MoreBlocks none -> readBlocks().compose(read -> turn());
                    case MoreOf more ->
                        readMessages(more.window(), more.sequence(), 1).compose(read -> turn());
                    case Nothing end -> Future.succeededFuture(verdict());
                    case Turn over -> turn();
                  });
    }

    /** Verifies as long as all that it needs is at hand, and for a moment at most. */
    private Wanted work() {
      long until = System.nanoTime() + TURN_NANOS;
      while (System.nanoTime() - until < 0) {
        while (line < lines.size()) {
          LedgerLine next = lines.get(line);
          Window window = windows.get(next.stream());
          if (!window.knows(next.first())) {
            return new MoreOf(window, next.first());
          }
          compare(next, window);
          line++;
        }
        block = blocks.poll();
        if (block == null) {
          return nextBlock > ledgerEnd ? new Nothing() : new MoreBlocks();
        }
        Checked checked = chain.next(block.sequence(), block::header, block.body());
        checked.findings().forEach(this::found);
        lines = checked.lines();
        line = 0;
        anchor
            .filter(noted -> noted.block() == chain.last().number())
            .ifPresent(noted -> anchorMet |= noted.hash().equals(chain.last().hash()));
      }
      return new Turn();
    }

    private void compare(LedgerLine sealed, Window window) {
      boolean present = window.hasWithin(sealed.first(), sealed.last());
      if (sealed.missing()) {
        found(
            sealed,
            ChainCheck.messages(sealed.first(), sealed.last())
                + (present
                    ? " sealed as missing, and the stream has them"
                    : " missing since before they could be sealed"));
        return;
      }
      if (!present) {
        gone(window, sealed.first());
        return;
      }
      events++;
      RawMessage message = window.held.getFirst();
      byte[] expected =
          LedgerLine.of(
              sealed.stream(),
              message.sequence(),
              message.subject(),
              message.storedAt(),
              message.body());
      if (!Arrays.equals(expected, 0, expected.length, block.body(), sealed.from(), sealed.to())) {
        found(
            sealed,
            "the ledger's line, in block "
                + chain.last().number()
                + ", is not what the stream holds");
      }
    }

    private void gone(Window window, long sequence) {
      if (window.goneFrom != 0 && window.goneTo + 1 == sequence) {
        window.goneTo = sequence;
        return;
      }
      reportGone(window);
      window.goneFrom = sequence;
      window.goneTo = sequence;
    }

    private void reportGone(Window window) {
      if (window.goneFrom != 0) {
        found(
            new Finding(
                window.stream,
                window.goneFrom,
                ChainCheck.messages(window.goneFrom, window.goneTo)
                    + " gone from the stream, the ledger has them"));
      }
    }

    private void found(LedgerLine sealed, String problem) {
      found(new Finding(sealed.stream(), sealed.first(), problem));
    }

    private void found(Finding finding) {
      findingsTotal++;
      if (findings.size() < MAX_FINDINGS) {
        findings.add(finding);
      }
    }

    private Future<Void> readBlocks() {
      return patiently(() -> reader.read(ledger, nextBlock, READ_MESSAGES, READ_BYTES), 1)
          .map(
              messages -> {
                messages.stream().filter(m -> m.sequence() <= ledgerEnd).forEach(blocks::add);
                nextBlock = messages.isEmpty() ? ledgerEnd + 1 : messages.getLast().sequence() + 1;
                return null;
              });
    }

    private Future<Void> readMessages(Window window, long sequence, int attempt) {
      return patiently(() -> reader.read(window.stream, sequence, READ_MESSAGES, READ_BYTES), 1)
          .compose(
              messages -> {
                if (messages.isEmpty() && attempt < EMPTY_READS) {
                  return vertx
                      .timer(RETRY_MILLIS, MILLISECONDS)
                      .compose(again -> readMessages(window, sequence, attempt + 1));
                }
                window.held.addAll(messages);
                if (messages.isEmpty()) {
                  window.emptyFrom = Math.min(window.emptyFrom, sequence);
                }
                return Future.succeededFuture();
              });
    }

    private Verdict verdict() {
      windows.values().forEach(this::reportGone);
      if (chain.sequence() < ledgerEnd) {
        found(
            new Finding(
                ledger,
                chain.sequence() + 1,
                ChainCheck.messages(chain.sequence() + 1, ledgerEnd) + " gone from the ledger"));
      }
      if (anchor.isPresent() && !anchorMet) {
        found(
            new Finding(
                ledger,
                anchor.get().block(),
                "block " + anchor.get().block() + " is not the one whose hash was noted"));
      }
      long unsealed =
          streams.stream()
              .mapToLong(s -> Math.max(0, lastSequences.get(s) - chain.position(s)))
              .sum();
      return new Verdict(
          chain.blocks(),
          events,
          unsealed,
          chain.last().number(),
          chain.last().hash(),
          findings,
          findingsTotal);
    }

    /** Again where the world failed, and not where the broker said no. */
    private <T> Future<T> patiently(Supplier<Future<T>> read, int attempt) {
      return read.get()
          .recover(
              cause -> {
                boolean again =
                    cause instanceof BrokerException failure
                        && failure.kind() != BrokerException.Kind.REFUSED
                        && attempt < READ_TRIES
                        && !cancelled.getAsBoolean();
                return again
                    ? vertx
                        .timer(RETRY_MILLIS, MILLISECONDS)
                        .compose(waited -> patiently(read, attempt + 1))
                    : Future.failedFuture(cause);
              });
    }
  }
}
