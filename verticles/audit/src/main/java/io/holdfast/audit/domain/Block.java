package io.holdfast.audit.domain;

/** A sealed block: its header and the lines it covers, each with a line feed at its end. */
public final class Block {

  /** The most that a block's lines may take. */
  public static final int MAX_BYTES = 512 * 1024;

  private final BlockHeader header;
  private final byte[] body;

  Block(BlockHeader header, byte[] body) {
    this.header = header;
    this.body = body;
  }

  public BlockHeader header() {
    return header;
  }

  /** The lines; not copied, not to be changed. */
  public byte[] body() {
    return body;
  }
}
