package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.RawPublisher.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.nats.client.impl.Headers;
import io.nats.client.support.IncomingHeadersProcessor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whatever stands where headers should, the client library can read it, and what it can read
 * passes byte by byte as it is. Method: streams of messages in pieces of every size, read by the
 * library's own parser.
 */
class InboundWireTest {

  private static final String END = "\r\n\r\n";

  private static final List<String> SOUND =
      List.of(
          "NATS/1.0\r\nA: b" + END,
          "NATS/1.0\r\nNats-Subject: orders.created.o1\r\nNats-Sequence: 7" + END,
          "NATS/1.0\r\nA:\r\nA: \r\nB:c:d \t e" + END,
          "NATS/1.0 404 Message Not Found" + END,
          "NATS/1.0 503" + END,
          "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 1" + END,
          "NATS/1.0" + END);

  private static final List<String> FOUL =
      List.of(
          "NATS/1.0\r\nA: b\u00c3\u00b6" + END,
          "NATS/1.0\r\nA\u00c3: b" + END,
          "NATS/1.0\r\nfoo" + END,
          "NATS/1.0\r\n: foo" + END,
          "NATZ/9.9\r\nA: b" + END,
          "NATS/1.0\r\nA: b\nC: d" + END,
          "NATS/1.0\r\nA: b\rC: d" + END,
          "NATS/1.0\r\nA: b\r\n\r\nC: d" + END,
          "NATS/1.0\r\n  A : b  \r\n\tc" + END,
          "NATS/1.0\r\nA\u0001: b\u0002\u0000" + END,
          "NATS/1.0 99 ?" + END,
          "NATS/1.0 abc def" + END,
          "NATS/1.0\r\nA: b",
          "NATS/1.0\r\nA: b\r",
          "NATS/1.0\r\n",
          "NATS/1.0",
          "NATS/1.0 ",
          "NATS/1.0    ",
          "NATS/1.0A: b\r\nC: d" + END,
          "\r\n",
          "x");

  @Test
  void what_the_library_can_read_is_left_alone_and_what_it_cannot_is_mended_until_it_can() {
    for (String sound : SOUND) {
      byte[] block = bytes(sound);
      assertThat(HeaderBlock.readable(block, 0, block.length)).as(sound).isTrue();
      assertThat(new IncomingHeadersProcessor(block)).isNotNull();
      assertThat(HeaderBlock.mended(block, 0, block.length)).as(sound).isNotEmpty();
    }
    for (String foul : FOUL) {
      byte[] block = bytes(foul);
      assertThat(HeaderBlock.readable(block, 0, block.length)).as(foul).isFalse();
      byte[] mended = HeaderBlock.mended(block, 0, block.length);
      assertThat(HeaderBlock.readable(mended, 0, mended.length)).as(foul).isTrue();
      assertThat(new IncomingHeadersProcessor(mended).getStatus()).as(foul).isNull();
    }
  }

