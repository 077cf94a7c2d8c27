package io.holdfast.audit.domain;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The Merkle tree of RFC 6962, grown leaf by leaf: a leaf is {@code SHA-256(0x00 || bytes)}, a node
 * {@code SHA-256(0x01 || left || right)}. Keeps only the roots of the full subtrees, one per power
 * of two.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6962#section-2.1">RFC 6962, 2.1</a>
 */
public final class MerkleTree {

  private static final byte LEAF = 0;
  private static final byte NODE = 1;

  private final MessageDigest sha = Sha256.digest();
  private final List<byte[]> subtrees = new ArrayList<>(); // the largest first
  private int leaves;

  /** Adds the bytes from {@code from} up to, and not with, {@code to}. */
  public void add(byte[] bytes, int from, int to) {
    sha.update(LEAF);
    sha.update(bytes, from, to - from);
    byte[] root = sha.digest();
    for (int merged = leaves; (merged & 1) == 1; merged >>= 1) {
      root = node(subtrees.removeLast(), root);
    }
    subtrees.add(root);
    leaves++;
  }

  public int leaves() {
    return leaves;
  }

  /** The root in hex; without leaves, the hash of nothing. */
  public String root() {
    if (subtrees.isEmpty()) {
      return HexFormat.of().formatHex(sha.digest());
    }
    byte[] root = subtrees.getLast();
    for (int i = subtrees.size() - 2; i >= 0; i--) {
      root = node(subtrees.get(i), root);
    }
    return HexFormat.of().formatHex(root);
  }

  private byte[] node(byte[] left, byte[] right) {
    sha.update(NODE);
    sha.update(left);
    sha.update(right);
    return sha.digest();
  }
}
