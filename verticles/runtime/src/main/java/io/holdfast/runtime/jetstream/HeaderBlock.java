package io.holdfast.runtime.jetstream;

import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The bytes of one message's headers, which the broker stores and delivers as whoever published
 * them wrote them: it does not look whether they are headers at all. The client library does, and
 * takes a block that it cannot read for the end of its connection.
 */
final class HeaderBlock {

  /** Under this name stands a line that has no name, or another beginning than a block has. */
  static final String UNREADABLE = "Unreadable";

  private static final byte[] VERSION = "NATS/1.0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] SUBJECT = "Nats-Subject".getBytes(StandardCharsets.US_ASCII);
  private static final int STATUS_DIGITS = 3;

  /** No subject can contain it, so it may stand for what a subject can contain and a header not. */
  private static final char SUBJECT_ESCAPE = '\t';

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** The same in each of eight bytes. */
  private static final long ALL = 0x0101010101010101L;

  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long SPACES = 0x2020202020202020L;
  private static final long LINE_FEEDS = 0x0a0a0a0a0a0a0a0aL;

  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  private HeaderBlock() {}

  /** Whether the client library reads a block, and every byte of it, as it stands. */
  static boolean readable(byte[] bytes, int from, int to) {
    int at = from + VERSION.length;
    if (to - at < 4 || !startsWith(bytes, from, to, VERSION)) {
      return false;
    }
    if (bytes[at] == ' ') {
      at = status(bytes, at + 1, to);
    }
    if (at < 0 || !endsLine(bytes, at, to)) {
      return false;
    }
    at += 2;
    while (at < to && bytes[at] != '\r') {
      int name = at;
      while (at < to && namePart(bytes[at])) {
        at++;
      }
      if (at == name || at == to || bytes[at] != ':') {
        return false;
      }
      at++;
      while (at + Long.BYTES <= to && onlyPlain((long) LONGS.get(bytes, at))) {
        at += Long.BYTES;
      }
      while (at < to && valuePart(bytes[at])) {
        at++;
      }
      if (!endsLine(bytes, at, to)) {
        return false;
      }
      at += 2;
    }
    return at == to - 2 && endsLine(bytes, at, to);
  }

  /**
   * What stands there in a form that the client library reads. A byte that a header cannot have is
   * written as {@code %C3}; in the subject that the broker tells, {@link #subject} undoes it.
   */
  static byte[] mended(byte[] bytes, int from, int to) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(to - from + 64);
    out.writeBytes(VERSION);
    int at = from;
    if (startsWith(bytes, from, to, VERSION)) {
      at += VERSION.length;
      int status = at < to && bytes[at] == ' ' ? status(bytes, at + 1, to) : -1;
      if (status > 0 && endsLine(bytes, status, to)) {
        out.write(bytes, at, status - at);
        at = status;
      }
    }
    endLine(out);
    while (at < to) {
      int end = at;
      while (end < to && !endsLine(bytes, end, to)) {
        end++;
      }
      line(out, bytes, at, end);
      at = end + 2;
    }
    endLine(out);
    return out.toByteArray();
  }

  /** Where the first line break is, or {@code to} if there is none. */
  static int lineFeed(byte[] bytes, int from, int to) {
    int at = from;
    while (at + Long.BYTES <= to) {
      long others = (long) LONGS.get(bytes, at) ^ LINE_FEEDS;
      if (((others - ALL) & ~others & HIGH_BITS) != 0) {
        break;
      }
      at += Long.BYTES;
    }
    while (at < to && bytes[at] != '\n') {
      at++;
    }
    return at;
  }

  /** The subject that the broker tells of a message in a header, with every byte that it has. */
  static String subject(String header) {
    if (header.indexOf(SUBJECT_ESCAPE) < 0) {
      return header;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(header.length());
    for (int i = 0; i < header.length(); i++) {
      char c = header.charAt(i);
      if (c == SUBJECT_ESCAPE && i + 2 < header.length()) {
        out.write(HexFormat.fromHexDigits(header, i + 1, i + 3));
        i += 2;
      } else {
        out.write(c);
      }
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private static void line(ByteArrayOutputStream out, byte[] bytes, int from, int to) {
    int start = from;
    int end = to;
    while (start < end && (bytes[start] == ' ' || bytes[start] == '\t')) {
      start++;
    }
    while (start < end && (bytes[end - 1] == ' ' || bytes[end - 1] == '\t')) {
      end--;
    }
    if (start == end) {
      return;
    }
    int colon = start;
    while (colon < end && bytes[colon] != ':') {
      colon++;
    }
    int name = colon;
    while (name > start && (bytes[name - 1] == ' ' || bytes[name - 1] == '\t')) {
      name--;
    }
    if (colon == end || name == start) {
      out.writeBytes(UNREADABLE.getBytes(StandardCharsets.US_ASCII));
      colon = start - 1;
    } else {
      for (int i = start; i < name; i++) {
        put(out, bytes[i], namePart(bytes[i]), '%');
      }
    }
    boolean subject = name - start == SUBJECT.length && startsWith(bytes, start, name, SUBJECT);
    out.write(':');
    for (int i = colon + 1; i < end; i++) {
      put(out, bytes[i], valuePart(bytes[i]), subject ? SUBJECT_ESCAPE : '%');
    }
    endLine(out);
  }

  private static void put(ByteArrayOutputStream out, byte b, boolean asItIs, char escape) {
    if (asItIs) {
      out.write(b);
    } else {
      out.write(escape);
      out.writeBytes(HEX.toHexDigits(b).getBytes(StandardCharsets.US_ASCII));
    }
  }

  /**
   * Where the broker's own word ends, as {@code 404 No Messages} is one; negative if it is none.
   */
  private static int status(byte[] bytes, int from, int to) {
    int at = from;
    while (at < to && bytes[at] >= '0' && bytes[at] <= '9') {
      at++;
    }
    if (at - from != STATUS_DIGITS) {
      return -1;
    }
    if (at < to && bytes[at] == ' ') {
      at++;
      if (at == to || bytes[at] == ' ' || !valuePart(bytes[at])) {
        return -1;
      }
      while (at < to && valuePart(bytes[at])) {
        at++;
      }
    }
    return at;
  }

  private static boolean namePart(byte b) {
    return b > ' ' && b < 0x7f && b != ':';
  }

  private static boolean valuePart(byte b) {
    return (b >= ' ' && b < 0x7f) || b == '\t';
  }

  /** Eight bytes at once: none below a space, none above a tilde. */
  private static boolean onlyPlain(long bytes) {
    long belowSpace = (bytes - SPACES) & ~bytes;
    long aboveTilde = bytes | (bytes + ALL);
    return ((belowSpace | aboveTilde) & HIGH_BITS) == 0;
  }

  private static boolean endsLine(byte[] bytes, int at, int to) {
    return at + 1 < to && bytes[at] == '\r' && bytes[at + 1] == '\n';
  }

  private static void endLine(ByteArrayOutputStream out) {
    out.write('\r');
    out.write('\n');
  }

  private static boolean startsWith(byte[] bytes, int from, int to, byte[] what) {
    if (to - from < what.length) {
      return false;
    }
    for (int i = 0; i < what.length; i++) {
      if (bytes[from + i] != what[i]) {
        return false;
      }
    }
    return true;
  }
}
