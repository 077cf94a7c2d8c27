package io.holdfast.events;

import static io.holdfast.events.Golden.AT;
import static io.holdfast.events.Golden.TRACE;
import static io.holdfast.events.UndecodableEventException.Reason.INVALID;
import static io.holdfast.events.UndecodableEventException.Reason.UNDECODABLE;
import static io.holdfast.events.UndecodableEventException.Reason.UNKNOWN_TYPE;
import static io.holdfast.events.UndecodableEventException.Reason.UNSUPPORTED_VERSION;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.events.Golden.Sample;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.UndecodableEventException.Reason;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what was encoded is decoded to the same, and whatever else lies in a stream is refused with
 * the reason that says who is to look at it, never with a surprise.
 */
class EventCodecTest {

  private static final String CREATED =
      new String(Golden.resource("/golden/v1/OrderCreated.json"), UTF_8);

  private final EventCodec codec = new EventCodec();

  static List<Sample> samples() {
    return Golden.samples();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void what_was_encoded_is_decoded_to_the_same(Sample sample) throws Exception {
    byte[] stored = codec.encode(sample.envelope());

    assertThat(codec.decode(stored)).isEqualTo(sample.envelope());
    assertThat(codec.encode(codec.decode(stored))).isEqualTo(stored);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void fields_may_stand_in_any_order(Sample sample) throws Exception {
    ObjectNode stored = Json.object(sample.bytes());
    ObjectNode reversed = stored.objectNode();
    List<String> names = stored.properties().stream().map(field -> field.getKey()).toList();
    for (String name : names.reversed()) {
      reversed.set(name, stored.get(name));
    }
    ObjectNode dataFirst = stored.objectNode();
    dataFirst.set("data", stored.get("data"));
    dataFirst.setAll(stored);

    assertThat(codec.decode(Json.bytes(reversed))).isEqualTo(sample.envelope());
    assertThat(codec.decode(Json.bytes(dataFirst))).isEqualTo(sample.envelope());
  }

  @Test
  void lists_that_are_empty_may_be_left_out_or_null() throws Exception {
    for (String items : List.of("", ",\"items\":null", ",\"items\":[]")) {
      String data =
          "{\"order_id\":\"ord_1\",\"customer_id\":\"c\",\"amount\":1e2,\"currency\":\"EUR\""
              + items
              + "}";
      OrderCreated read = (OrderCreated) codec.decode(event("OrderCreated", data)).event();

      assertThat(read.items()).isEmpty();
      assertThat(read.amount()).isEqualTo("100.00");
    }
  }

  @Test
  void text_of_any_language_comes_back_and_half_a_character_too() throws Exception {
    for (String text :
        List.of("", "Zürich 東京 😀 \u0000\u001f\"\\/ \u2028", "cut \ud83d", "\ude00")) {
      var fact = new OrderCancelled("ord_1", "c", CancelReason.CUSTOMER_REQUEST, text);
      Envelope<?> envelope = Envelope.once(fact, AT, TRACE);

      assertThat(codec.decode(codec.encode(envelope))).isEqualTo(envelope);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "\n",
        "nonsense",
        "{",
        "}",
        "[]",
        "[{}]",
        "null",
        "true",
        "17",
        "\"text\"",
        "{}",
        "{\"id\":}",
        "{'id':'x'}",
        "{id:1}",
        "{\"id\":\"x\",}",
        "// {}",
        "NaN"
      })
  void what_is_no_json_object_of_ours_is_undecodable(String text) {
    assertRefused(text.getBytes(UTF_8), UNDECODABLE);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void an_event_cut_short_anywhere_is_undecodable(Sample sample) {
    byte[] stored = codec.encode(sample.envelope());
    for (int length = 0; length < stored.length; length++) {
      assertRefused(Arrays.copyOf(stored, length), UNDECODABLE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "x", "]", "}", ",", "null", "\u0000"})
  void something_after_the_event_is_refused(String rest) {
    assertRefused((CREATED + rest).getBytes(UTF_8), UNDECODABLE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "type", "aggregate_id", "data", "timestamp", "trace_id", "version"})
  void an_envelope_without_one_of_its_fields_is_undecodable(String field) {
    ObjectNode without = Json.object(CREATED.getBytes(UTF_8));
    without.remove(field);

    UndecodableEventException refused = assertRefused(Json.bytes(without), UNDECODABLE);
    assertThat(refused).hasMessage("not an event: without " + field);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "id           | 17           | UNDECODABLE",
        "id           | null         | UNDECODABLE",
        "id           | \"a.b\"      | INVALID",
        "id           | \"\"         | INVALID",
        "type         | 17           | UNDECODABLE",
        "type         | null         | UNDECODABLE",
        "type         | \"\"         | UNKNOWN_TYPE",
        "type         | \"Shipped\"  | UNKNOWN_TYPE",
        "type         | \"orderCreated\" | UNKNOWN_TYPE",
        "type         | \"OrderCreated \" | UNKNOWN_TYPE",
        "type         | \"PaymentRefunded\" | INVALID",
        "aggregate_id | 17           | UNDECODABLE",
        "aggregate_id | \"ord_2\"    | INVALID",
        "aggregate_id | \"\"         | INVALID",
        "data         | null         | UNDECODABLE",
        "data         | 17           | INVALID",
        "data         | \"text\"     | INVALID",
        "data         | \"\"         | INVALID",
        "data         | []           | INVALID",
        "data         | [{}]         | INVALID",
        "data         | {}           | INVALID",
        "timestamp    | 1795767330   | UNDECODABLE",
        "timestamp    | \"\"         | UNDECODABLE",
        "timestamp    | \"2026-02-30T08:15:30Z\" | UNDECODABLE",
        "timestamp    | \"2026-11-27T08:15:30+01:00\" | UNDECODABLE",
        "trace_id     | \"4bf9\"     | INVALID",
        "trace_id     | {}           | UNDECODABLE",
        "version      | 0            | UNDECODABLE",
        "version      | -1           | UNDECODABLE",
        "version      | 1.0          | UNDECODABLE",
        "version      | \"1\"        | UNDECODABLE",
        "version      | null         | UNDECODABLE",
        "version      | 2            | UNSUPPORTED_VERSION",
        "version      | 2147483647   | UNSUPPORTED_VERSION",
        "version      | 2147483648   | UNDECODABLE",
        "version      | 1e999999999  | UNDECODABLE",
      })
  void a_wrong_value_in_the_envelope_has_its_reason(String field, String value, Reason reason) {
    String changed =
        Json.object(CREATED.getBytes(UTF_8)).put(field, "§").toString().replace("\"§\"", value);

    assertRefused(changed.getBytes(UTF_8), reason);
    // Also when data comes before the type that says how to read it.
    ObjectNode dataLast = Json.object(CREATED.getBytes(UTF_8));
    JsonNode data = dataLast.remove("data");
    String early = "{\"data\":" + data + "," + dataLast.toString().substring(1);
    String first =
        field.equals("data")
            ? early.replace(data.toString(), value)
            : early.replace(
                "\"" + field + "\":" + dataLast.get(field), "\"" + field + "\":" + value);
    assertRefused(first.getBytes(UTF_8), reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "order_id       | 17",
        "order_id       | null",
        "order_id       | \"a.b\"",
        "order_id       | []",
        "customer_id    | {}",
        "amount         | \"59.40\"",
        "amount         | \"\"",
        "amount         | true",
        "amount         | null",
        "amount         | []",
        "amount         | -1",
        "amount         | 59.401",
        "amount         | 1e999999999",
        "amount         | 1e-999999999",
        "amount         | 1e99999999999",
        "amount         | 10000000000000000",
        "currency       | 978",
        "currency       | \"\"",
        "currency       | null",
        "currency       | \"eur\"",
        "currency       | \"XXX\"",
        "items          | {}",
        "items          | \"\"",
        "items          | \"cup\"",
        "items          | [null]",
        "items          | [[]]",
        "items          | [\"\"]",
        "items          | [{}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":1.0,\"unit_price\":1}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":\"1\",\"unit_price\":1}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":null,\"unit_price\":1}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":4294967297,\"unit_price\":1}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":1e9999999999,\"unit_price\":1}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":\"1\"}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":1e999999999}]",
        "items          | [{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":1e99999999999}]",
        "payment_method | 17",
        "payment_method | false",
        "payment_method | []",
      })
  void a_wrong_value_in_the_data_is_invalid_and_named(String field, String value) {
    String data =
        Json.object(CREATED.getBytes(UTF_8))
            .withObject("data")
            .put(field, "§")
            .toString()
            .replace("\"§\"", value);
    String text = new String(event("OrderCreated", data), UTF_8);

    UndecodableEventException refused = assertRefused(text.getBytes(UTF_8), INVALID);
    assertThat(refused.getMessage()).startsWith("data: ").doesNotContain("null");
    String afterType = ",\"type\":\"OrderCreated\"";
    String typeLast = text.replace(afterType.substring(1) + ",", "");
    typeLast = typeLast.substring(0, typeLast.length() - 1) + afterType + "}";
    assertRefused(typeLast.getBytes(UTF_8), INVALID);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "OUT_OF_STOCK",
        " out_of_stock",
        "out_of_stock ",
        "Out_Of_Stock",
        "",
        "0",
        "lost",
        "null"
      })
  void a_reason_that_is_none_of_the_known_ones_is_invalid(String reason) {
    String data = "{\"order_id\":\"ord_1\",\"customer_id\":\"c\",\"reason\":\"" + reason + "\"}";

    assertRefused(event("OrderCancelled", data), INVALID);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"sku\":\"cup\",\"received\":3,\"available\":1,\"reserved\":1}",
        "{\"sku\":\"cup\",\"received\":-1,\"available\":-1,\"reserved\":0}",
        "{\"sku\":\"cup\",\"received\":0,\"available\":-1,\"reserved\":1}",
        "{\"sku\":\"cup\",\"received\":0,\"available\":9223372036854775807,\"reserved\":1}",
        "{\"sku\":\"cup\",\"available\":1,\"reserved\":1}",
        "{\"sku\":\"cup\",\"received\":9223372036854775808,\"available\":1,\"reserved\":1}"
      })
  void a_level_that_does_not_add_up_is_invalid(String data) {
    assertRefused(event("StockLevelChanged", data, "cup"), INVALID);
  }

  @Test
  void a_higher_version_says_so_whatever_its_data_and_type_are_like() {
    for (String data : List.of("{}", "[]", "17", "\"text\"", "{\"order_id\":{\"deep\":[1]}}")) {
      for (String type : List.of("OrderCreated", "OrderTeleported")) {
        String later =
            new String(event(type, data), UTF_8).replace("\"version\":1", "\"version\":2");

        UndecodableEventException refused =
            assertRefused(later.getBytes(UTF_8), UNSUPPORTED_VERSION);
        assertThat(refused).hasMessage("version 2, and this code reads up to 1");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"id\":\"a\",\"id\":\"a\"}",
        "{\"data\":{\"order_id\":\"ord_1\",\"order_id\":\"ord_1\"},\"type\":\"PaymentVoided\"}",
        "{\"type\":\"PaymentVoided\",\"data\":{\"order_id\":\"ord_1\",\"order_id\":\"ord_2\"}}",
        "{\"later\":{\"x\":1,\"x\":2}}",
        "{\"type\":\"PaymentVoided\",\"data\":{\"order_id\":\"ord_1\",\"later\":{\"x\":1,\"x\":2}}}"
      })
  void a_field_that_is_there_twice_is_refused_at_any_level(String start) {
    String text =
        start.substring(0, start.length() - 1)
            + (start.contains("\"id\"") ? "" : ",\"id\":\"a\"")
            + (start.contains("\"type\"") ? "" : ",\"type\":\"PaymentVoided\"")
            + (start.contains("\"data\"") ? "" : ",\"data\":{\"order_id\":\"ord_1\"}")
            + ",\"aggregate_id\":\"ord_1\",\"timestamp\":\"2026-11-27T08:15:30Z\",\"trace_id\":\""
            + TRACE
            + "\",\"version\":1}";

    assertRefused(text.getBytes(UTF_8), UNDECODABLE);
  }

  @Test
  void bytes_that_are_not_utf_8_are_undecodable() {
    String german = CREATED.replace("CUST-1", "Käufer");
    assertRefused(german.getBytes(ISO_8859_1), UNDECODABLE);
    assertRefused(CREATED.getBytes(UTF_16), UNDECODABLE);
    byte[] marked = ("\ufeff" + CREATED).getBytes(UTF_8);
    assertRefused(marked, UNDECODABLE);
    byte[][] malformed = {
      {(byte) 0x80},
      {(byte) 0xC0, (byte) 0x80},
      {(byte) 0xC3},
      {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
      {(byte) 0xF5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
      {(byte) 0xFF}
    };
    for (byte[] character : malformed) {
      String later = "{\"later\":\"§\"," + CREATED.strip().substring(1);
      byte[] spoilt = later.replace("§", new String(character, ISO_8859_1)).getBytes(ISO_8859_1);
      assertRefused(spoilt, UNDECODABLE);
    }
  }

  @Test
  void a_number_or_a_depth_made_to_hurt_is_refused_at_once() {
    String deepArray = "[".repeat(200_000) + "]".repeat(200_000);
    String deepObject = "{\"a\":".repeat(100_000) + "1" + "}".repeat(100_000);
    String manyDigits = "9".repeat(500_000);
    for (String bomb : List.of(deepArray, deepObject, manyDigits, "1." + manyDigits)) {
      for (String where : List.of("later", "version", "id")) {
        assertRefusedAtOnce("{\"" + where + "\":" + bomb + "," + CREATED.strip().substring(1));
      }
      for (String field : List.of("later", "order_id", "amount", "items")) {
        String data = "{\"" + field + "\":" + bomb + "}";
        assertRefusedAtOnce(new String(event("OrderCreated", data), UTF_8));
        assertRefusedAtOnce("{\"data\":" + data + ",\"type\":\"OrderCreated\",\"version\":1}");
        assertRefusedAtOnce("{\"data\":" + data + ",\"type\":\"Other\",\"version\":1}");
      }
    }
  }

  @Test
  void an_exponent_beyond_all_bounds_in_a_field_that_nobody_reads_is_ignored() throws Exception {
    String text = "{\"later\":1e99999999999," + CREATED.strip().substring(1);

    assertThat(codec.decode(text.getBytes(UTF_8))).isEqualTo(codec.decode(CREATED.getBytes(UTF_8)));
  }

  @Test
  void a_refusal_names_the_field_and_never_quotes_the_message() {
    String marker = "4242-card-4242";
    for (JsonNode changed : everyTextReplacedBy(marker + " !")) {
      try {
        codec.decode(Json.bytes(changed));
      } catch (UndecodableEventException refused) {
        assertThat(refused.getMessage()).doesNotContain(marker);
      }
    }
    String data = "{\"order_id\":\"ord_1\",\"items\":[{\"sku\":[\"" + marker + "\"]}]}";
    assertThat(assertRefused(event("OrderCreated", data), INVALID))
        .hasMessage("data: items[0].sku is missing or of another kind");
    String unknown = "{\"order_id\":\"ord_1\",\"customer_id\":\"c\",\"reason\":\"" + marker + "\"}";
    assertThat(assertRefused(event("OrderCancelled", unknown), INVALID))
        .hasMessage("data: reason is none that is known");
    assertThat(assertRefused(("{\"id\":" + marker).getBytes(UTF_8), UNDECODABLE).getMessage())
        .doesNotContain("card");
  }

  @Test
  void reasons_are_stable_words() {
    assertThat(Arrays.stream(Reason.values()).map(Reason::word))
        .containsExactly("undecodable", "unknown_type", "unsupported_version", "invalid");
    assertThat(UNKNOWN_TYPE.word()).isEqualTo("unknown_type");
  }

  private static List<JsonNode> everyTextReplacedBy(String text) {
    JsonNode created = Json.tree(CREATED);
    return created.properties().stream()
        .map(field -> (JsonNode) ((ObjectNode) created.deepCopy()).put(field.getKey(), text))
        .toList();
  }

  private static byte[] event(String type, String data) {
    return event(type, data, "ord_1");
  }

  private static byte[] event(String type, String data, String aggregateId) {
    return ("{\"id\":\"a\",\"type\":\""
            + type
            + "\",\"aggregate_id\":\""
            + aggregateId
            + "\",\"data\":"
            + data
            + ",\"timestamp\":\"2026-11-27T08:15:30Z\",\"trace_id\":\""
            + TRACE
            + "\",\"version\":1}")
        .getBytes(UTF_8);
  }

  private void assertRefusedAtOnce(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    assertTimeoutPreemptively(Duration.ofSeconds(2), () -> assertRefused(bytes, null));
  }

  /** Refused for this reason, or for any if it is null. */
  private UndecodableEventException assertRefused(byte[] bytes, Reason reason) {
    try {
      Envelope<?> read = codec.decode(bytes);
      throw new AssertionError("was read as " + read);
    } catch (UndecodableEventException refused) {
      if (reason != null) {
        assertThat(refused.reason()).as(refused.getMessage()).isEqualTo(reason);
      }
      assertThat(refused.getMessage()).isNotBlank().hasSizeLessThan(300);
      return refused;
    }
  }
}
