package io.holdfast.audit.domain;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;

/**
 * Goes through the ledger's messages in order and says what is wrong with each one by itself and
 * with the way it follows the one before: everything that can be known without the audited streams.
 *
 * <p>After a finding it goes on from what the ledger says, so that one fault is reported where it
 * is and not at every block after it.
 */
public final class ChainCheck {

  private final String ledger;
  private final List<String> streams;
  private final SequencedMap<String, Long> positions = new LinkedHashMap<>();
  private BlockHeader last;
  private long sequence;
  private long blocks;

  /**
   * @param ledger full name of the ledger's stream
   * @param streams full names of the audited ones, in the ledger's order
   */
  public ChainCheck(String ledger, List<String> streams) {
    this.ledger = ledger;
    this.streams = List.copyOf(streams);
    this.last = BlockHeader.genesis(streams);
    this.positions.putAll(last.cursor().last());
  }

  /**
   * What the check of one message gave.
   *
   * @param lines those to compare with the audited streams: per stream each begins behind the one
   *     before, over all blocks
   */
  public record Checked(List<Finding> findings, List<LedgerLine> lines) {}

  /** The last block so far that could be read; number 0 if there was none. */
  public BlockHeader last() {
    return last;
  }

  /** How many blocks there were. */
  public long blocks() {
    return blocks;
  }

  /** The ledger's last message so far, block or not; its sequence, 0 if there was none. */
  public long sequence() {
    return sequence;
  }

  /** How far the ledger is in a stream. */
  public long position(String stream) {
    return positions.get(stream);
  }

  /**
   * Checks the ledger's next message.
   *
   * @param at its sequence in the ledger's stream
   */
  public Checked next(long at, Function<String, Optional<String>> headers, byte[] body) {
    List<Finding> findings = new ArrayList<>();
    if (at != sequence + 1) {
      findings.add(
          new Finding(
              ledger, sequence + 1, messages(sequence + 1, at - 1) + " gone from the ledger"));
    }
    sequence = at;
    BlockHeader header;
    try {
      header = BlockHeader.parse(headers);
    } catch (IllegalArgumentException notABlock) {
      findings.add(new Finding(ledger, at, "not a block: " + notABlock.getMessage()));
      return new Checked(findings, List.of());
    }
    blocks++;
    checkHeader(header, at, findings);
    List<LedgerLine> lines = checkBody(header, at, body, findings);
    checkCursor(header, at, findings);
    last = header;
    return new Checked(findings, lines);
  }

  private void checkHeader(BlockHeader header, long at, List<Finding> findings) {
    String block = "block " + header.number();
    if (header.number() != last.number() + 1) {
      String before = last.number() == 0 ? "the beginning" : "block " + last.number();
      findings.add(new Finding(ledger, at, block + " follows " + before));
    }
    if (!header.previous().equals(last.hash())) {
      findings.add(
          new Finding(ledger, at, block + " names another previous block than the one before it"));
    }
    if (!header.intact()) {
      findings.add(new Finding(ledger, at, block + " has headers that do not give its hash"));
    }
  }

  private List<LedgerLine> checkBody(
      BlockHeader header, long at, byte[] body, List<Finding> findings) {
    Walk walk = new Walk(findings);
    MerkleTree tree = new MerkleTree();
    String block = "block " + header.number();
    int from = 0;
    while (from < body.length) {
      int to = from;
      while (to < body.length && body[to] != '\n') {
        to++;
      }
      tree.add(body, from, to);
      Optional<LedgerLine> line = LedgerLine.read(body, from, to, streams);
      if (line.isPresent()) {
        walk.on(line.get());
      } else {
        findings.add(
            new Finding(
                ledger, at, block + ", line " + tree.leaves() + " is not in the ledger's form"));
      }
      from = to + 1;
    }
    walk.end();
    if (body.length == 0 || body[body.length - 1] != '\n') {
      findings.add(new Finding(ledger, at, block + " does not end with a line break"));
    }
    if (tree.leaves() != header.count()) {
      findings.add(
          new Finding(
              ledger, at, block + " has " + tree.leaves() + " lines, and says " + header.count()));
    }
    if (!tree.root().equals(header.root())) {
      findings.add(new Finding(ledger, at, block + " has lines that do not give its root"));
    }
    if (!walk.ranges().equals(header.ranges())) {
      findings.add(new Finding(ledger, at, block + " has other lines than its ranges say"));
    }
    return walk.lines;
  }

  /** The cursor of a block may be ahead of its lines only where blocks before it are gone. */
  private void checkCursor(BlockHeader header, long at, List<Finding> findings) {
    if (!streams.containsAll(header.cursor().last().keySet())) {
      findings.add(
          new Finding(
              ledger,
              at,
              "block " + header.number() + " has a cursor of streams that are not audited"));
    }
    for (String stream : streams) {
      long reached = positions.get(stream);
      long said = header.cursor().of(stream);
      if (said > reached) {
        findings.add(new Finding(stream, reached + 1, notHeld(reached + 1, said)));
        positions.put(stream, said);
      } else if (said < reached) {
        findings.add(
            new Finding(
                ledger,
                at,
                "block " + header.number() + " has a cursor behind the lines, in " + stream));
      }
    }
  }

  private static String notHeld(long first, long last) {
    return messages(first, last) + " not in the ledger";
  }

  /** {@code message 5 is} or {@code messages 5 to 9 are}. */
  public static String messages(long first, long last) {
    return first == last
        ? "message " + first + " is"
        : "messages " + first + " to " + last + " are";
  }

  /** One block's lines, each stream's against where the ledger was. */
  private final class Walk {
    private final List<Finding> findings;
    private final List<LedgerLine> lines = new ArrayList<>();
    private final Map<String, Range> ranges = new LinkedHashMap<>();
    private final Map<String, Range> backward = new LinkedHashMap<>();

    Walk(List<Finding> findings) {
      this.findings = findings;
    }

    void on(LedgerLine line) {
      String stream = line.stream();
      ranges.merge(stream, range(line), (a, b) -> new Range(stream, a.first(), b.last()));
      long reached = positions.get(stream);
      if (line.first() <= reached) {
        backward.merge(stream, range(line), (a, b) -> new Range(stream, a.first(), b.last()));
        return;
      }
      if (line.first() > reached + 1) {
        findings.add(new Finding(stream, reached + 1, notHeld(reached + 1, line.first() - 1)));
      }
      positions.put(stream, line.last());
      lines.add(line);
    }

    void end() {
      backward.forEach(
          (stream, range) ->
              findings.add(
                  new Finding(
                      stream,
                      range.first(),
                      messages(range.first(), range.last())
                          + " in the ledger twice or out of order")));
    }

    /** In the ledger's order. */
    List<Range> ranges() {
      return streams.stream().filter(ranges::containsKey).map(ranges::get).toList();
    }

    private Range range(LedgerLine line) {
      return new Range(line.stream(), line.first(), line.last());
    }
  }
}
