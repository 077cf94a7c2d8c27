package io.holdfast.audit.domain;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

class LedgerLineTest {

  private static final Instant TIME = Instant.parse("2026-11-27T08:00:00.123456789Z");
  private static final List<String> STREAMS = List.of("x_ORDERS", "x_ORDERS2");

  @Test
  void holds_json_as_it_is_stored() {
    String stored = "{ \"b\":1.10,\t\"a\":\"\\u00e9ä\" }";
    assertThat(line(stored.getBytes(UTF_8)))
        .isEqualTo(
            "{\"stream\":\"x_ORDERS\",\"seq\":7,\"subject\":\"x.orders.created.o1\","
                + "\"time\":\"2026-11-27T08:00:00.123456789Z\",\"event\":"
                + stored
                + "}");
  }

  @Test
  void holds_other_bytes_as_base64() throws Exception {
    for (byte[] stored :
        List.of(
            new byte[0], "no json".getBytes(UTF_8), "{}\n{}".getBytes(UTF_8), new byte[] {-1, 0})) {
      JsonNode line = new ObjectMapper().readTree(line(stored));
      assertThat(line.get("raw").binaryValue()).isEqualTo(stored);
      assertThat(line.has("event")).isFalse();
    }
  }

  @Test
  void stays_one_line_whatever_the_subject() throws Exception {
    String subject = "x.orders.\"\\\n\r\u0001.ä";
    byte[] line = LedgerLine.of("x_ORDERS", 7, subject, TIME, "{}".getBytes(UTF_8));
    assertThat(new String(line, UTF_8)).doesNotContain("\n", "\r");
    assertThat(new ObjectMapper().readTree(line).get("subject").textValue()).isEqualTo(subject);
  }

  @Test
  void holds_only_the_hash_of_what_would_not_fit() throws Exception {
    byte[] json = new byte[Block.MAX_BYTES];
    Arrays.fill(json, (byte) '1');
    JsonNode line = new ObjectMapper().readTree(line(json));
    assertThat(line.get("size").intValue()).isEqualTo(json.length);
    assertThat(line.get("sha256").textValue()).isEqualTo(Sha256.hex(json));
    assertThat(line.has("event")).isFalse();

    byte[] other = new byte[Block.MAX_BYTES * 3 / 4];
    assertThat(new ObjectMapper().readTree(line(other)).has("sha256")).isTrue();
  }

  /** Goal: no line is longer than a block bears. Method: every size around the limit. */
  @Test
  void fits_a_block_to_the_last_byte() {
    boolean whole = false;
    boolean hashed = false;
    for (int size = Block.MAX_BYTES - 200; size < Block.MAX_BYTES; size++) {
      byte[] json = new byte[size];
      Arrays.fill(json, (byte) '1');
      byte[] line = LedgerLine.of("x_ORDERS", 7, "x.orders.created.o1", TIME, json);
      assertThat(line.length).isLessThan(Block.MAX_BYTES);
      whole |= line.length == Block.MAX_BYTES - 1;
      hashed |= line.length < 1_000;
    }
    assertThat(whole).as("the greatest line there can be").isTrue();
    assertThat(hashed).as("one that is too great").isTrue();
  }

  @Test
  void fits_a_block_as_base64_too() {
    byte[] other = new byte[350_000];
    byte[] line = LedgerLine.of("x_ORDERS", 7, "x.orders.created.o1", TIME, other);
    assertThat(new String(line, UTF_8)).contains(Base64.getEncoder().encodeToString(other));
    assertThat(line.length).isLessThan(Block.MAX_BYTES);
  }

  @Test
  void is_read_again_as_what_it_stands_for() {
    byte[] message = line("{}".getBytes(UTF_8)).getBytes(UTF_8);
    assertThat(LedgerLine.read(message, 0, message.length, STREAMS))
        .contains(new LedgerLine("x_ORDERS", 7, 7, false, 0, message.length));

    Bytes one = new Bytes(8);
    LedgerLine.writeMissing(one, "x_ORDERS2", 5, 5);
    assertThat(new String(one.copy(), UTF_8))
        .isEqualTo("{\"stream\":\"x_ORDERS2\",\"seq\":5,\"missing\":true}");
    assertThat(LedgerLine.read(one.array(), 0, one.length(), STREAMS))
        .contains(new LedgerLine("x_ORDERS2", 5, 5, true, 0, one.length()));

    Bytes several = new Bytes(8);
    LedgerLine.writeMissing(several, "x_ORDERS", 5, 900);
    assertThat(LedgerLine.read(several.array(), 0, several.length(), STREAMS))
        .contains(new LedgerLine("x_ORDERS", 5, 900, true, 0, several.length()));
  }

  @Test
  void is_not_read_in_any_other_form() {
    for (String other :
        List.of(
            "",
            "{}",
            "{\"stream\":\"x_OTHER\",\"seq\":5,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":0,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":05,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":-5,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":99999999999999999999,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":5,\"last\":4,\"missing\":true}",
            "{\"stream\":\"x_ORDERS\",\"seq\":5,\"missing\":true} ",
            "{\"stream\":\"x_ORDERS\",\"seq\":5,\"missing\":false}",
            "{\"seq\":5,\"stream\":\"x_ORDERS\",\"missing\":true}")) {
      byte[] bytes = other.getBytes(UTF_8);
      assertThat(LedgerLine.read(bytes, 0, bytes.length, STREAMS)).as(other).isEmpty();
    }
  }

  private static String line(byte[] body) {
    return new String(LedgerLine.of("x_ORDERS", 7, "x.orders.created.o1", TIME, body), UTF_8);
  }
}
