package io.holdfast.audit.domain;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * One line of a block: one message of an audited stream, as it is stored there. The same message
 * always gives the same bytes, so whoever verifies the ledger builds the line again and compares.
 *
 * <pre>{@code
 * {"stream":"ORDERS","seq":7,"subject":"orders.created.o1","time":"...Z","event":<the bytes>}
 * {"stream":"ORDERS","seq":8,"subject":"orders.created.o2","time":"...Z","raw":"<base64>"}
 * {"stream":"ORDERS","seq":9,"subject":"orders.created.o3","time":"...Z","sha256":"<hex>","size":900000}
 * {"stream":"ORDERS","seq":10,"missing":true}
 * {"stream":"ORDERS","seq":11,"last":20,"missing":true}
 * }</pre>
 *
 * {@code event} where the bytes are {@linkplain JsonText one line of JSON}, {@code raw} where they
 * are not, {@code sha256} and {@code size} alone where the line would not fit a block. The last two
 * forms stand for what the stream did not have any more when the ledger came to it.
 *
 * @param first sequence that the line stands for
 * @param last the same, but for a line about several missing messages
 * @param from where the line begins in its block
 * @param to where it ends, without its line break
 */
public record LedgerLine(String stream, long first, long last, boolean missing, int from, int to) {

  /** The longest line, without its line break. */
  static final int MAX_BYTES = Block.MAX_BYTES - 1;

  private static final String EVENT = ",\"event\":";
  private static final String RAW = ",\"raw\":\"";
  private static final int MAX_DIGITS = 18;

  /** Writes a message's line, without its line break. */
  static void write(
      Bytes out, String stream, long sequence, String subject, Instant storedAt, byte[] body) {
    int start = out.length();
    out.ascii("{\"stream\":\"").ascii(stream).ascii("\",\"seq\":").ascii(Long.toString(sequence));
    out.ascii(",\"subject\":").quoted(subject);
    out.ascii(",\"time\":\"").ascii(storedAt.toString()).put('"');
    int room = MAX_BYTES - (out.length() - start) - 1; // for the closing bracket
    if (EVENT.length() + body.length <= room && JsonText.fitsALine(body)) {
      out.ascii(EVENT).put(body);
    } else if (RAW.length() + base64Length(body) + 1 <= room && !JsonText.fitsALine(body)) {
      out.ascii(RAW).put(Base64.getEncoder().encode(body)).put('"');
    } else {
      out.ascii(",\"sha256\":\"").ascii(Sha256.hex(body));
      out.ascii("\",\"size\":").ascii(Integer.toString(body.length));
    }
    out.put('}');
  }

  /** Writes the line for what is missing, without its line break. */
  static void writeMissing(Bytes out, String stream, long first, long last) {
    out.ascii("{\"stream\":\"").ascii(stream).ascii("\",\"seq\":").ascii(Long.toString(first));
    if (last > first) {
      out.ascii(",\"last\":").ascii(Long.toString(last));
    }
    out.ascii(",\"missing\":true}");
  }

  /** The bytes of a message's line, to compare with a ledger's. */
  public static byte[] of(
      String stream, long sequence, String subject, Instant storedAt, byte[] body) {
    Bytes out = new Bytes(body.length + 256);
    write(out, stream, sequence, subject, storedAt, body);
    return out.copy();
  }

  /**
   * Reads what a line stands for. Only its beginning is read: the rest is to be compared.
   *
   * @param streams full names of those that may be named
   * @return empty if it is not a line as this class writes them
   */
  static Optional<LedgerLine> read(byte[] block, int from, int to, List<String> streams) {
    for (String stream : streams) {
      Reader in = new Reader(block, from, to);
      if (in.skip("{\"stream\":\"") && in.skip(stream) && in.skip("\",\"seq\":")) {
        return read(in, stream, from, to);
      }
    }
    return Optional.empty();
  }

  private static Optional<LedgerLine> read(Reader in, String stream, int from, int to) {
    long first = in.number();
    if (first < 1) {
      return Optional.empty();
    }
    if (in.skip(",\"subject\":\"")) {
      return Optional.of(new LedgerLine(stream, first, first, false, from, to));
    }
    long last = in.skip(",\"last\":") ? in.number() : first;
    boolean whole = in.skip(",\"missing\":true}") && in.at == to && last >= first;
    return whole
        ? Optional.of(new LedgerLine(stream, first, last, true, from, to))
        : Optional.empty();
  }

  private static int base64Length(byte[] body) {
    return (body.length + 2) / 3 * 4;
  }

  private static final class Reader {
    private final byte[] bytes;
    private final int end;
    private int at;

    Reader(byte[] bytes, int from, int to) {
      this.bytes = bytes;
      this.at = from;
      this.end = to;
    }

    boolean skip(String text) {
      byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
      if (end - at < wanted.length) {
        return false;
      }
      for (int i = 0; i < wanted.length; i++) {
        if (bytes[at + i] != wanted[i]) {
          return false;
        }
      }
      at += wanted.length;
      return true;
    }

    /** A whole number as Java prints it, or 0. */
    long number() {
      int begin = at;
      long value = 0;
      while (at < end && bytes[at] >= '0' && bytes[at] <= '9' && at - begin < MAX_DIGITS) {
        value = value * 10 + bytes[at++] - '0';
      }
      return at == begin || bytes[begin] == '0' ? 0 : value;
    }
  }
}
