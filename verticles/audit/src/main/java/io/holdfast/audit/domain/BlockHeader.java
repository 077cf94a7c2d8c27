package io.holdfast.audit.domain;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;

/**
 * What a block says about itself, in the headers of its message.
 *
 * @param number from 1, without gap
 * @param previous hash of the block before; 64 zeros for the first
 * @param root Merkle root of the block's lines, see {@link MerkleTree}
 * @param count of the block's lines
 * @param ranges the messages that the block holds, per stream
 * @param cursor where the ledger is after this block in every audited stream, so that the last
 *     block is all that a restart needs
 * @param hash of all the others, see {@link #hashed}
 */
public record BlockHeader(
    long number,
    String previous,
    String root,
    int count,
    List<Range> ranges,
    Positions cursor,
    String hash) {

  public static final String NUMBER = "Audit-Block";
  public static final String PREVIOUS = "Audit-Previous";
  public static final String ROOT = "Audit-Root";
  public static final String HASH = "Audit-Hash";
  public static final String COUNT = "Audit-Count";
  public static final String RANGES = "Audit-Ranges";
  public static final String CURSOR = "Audit-Cursor";

  /** What stands for the hash of the block before the first. */
  public static final String NO_HASH = "0".repeat(Sha256.HEX_LENGTH);

  public BlockHeader {
    ranges = List.copyOf(ranges);
  }

  /** What the first block follows: number 0, nothing held. Never stored. */
  public static BlockHeader genesis(List<String> streams) {
    return new BlockHeader(0, NO_HASH, NO_HASH, 0, List.of(), Positions.start(streams), NO_HASH);
  }

  /** The header of the block that follows this one. */
  BlockHeader next(String root, int count, Positions cursor) {
    BlockHeader unsealed =
        new BlockHeader(number + 1, hash, root, count, this.cursor.rangesTo(cursor), cursor, "");
    return unsealed.withHash(unsealed.expectedHash());
  }

  private BlockHeader withHash(String hash) {
    return new BlockHeader(number, previous, root, count, ranges, cursor, hash);
  }

  /** Whether the hash is the one that all the other fields give. */
  public boolean intact() {
    return hash.equals(expectedHash());
  }

  String expectedHash() {
    return Sha256.hex(hashed().getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The text that the hash is of: six headers as {@code Name: value}, in this order, a line feed
   * after each.
   */
  String hashed() {
    StringBuilder text = new StringBuilder(512);
    toHeaders()
        .forEach(
            (name, value) -> {
              if (!name.equals(HASH)) {
                text.append(name).append(": ").append(value).append('\n');
              }
            });
    return text.toString();
  }

  /** The headers of the block's message, the hash last. */
  public SequencedMap<String, String> toHeaders() {
    SequencedMap<String, String> headers = new LinkedHashMap<>();
    headers.put(NUMBER, Long.toString(number));
    headers.put(PREVIOUS, previous);
    headers.put(ROOT, root);
    headers.put(COUNT, Integer.toString(count));
    headers.put(RANGES, Range.text(ranges));
    headers.put(CURSOR, cursor.text());
    headers.put(HASH, hash);
    return headers;
  }

  /**
   * Reads a header, and believes none of it: see {@link #intact}.
   *
   * @param headers gives a message's header by name
   * @throws IllegalArgumentException if a header is missing or not written as {@link #toHeaders}
   *     writes it; the message names it
   */
  public static BlockHeader parse(Function<String, Optional<String>> headers) {
    BlockHeader header =
        new BlockHeader(
            read(headers, NUMBER, Long::parseLong),
            read(headers, PREVIOUS, Function.identity()),
            read(headers, ROOT, Function.identity()),
            read(headers, COUNT, Integer::parseInt),
            read(headers, RANGES, Range::parse),
            read(headers, CURSOR, Positions::parse),
            read(headers, HASH, Function.identity()));
    for (Map.Entry<String, String> field : header.toHeaders().entrySet()) {
      if (!headers.apply(field.getKey()).orElseThrow().equals(field.getValue())) {
        throw new IllegalArgumentException(field.getKey() + " is not in the ledger's form");
      }
    }
    for (String hash : List.of(header.previous, header.root, header.hash)) {
      if (!Sha256.isHex(hash)) {
        throw new IllegalArgumentException("a hash is not 64 lower-case hex digits");
      }
    }
    if (header.number < 1 || header.count < 1) {
      throw new IllegalArgumentException("number and count begin at 1");
    }
    return header;
  }

  private static <T> T read(
      Function<String, Optional<String>> headers, String name, Function<String, T> parser) {
    String value =
        headers
            .apply(name)
            .orElseThrow(() -> new IllegalArgumentException("header " + name + " is missing"));
    try {
      return parser.apply(value);
    } catch (IllegalArgumentException e) { // NumberFormatException is one
      throw new IllegalArgumentException(name + " is not in the ledger's form", e);
    }
  }
}
