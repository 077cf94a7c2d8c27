package io.holdfast.system.failpoints;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A request or an answer of HTTP/1.1, as it came. Its length must be told in its head, as the
 * gateway and its client do.
 */
record HttpMessage(String head, String body, Buffer bytes) {

  /** The next one; null when the other side has closed. */
  static HttpMessage read(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream(512);
    String end = "";
    while (!end.endsWith("\r\n\r\n")) {
      int read = in.read();
      if (read < 0) {
        return null;
      }
      head.write(read);
      end = end.length() < 4 ? end + (char) read : end.substring(1) + (char) read;
    }
    String text = head.toString(StandardCharsets.ISO_8859_1);
    int length = length(text);
    byte[] body = in.readNBytes(length);
    if (body.length < length) {
      throw new EOFException("in the middle of a message");
    }
    head.writeBytes(body);
    return new HttpMessage(
        text, new String(body, StandardCharsets.UTF_8), Buffer.buffer(head.toByteArray()));
  }

  private static int length(String head) throws IOException {
    for (String line : head.split("\r\n", -1)) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("transfer-encoding:")) {
        throw new IOException("the length of this message is not told: " + head);
      }
      if (lower.startsWith("content-length:")) {
        return Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
      }
    }
    return 0;
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
