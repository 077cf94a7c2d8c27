package io.holdfast.audit.domain;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Gathers lines until a block is full, then seals it. Each stream's messages must come in order and
 * without gap, going on from the previous block's cursor.
 */
public final class BlockBuilder {

  private final BlockHeader previous;
  private final SequencedMap<String, Long> positions;
  private final MerkleTree tree = new MerkleTree();
  private final Bytes lines;

  /**
   * @param streams full names of the audited streams, in the ledger's order; one that the previous
   *     block does not know begins at its first message
   */
  public BlockBuilder(BlockHeader previous, List<String> streams) {
    this.previous = previous;
    this.positions = new LinkedHashMap<>();
    streams.forEach(stream -> positions.put(stream, previous.cursor().of(stream)));
    this.lines = new Bytes(64 * 1024);
  }

  /**
   * Adds a message.
   *
   * @return false if the block has no room for it; then nothing has changed
   * @throws IllegalArgumentException if it is not the stream's next one
   */
  public boolean add(String stream, long sequence, String subject, Instant storedAt, byte[] body) {
    follow(stream, sequence);
    int start = lines.length();
    LedgerLine.write(lines, stream, sequence, subject, storedAt, body);
    return closeLine(start, stream, sequence);
  }

  /** As {@link #add}, for messages that the stream has lost. */
  public boolean addMissing(String stream, long first, long last) {
    follow(stream, first);
    int start = lines.length();
    LedgerLine.writeMissing(lines, stream, first, last);
    return closeLine(start, stream, last);
  }

  public boolean isEmpty() {
    return tree.leaves() == 0;
  }

  /**
   * The block.
   *
   * @throws IllegalStateException if nothing was added
   */
  public Block seal() {
    if (isEmpty()) {
      throw new IllegalStateException("a block holds at least one line");
    }
    return new Block(
        previous.next(tree.root(), tree.leaves(), new Positions(positions)), lines.copy());
  }

  private void follow(String stream, long sequence) {
    Long last = positions.get(stream);
    if (last == null || sequence != last + 1) {
      throw new IllegalArgumentException(
          stream + " " + sequence + " does not follow " + (last == null ? "a cursor" : last));
    }
  }

  private boolean closeLine(int start, String stream, long last) {
    if (lines.length() + 1 > Block.MAX_BYTES) {
      lines.cutTo(start);
      return false;
    }
    tree.add(lines.array(), start, lines.length());
    lines.put('\n');
    positions.put(stream, last);
    return true;
  }
}
