package io.holdfast.launcher.chaos;

import io.vertx.core.buffer.Buffer;
import java.util.function.BooleanSupplier;

/**
 * Lets a client's NATS protocol through, message by message, but for acknowledgements that are to
 * be lost. One connection's and one thread's alone.
 *
 * @see <a href="https://docs.nats.io/reference/reference-protocols/nats-protocol">the protocol</a>
 */
final class AckLoss {

  private static final String ACKNOWLEDGEMENT = "$JS.ACK.";

  private final BooleanSupplier lose;
  private Buffer rest = Buffer.buffer();

  /**
   * @param lose asked about each acknowledgement
   */
  AckLoss(BooleanSupplier lose) {
    this.lose = lose;
  }

  /** What of this, and of what was kept back before, is to be passed on now. */
  Buffer pass(Buffer arrived) {
    Buffer all = rest.length() == 0 ? arrived : rest.appendBuffer(arrived);
    Buffer passed = Buffer.buffer(all.length());
    int at = 0;
    while (at < all.length()) {
      int lineEnd = endOfLine(all, at);
      if (lineEnd < 0) {
        break;
      }
      int end = lineEnd;
      boolean lost = false;
      if (all.getByte(at) == 'P' || all.getByte(at) == 'H') {
        String[] words = all.getString(at, lineEnd, "ISO-8859-1").strip().split("\\s+", -1);
        if (words.length >= 3 && (words[0].equals("PUB") || words[0].equals("HPUB"))) {
          end = lineEnd + Integer.parseInt(words[words.length - 1]) + 2;
          if (end > all.length()) {
            break;
          }
          lost = words[1].startsWith(ACKNOWLEDGEMENT) && lose.getAsBoolean();
        }
      }
      if (!lost) {
        passed.appendBuffer(all, at, end - at);
      }
      at = end;
    }
    rest = all.getBuffer(at, all.length()).copy();
    return passed;
  }

  /** Behind the next CR LF, or -1. */
  private static int endOfLine(Buffer all, int from) {
    for (int i = from; i + 1 < all.length(); i++) {
      if (all.getByte(i) == '\r' && all.getByte(i + 1) == '\n') {
        return i + 2;
      }
    }
    return -1;
  }
}
