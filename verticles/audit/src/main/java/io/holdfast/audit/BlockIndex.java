package io.holdfast.audit;

import io.holdfast.audit.domain.Block;
import io.holdfast.audit.domain.BlockHeader;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds blocks by what they hold. A block's cursor says how far the ledger had come, so the block
 * of a message is found by bisection; the headers met on the way are kept, up to a bound.
 */
public final class BlockIndex {

  private static final int KEPT = 8_192;
  private static final int READ_BYTES = 2 * Block.MAX_BYTES;
  private static final int READ_MESSAGES = 100;

  private final StreamReader reader;
  private final String ledger;
  private final LedgerHead head;
  private final Map<Long, Sealed> kept =
      new LinkedHashMap<>(256, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Sealed> eldest) {
          return size() > KEPT;
        }
      };

  /**
   * @param sequence in the ledger's stream
   */
  public record Sealed(BlockHeader header, long sequence, Instant storedAt) {}

  BlockIndex(StreamReader reader, Subjects subjects, LedgerHead head) {
    this.reader = reader;
    this.ledger = subjects.stream(AuditGroup.LEDGER);
    this.head = head;
  }

  /** The newest block's number; 0 if there is none. */
  public long newest() {
    return head.at().header().number();
  }

  /**
   * The number of the block that holds a message.
   *
   * @param stream full name
   * @return empty if the message is not sealed yet
   */
  public Future<Optional<Long>> blockOf(String stream, long sequence) {
    LedgerHead.At end = head.at();
    if (end.header().cursor().of(stream) < sequence) {
      return Future.succeededFuture(Optional.empty());
    }
    return bisect(stream, sequence, 1, end.sequence());
  }

  /** Between two sequences of the ledger; the last one's block is far enough. */
  private Future<Optional<Long>> bisect(String stream, long sequence, long low, long high) {
    long middle = low + (high - low) / 2;
    return blockAt(middle)
        .compose(
            found -> {
              boolean farEnough =
                  found.isEmpty() || found.get().header().cursor().of(stream) >= sequence;
              if (low < high) {
                return farEnough
                    ? bisect(stream, sequence, low, middle)
                    : bisect(stream, sequence, middle + 1, high);
              }
              return Future.succeededFuture(found.map(entry -> entry.header().number()));
            });
  }

  /** The first sound block at this sequence of the ledger or behind it. */
  private Future<Optional<Sealed>> blockAt(long sequence) {
    Sealed known;
    synchronized (kept) {
      known = kept.get(sequence);
    }
    if (known != null) {
      return Future.succeededFuture(Optional.of(known));
    }
    return reader
        .read(ledger, sequence, 1, 1)
        .compose(
            read -> {
              if (read.isEmpty()) {
                return Future.succeededFuture(Optional.empty());
              }
              RawMessage message = read.getFirst();
              Optional<Sealed> entry = entry(message);
              if (entry.isEmpty()) { // somebody else's message, or a damaged one
                return blockAt(message.sequence() + 1);
              }
              keep(sequence, entry.get());
              return Future.succeededFuture(entry);
            });
  }

  /**
   * Blocks with numbers above {@code after}, in order.
   *
   * @param limit at most so many
   */
  public Future<List<Sealed>> after(long after, int limit) {
    // A block takes one message at least, so it never stands before the sequence of its number.
    return after(after, after + 1, limit, new ArrayList<>());
  }

  private Future<List<Sealed>> after(long after, long from, int limit, List<Sealed> found) {
    return reader
        .read(ledger, from, Math.min(limit, READ_MESSAGES), READ_BYTES)
        .compose(
            messages -> {
              for (RawMessage message : messages) {
                entry(message)
                    .filter(entry -> entry.header().number() > after && found.size() < limit)
                    .ifPresent(found::add);
              }
              return messages.isEmpty() || found.size() >= limit
                  ? Future.succeededFuture(found)
                  : after(after, messages.getLast().sequence() + 1, limit, found);
            });
  }

  /** The sound block in this message, if there is one. */
  static Optional<Sealed> entry(RawMessage message) {
    try {
      BlockHeader header = BlockHeader.parse(message::header);
      return header.intact()
          ? Optional.of(new Sealed(header, message.sequence(), message.storedAt()))
          : Optional.empty();
    } catch (IllegalArgumentException notABlock) {
      return Optional.empty();
    }
  }

  private void keep(long sequence, Sealed entry) {
    synchronized (kept) {
      kept.put(sequence, entry);
    }
  }
}
