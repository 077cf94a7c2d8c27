package io.holdfast.audit.domain;

import java.util.Arrays;

/** Bytes that grow at their end, and can be cut back there. */
final class Bytes {

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private byte[] array;
  private int length;

  Bytes(int capacity) {
    array = new byte[capacity];
  }

  int length() {
    return length;
  }

  /** The bytes themselves; valid up to {@link #length}, and until the next change. */
  byte[] array() {
    return array;
  }

  byte[] copy() {
    return Arrays.copyOf(array, length);
  }

  void cutTo(int shorter) {
    length = shorter;
  }

  Bytes put(byte[] bytes) {
    room(bytes.length);
    System.arraycopy(bytes, 0, array, length, bytes.length);
    length += bytes.length;
    return this;
  }

  Bytes put(char c) {
    room(1);
    array[length++] = (byte) c;
    return this;
  }

  @SuppressWarnings("deprecation") // the one copy that is needed, for text that is ASCII
  Bytes ascii(String text) {
    room(text.length());
    text.getBytes(0, text.length(), array, length);
    length += text.length();
    return this;
  }

  /** A JSON string with its quotes: only what must be escaped is. */
  Bytes quoted(String text) {
    if (text.chars().allMatch(c -> c >= ' ' && c < 0x7f && c != '"' && c != '\\')) {
      return put('"').ascii(text).put('"');
    }
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.chars()
        .forEach(
            c -> {
              if (c == '"' || c == '\\') {
                escaped.append('\\').append((char) c);
              } else if (c >= ' ' && c < 0x7f) {
                escaped.append((char) c);
              } else {
                escaped.append("\\u");
                for (int shift = 12; shift >= 0; shift -= 4) {
                  escaped.append(HEX[(c >> shift) & 0xf]);
                }
              }
            });
    return put('"').ascii(escaped.toString()).put('"');
  }

  private void room(int more) {
    if (array.length - length < more) {
      array = Arrays.copyOf(array, Math.max(length + more, array.length * 2));
    }
  }
}