  @Test
  void any_bytes_at_all_can_be_read_once_they_are_mended() {
    Random random = new Random(42);
    String alphabet = "NATS/1.0 \r\n\t:ab404\u0000\u007f\u0080\u00ff";
    for (int i = 0; i < 200_000; i++) {
      StringBuilder text = new StringBuilder(i % 3 == 0 ? "" : "NATS/1.0\r\n");
      for (int n = random.nextInt(24); n > 0; n--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      byte[] block = bytes(text.append(i % 2 == 0 ? END : "").toString());
      boolean readable = HeaderBlock.readable(block, 0, block.length);
      byte[] read = readable ? block : HeaderBlock.mended(block, 0, block.length);
      assertThat(new IncomingHeadersProcessor(read)).as("%s", text).isNotNull();
      assertThat(HeaderBlock.readable(read, 0, read.length)).as("%s", text).isTrue();
    }
  }

  @Test
  void a_byte_that_cannot_be_there_is_found_wherever_it_stands_among_plain_ones() {
    for (int foul = 0; foul < 256; foul++) {
      boolean allowed = (foul >= ' ' && foul < 0x7f) || foul == '\t';
      for (int at = 0; at < 24; at++) {
        byte[] block = bytes("NATS/1.0\r\nA:" + "~ b".repeat(8) + END);
        block[12 + at] = (byte) foul;
        assertThat(HeaderBlock.readable(block, 0, block.length))
            .as("%x at %d", foul, at)
            .isEqualTo(allowed);
        byte[] line = new byte[30];
        Arrays.fill(line, (byte) foul);
        line[at] = '\n';
        assertThat(HeaderBlock.lineFeed(line, 0, line.length)).isEqualTo(foul == '\n' ? 0 : at);
      }
    }
  }

  @Test
  void a_header_keeps_what_can_be_kept_and_shows_the_rest_in_digits() {
    Headers headers = mended("NATS/1.0\r\nM\u00fcller : gr\u00fc\u00df \r\nfoo\r\n\r\nB: \u0000c");

    assertThat(headers.get("M%FCller")).containsExactly("gr%FC%DF");
    assertThat(headers.get(HeaderBlock.UNREADABLE)).containsExactly("foo");
    assertThat(headers.get("B")).containsExactly("%00c");
  }

  @Test
  void the_subject_that_the_broker_tells_is_given_back_with_every_byte() {
    String subject = "orders.created.a%41b\u00f6\u20ac\u0001";
    String wire = new String(subject.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    Headers headers = mended("NATS/1.0\r\nNats-Subject: " + wire + "\r\nNats-Sequence: 1" + END);

    assertThat(HeaderBlock.subject(headers.getLast("Nats-Subject"))).isEqualTo(subject);
    assertThat(HeaderBlock.subject("orders.created.a%41b")).isEqualTo("orders.created.a%41b");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 64, 1_000, 65_536})
  void messages_pass_whole_however_they_are_cut_into_pieces(int piece) throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    Random random = new Random(7);
    String largeBlock = "NATS/1.0\r\nA: " + "\u00ff".repeat(60_000) + END;
    int foul = 0;
    for (int i = 0; i < 120; i++) {
      String headers =
          i == 100
              ? largeBlock
              : i % 2 == 0 ? SOUND.get(i / 2 % SOUND.size()) : FOUL.get(i / 2 % FOUL.size());
      foul += SOUND.contains(headers) ? 0 : 1;
      byte[] body = new byte[random.nextInt(i % 10 == 0 ? 100_000 : 100)];
      random.nextBytes(body);
      byte[] subject = "orders.\u00f6.1".getBytes(StandardCharsets.UTF_8);
      sent.writeBytes(bytes("PING\r\nMSG inbox 2 " + body.length + "\r\n"));
      sent.writeBytes(body);
      sent.writeBytes(bytes("\r\n-ERR 'Something'\r\nINFO {\"H\":1}\r\n"));
      write(sent, subject, bytes(headers), body);
    }
    AtomicInteger mended = new AtomicInteger();

    byte[] passed = passed(sent.toByteArray(), piece, mended);

    assertThat(mended.get()).isEqualTo(foul);
    assertThat(passed).isEqualTo(passed(sent.toByteArray(), 1 << 20, new AtomicInteger()));
    assertThat(passed(passed, piece, mended)).as("nothing is left to mend").isEqualTo(passed);
    assertThat(mended.get()).isEqualTo(foul);
    assertThat(lengthsAreRight(passed)).isEqualTo(120);
  }

  @Test
  void what_needs_no_mending_passes_byte_by_byte() throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    for (String sound : SOUND) {
      write(sent, bytes("a.b"), bytes(sound), new byte[300]);
    }

    assertThat(passed(sent.toByteArray(), 5, new AtomicInteger())).isEqualTo(sent.toByteArray());
  }

  private static void write(
      ByteArrayOutputStream out, byte[] subject, byte[] headers, byte[] body) {
    out.writeBytes(bytes("HMSG "));
    out.writeBytes(subject);
    out.writeBytes(bytes(" 12 $JS.ACK.x.1 " + headers.length + " "));
    out.writeBytes(bytes(headers.length + body.length + "\r\n"));
    out.writeBytes(headers);
    out.writeBytes(body);
    out.writeBytes(bytes("\r\n"));
  }

  private static byte[] passed(byte[] sent, int piece, AtomicInteger mended) throws IOException {
    ByteArrayInputStream source = new ByteArrayInputStream(sent);
    InboundWire wire =
        new InboundWire(
            (into, at, length) -> source.read(into, at, Math.min(piece, length)),
            mended::incrementAndGet);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] part = new byte[10_000];
    for (int n = wire.read(part, 0, part.length); n >= 0; n = wire.read(part, 0, part.length)) {
      out.write(part, 0, n);
    }
    return out.toByteArray();
  }

  /** Counts the messages with headers, each of which must end where its first line says. */
  private static int lengthsAreRight(byte[] wire) {
    int count = 0;
    int at = 0;
    while (at < wire.length) {
      int end = at;
      while (wire[end] != '\n') {
        end++;
      }
      String[] line =
          new String(wire, at, end - at, StandardCharsets.ISO_8859_1).strip().split(" ", -1);
      at = end + 1;
      if (line[0].endsWith("MSG")) {
        int total = Integer.parseInt(line[line.length - 1]);
        if (line[0].equals("HMSG")) {
          int headers = Integer.parseInt(line[line.length - 2]);
          assertThat(HeaderBlock.readable(wire, at, at + headers)).isTrue();
          count++;
        }
        at += total;
        assertThat(wire[at]).isEqualTo((byte) '\r');
        at += 2;
      }
    }
    return count;
  }

  private static Headers mended(String block) {
    byte[] bytes = bytes(block);
    return new IncomingHeadersProcessor(HeaderBlock.mended(bytes, 0, bytes.length)).getHeaders();
  }
}
