package io.holdfast.system.failpoints;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A request or an answer of HTTP/1.1.
 *
 * @param bytes all of it, as it came
 */
record HttpMessage(String head, String body, Buffer bytes) {

  private static final String CR_LF = "\r\n";
  private static final int HEXADECIMAL = 16;

  /** The next one; null when the other side has closed. */
  static HttpMessage read(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    ByteArrayOutputStream body = new ByteArrayOutputStream(512);
    String line = readLine(in, bytes);
    if (line.isEmpty()) {
      return null;
    }
    StringBuilder head = new StringBuilder(512);
    int length = 0;
    boolean chunked = false;
    while (!line.equals(CR_LF)) {
      head.append(line);
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(lower.substring(lower.indexOf(':') + 1).strip());
      }
      chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
      line = readLine(in, bytes);
      if (line.isEmpty()) {
        throw new EOFException("in the middle of a head");
      }
    }
    if (chunked) {
      int size = Integer.parseInt(readLine(in, bytes).strip(), HEXADECIMAL);
      while (size > 0) {
        copy(in, size, bytes, body);
        readLine(in, bytes);
        size = Integer.parseInt(readLine(in, bytes).strip(), HEXADECIMAL);
      }
      readLine(in, bytes);
    } else {
      copy(in, length, bytes, body);
    }
    return new HttpMessage(
        head.toString(), body.toString(StandardCharsets.UTF_8), Buffer.buffer(bytes.toByteArray()));
  }

  /** With its end; empty when the other side has closed. */
  private static String readLine(InputStream in, ByteArrayOutputStream bytes) throws IOException {
    StringBuilder line = new StringBuilder();
    int read = in.read();
    while (read >= 0) {
      bytes.write(read);
      line.append((char) read);
      if (read == '\n') {
        break;
      }
      read = in.read();
    }
    return line.toString();
  }

  private static void copy(
      InputStream in, int length, ByteArrayOutputStream bytes, ByteArrayOutputStream body)
      throws IOException {
    byte[] part = in.readNBytes(length);
    if (part.length < length) {
      throw new EOFException("in the middle of a body");
    }
    bytes.writeBytes(part);
    body.writeBytes(part);
  }

  /** Method and path of a request, without its query. */
  String target() {
    String[] words = head.split("[ ?]", 3);
    return words[0] + " " + words[1];
  }

  /** Of an answer. */
  String status() {
    return head.split(" ", 3)[1];
  }
}
