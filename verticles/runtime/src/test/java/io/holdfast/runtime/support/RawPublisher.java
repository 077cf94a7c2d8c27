package io.holdfast.runtime.support;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** Publishes any bytes as a subject and as headers, as no client library would. Blocking. */
public final class RawPublisher implements AutoCloseable {

  private static final int LIMIT_MILLIS = 10_000;

  private final Socket socket;
  private final InputStream in;

  private RawPublisher(URI broker) throws IOException {
    socket = new Socket(broker.getHost(), broker.getPort());
    socket.setSoTimeout(LIMIT_MILLIS);
    in = socket.getInputStream();
    send(ascii("CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n"));
    send(ascii("SUB answer 1\r\n"));
  }

  public static RawPublisher to(String url) {
    try {
      return new RawPublisher(URI.create(url));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Characters up to 0xff as the bytes that they are. */
  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * Publishes, and waits until it is stored.
   *
   * @param headers the block with its first line, or whatever is to stand in its place
   * @return its sequence
   */
  public long publish(byte[] subject, byte[] headers, byte[] body) {
    try {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(ascii("HPUB "));
      all.writeBytes(subject);
      all.writeBytes(ascii(" answer " + headers.length + " " + (headers.length + body.length)));
      all.writeBytes(ascii("\r\n"));
      all.writeBytes(headers);
      all.writeBytes(body);
      all.writeBytes(ascii("\r\n"));
      send(all.toByteArray());
      return sequence();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long sequence() throws IOException {
    while (true) {
      String line = line();
      if (line.startsWith("MSG answer")) {
        String ack = line();
        int at = ack.indexOf("\"seq\":");
        if (at < 0 || ack.contains("\"error\"")) {
          throw new AssertionError("not stored: " + ack);
        }
        return Long.parseLong(ack.substring(at + 6).split("[^0-9]", 2)[0]);
      }
      if (line.startsWith("HMSG")) {
        throw new AssertionError("not stored: " + line());
      }
      if (line.equals("PING")) {
        send(ascii("PONG\r\n"));
      }
    }
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the broker closed the connection");
      }
      line.append((char) b);
    }
    return line.toString().strip();
  }

  private void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
