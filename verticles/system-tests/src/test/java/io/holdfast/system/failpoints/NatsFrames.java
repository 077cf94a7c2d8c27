package io.holdfast.system.failpoints;

import io.vertx.core.buffer.Buffer;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

/**
 * Reads what a NATS client and a server say to each other, frame by frame.
 *
 * @see <a href="https://docs.nats.io/reference/reference-protocols/nats-protocol">the protocol</a>
 */
final class NatsFrames {

  private static final Set<String> WITH_PAYLOAD = Set.of("PUB", "HPUB", "MSG", "HMSG");
  private static final int CR_LF = 2;

  private final BufferedInputStream in;

  NatsFrames(InputStream in) {
    this.in = new BufferedInputStream(in, 1 << 16);
  }

  /**
   * @param words of the first line, if it is a message's; else empty
   * @param headers as they stand there, perhaps empty
   * @param text of the payload
   * @param bytes all of it, as it came
   */
  record Frame(List<String> words, String headers, String text, Buffer bytes) {

    boolean published() {
      return !words.isEmpty() && words.getFirst().endsWith("PUB");
    }

    boolean delivered() {
      return !words.isEmpty() && words.getFirst().endsWith("MSG");
    }

    String subject() {
      return words.get(1);
    }

    /** Where an answer is wanted; empty if nowhere. */
    String reply() {
      int bare =
          switch (words.getFirst()) {
            case "PUB" -> 3;
            case "HPUB", "MSG" -> 4;
            default -> 5;
          };
      return words.size() > bare ? words.get(published() ? 2 : 3) : "";
    }
  }

  /** The next one; null when the other side has closed. */
  Frame next() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    int read = in.read();
    while (read >= 0 && read != '\n') {
      bytes.write(read);
      read = in.read();
    }
    if (read < 0) {
      return null;
    }
    bytes.write(read);
    String line = bytes.toString(StandardCharsets.ISO_8859_1).strip();
    List<String> words = List.of(line.split("\\s+", -1));
    if (!WITH_PAYLOAD.contains(words.getFirst())) {
      return new Frame(List.of(), "", "", Buffer.buffer(bytes.toByteArray()));
    }
    int size = Integer.parseInt(words.getLast());
    boolean headed = words.getFirst().startsWith("H");
    int headerSize = headed ? Integer.parseInt(words.get(words.size() - 2)) : 0;
    byte[] rest = in.readNBytes(size + CR_LF);
    if (rest.length < size + CR_LF) {
      throw new EOFException("in the middle of a message");
    }
    bytes.writeBytes(rest);
    String headers = new String(rest, 0, headerSize, StandardCharsets.UTF_8);
    String text = new String(rest, headerSize, size - headerSize, StandardCharsets.UTF_8);
    return new Frame(words, headers, text, Buffer.buffer(bytes.toByteArray()));
  }
}
