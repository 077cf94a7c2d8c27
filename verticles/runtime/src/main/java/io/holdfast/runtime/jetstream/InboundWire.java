package io.holdfast.runtime.jetstream;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Everything that the broker sends on one connection, with the headers mended that the client
 * library cannot read. All else passes as it is, and payloads are not looked at. Not thread-safe.
 */
final class InboundWire {

  /** Where the broker's bytes come from. */
  interface Source {
    /** As {@link java.io.InputStream#read(byte[], int, int)}. */
    int read(byte[] into, int at, int length) throws IOException;
  }

  private static final int BUFFER = 64 * 1024;

  private final Source source;
  private final Runnable onMended;

  private byte[] buffer = new byte[BUFFER];

  /** Up to here it was handed out. */
  private int taken;

  /** Up to here it was looked at, and may be handed out. */
  private int ready;

  /** Up to here there is something. */
  private int filled;

  /** So much of a payload, with the line break behind it, is still to come. */
  private long payload;

  /**
   * @param onMended is told of each message whose headers had to be mended
   */
  InboundWire(Source source, Runnable onMended) {
    this.source = source;
    this.onMended = onMended;
  }

  /** As {@link java.io.InputStream#read(byte[], int, int)}. */
  int read(byte[] into, int at, int length) throws IOException {
    while (ready == taken) {
      makeRoom();
      int more = source.read(buffer, filled, buffer.length - filled);
      if (more <= 0) {
        return more;
      }
      filled += more;
      lookThrough();
    }
    int some = Math.min(length, ready - taken);
    System.arraycopy(buffer, taken, into, at, some);
    taken += some;
    return some;
  }

  /** What is not ready is the beginning of a line, or of headers, which wait for their end. */
  private void makeRoom() {
    if (taken > 0) {
      System.arraycopy(buffer, taken, buffer, 0, filled - taken);
      filled -= taken;
      taken = 0;
      ready = 0;
    }
    if (filled == buffer.length) {
      buffer = Arrays.copyOf(buffer, 2 * buffer.length);
    } else if (filled == 0 && buffer.length > BUFFER) {
      buffer = new byte[BUFFER];
    }
  }

  private void lookThrough() {
    while (true) {
      int passing = (int) Math.min(payload, filled - ready);
      ready += passing;
      payload -= passing;
      int end = endOfLine();
      if (end < 0) {
        return;
      }
      boolean headers = buffer[ready] == 'H';
      if (!headers && buffer[ready] != 'M') { // PING, +OK and what else has no payload
        ready = end;
      } else {
        int total = numberBefore(end - 2);
        int own = headers ? numberBefore(startOfNumber(end - 2) - 1) : 0;
        if (total < own || own < 0) { // the client library will say what it thinks of it
          ready = end;
        } else if (filled - end < own) {
          return;
        } else {
          if (headers && !HeaderBlock.readable(buffer, end, end + own)) {
            mend(end, own, total);
          } else {
            ready = end + own;
          }
          payload = total - own + 2L;
        }
      }
    }
  }

  /** Behind the line break, or negative if that has not come yet. */
  private int endOfLine() {
    int at = HeaderBlock.lineFeed(buffer, ready, filled);
    return at < filled ? at + 1 : -1;
  }

  private int startOfNumber(int end) {
    int at = end;
    while (at > ready && buffer[at - 1] >= '0' && buffer[at - 1] <= '9') {
      at--;
    }
    return at;
  }

  private int numberBefore(int end) {
    int start = startOfNumber(end);
    if (start >= end || end - start > 9) {
      return -1;
    }
    int value = 0;
    for (int i = start; i < end; i++) {
      value = value * 10 + buffer[i] - '0';
    }
    return value;
  }

  /** The headers that begin at {@code from}; their length stands in the line before. */
  private void mend(int from, int length, int total) {
    byte[] mended = HeaderBlock.mended(buffer, from, from + length);
    int lengths = startOfNumber(startOfNumber(from - 2) - 1);
    byte[] told =
        (mended.length + " " + (total - length + mended.length) + "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    int rest = filled - from - length;
    int behind = lengths + told.length + mended.length;
    byte[] all = behind + rest > buffer.length ? new byte[2 * (behind + rest)] : buffer.clone();
    System.arraycopy(buffer, 0, all, 0, lengths);
    System.arraycopy(told, 0, all, lengths, told.length);
    System.arraycopy(mended, 0, all, lengths + told.length, mended.length);
    System.arraycopy(buffer, from + length, all, behind, rest);
    buffer = all;
    ready = behind;
    filled = behind + rest;
    onMended.run();
  }
}
