package io.holdfast.audit;

import io.holdfast.audit.domain.Block;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one audited stream in order, ahead of the ledger by about one block, and holds what it read
 * until it is taken. For one event loop.
 *
 * <p>What the stream skips is not skipped here. A missing sequence is looked for again for a while,
 * as a read may have met a replica that is behind; then it is handed out as {@link Missing}, so
 * that the ledger says so for ever and goes on. A ledger that stopped there would hide all that
 * follows.
 */
final class Intake {

  private static final int READ_MESSAGES = 1_000;
  private static final int READ_BYTES = Block.MAX_BYTES;
  private static final int LOOKS = 3;
  private static final int LINE_OVERHEAD = 160;
  private static final Logger log = LoggerFactory.getLogger(Intake.class);

  /** What the ledger is to hold next of a stream. */
  sealed interface Entry {
    String stream();

    long last();
  }

  record Present(RawMessage message) implements Entry {
    @Override
    public String stream() {
      return message.stream();
    }

    @Override
    public long last() {
      return message.sequence();
    }
  }

  record Missing(String stream, long first, long last) implements Entry {}

  private final StreamReader reader;
  private final String stream;
  private final long pauseNanos;
  private final long confirmNanos;
  private final Deque<Entry> held = new ArrayDeque<>();

  private long next = 1;
  private long heldBytes;
  private long epoch;
  private Future<Void> reading;
  private boolean behind;
  private long quietUntil = System.nanoTime();
  private long gapAt;
  private int gapLooks;
  private long gapSince;
  private final AtomicLong gaps = new AtomicLong(); // read by the scrape

  Intake(StreamReader reader, String stream, AuditSettings settings) {
    this.reader = reader;
    this.stream = stream;
    this.pauseNanos = settings.interval().toNanos();
    this.confirmNanos = settings.gapConfirmation().toNanos();
  }

  String stream() {
    return stream;
  }

  /** Messages that the stream had lost, as far as this process met them. */
  long gaps() {
    return gaps.get();
  }

  /** Goes on behind this sequence; keeps what was read ahead, if it fits. */
  void follow(long cursor) {
    while (!held.isEmpty() && held.getFirst().last() <= cursor) {
      take();
    }
    boolean fits = held.isEmpty() ? next == cursor + 1 : first(held.getFirst()) == cursor + 1;
    if (!fits) {
      held.clear();
      heldBytes = 0;
      next = cursor + 1;
      epoch++; // a read that is under way is of no use any more
      reading = null;
      quietUntil = System.nanoTime();
    }
  }

  /** Reads on if there is room, and if the stream was not found to be at its end just now. */
  Future<Void> fill() {
    if (reading != null) {
      return reading;
    }
    if (heldBytes >= READ_BYTES || System.nanoTime() - quietUntil < 0) {
      return Future.succeededFuture();
    }
    long asked = epoch;
    Future<Void> read =
        reader
            .read(stream, next, READ_MESSAGES, READ_BYTES)
            .onSuccess(
                messages -> {
                  if (asked == epoch) {
                    hold(messages);
                  }
                })
            .mapEmpty();
    reading = read;
    return read.andThen(
        done -> {
          if (reading == read) {
            reading = null;
          }
        });
  }

  /** Whether the stream has more than what is held, as far as is known. */
  boolean behind() {
    return behind;
  }

  /** About what the held messages take in a block. */
  long heldBytes() {
    return heldBytes;
  }

  boolean isEmpty() {
    return held.isEmpty();
  }

  /** When the first one held was stored; the beginning of time for what is missing. */
  Instant firstStoredAt() {
    return held.getFirst() instanceof Present present ? present.message().storedAt() : Instant.MIN;
  }

  Entry take() {
    Entry entry = held.removeFirst();
    heldBytes -= size(entry);
    return entry;
  }

  /** Takes back what did not fit a block. */
  void giveBack(Entry entry) {
    held.addFirst(entry);
    heldBytes += size(entry);
  }

  static long size(Entry entry) {
    return entry instanceof Present present
        ? present.message().body().length + LINE_OVERHEAD
        : LINE_OVERHEAD;
  }

  private static long first(Entry entry) {
    return switch (entry) {
      case Present present -> present.message().sequence();
      case Missing missing -> missing.first();
    };
  }

  private void hold(List<RawMessage> messages) {
    long bytes = 0;
    boolean doubtful = false;
    for (RawMessage message : messages) {
      if (message.sequence() > next) {
        if (!confirmed(message.sequence())) {
          doubtful = true;
          break;
        }
        put(new Missing(stream, next, message.sequence() - 1));
      }
      Present present = new Present(message);
      bytes += size(present);
      put(present);
    }
    behind = !doubtful && (messages.size() == READ_MESSAGES || bytes >= READ_BYTES / 2);
    if (!behind) {
      quietUntil = System.nanoTime() + pauseNanos;
    }
  }

  private void put(Entry entry) {
    held.addLast(entry);
    heldBytes += size(entry);
    next = entry.last() + 1;
  }

  private boolean confirmed(long present) {
    long now = System.nanoTime();
    if (gapAt != next) {
      gapAt = next;
      gapLooks = 0;
      gapSince = now;
    }
    gapLooks++;
    if (gapLooks < LOOKS || now - gapSince < confirmNanos) {
      return false;
    }
    gaps.addAndGet(present - next);
    log.atError()
        .addKeyValue("stream", stream)
        .addKeyValue("first", next)
        .addKeyValue("last", present - 1)
        .log("Messages are missing from an audited stream, sealed as missing");
    return true;
  }
}
