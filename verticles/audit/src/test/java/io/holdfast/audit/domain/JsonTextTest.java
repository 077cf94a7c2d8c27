package io.holdfast.audit.domain;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTextTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        " {\"a\" : [1, -0, 0.5e+10, 1E-2, true, false, null, \"\\u00e9\\n\\/\"]}\t",
        "42",
        "\"text\"",
        "null",
        "[[],{},[{}]]",
        "{\"a\":{\"a\":{}},\"a\":1}",
        "\"ä €  😀\""
      })
  void takes_one_json_value_on_one_line(String text) {
    assertThat(JsonText.fitsALine(text.getBytes(UTF_8))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1 2]",
        "1 2",
        "{}{}",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "0x1",
        "NaN",
        "Infinity",
        "tru",
        "truex",
        "nul",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"\t\"",
        "{\"a\":1\n}",
        "{\"a\":1}\n",
        "\n{}",
        "[1,\r2]",
        "\"a\nb\"",
        "{}//",
        "/**/{}",
        "\u0000{}",
        "{}\u0000",
        "\uFEFF{}"
      })
  void refuses_what_is_none_or_breaks_the_line(String text) {
    assertThat(JsonText.fitsALine(text.getBytes(UTF_8))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "80",
        "c3",
        "c328",
        "c0af",
        "e28228",
        "e0809f",
        "eda080",
        "f0808080",
        "f4908080",
        "f8888080",
        "ff",
        "c3ff",
        "e282",
        "f09f98"
      })
  void refuses_malformed_utf8(String hex) {
    byte[] inside = HexFormat.of().parseHex(hex);
    byte[] text = new byte[inside.length + 2];
    text[0] = '"';
    System.arraycopy(inside, 0, text, 1, inside.length);
    text[text.length - 1] = '"';
    assertThat(JsonText.fitsALine(text)).isFalse();
  }

  @Test
  void refuses_other_encodings() {
    assertThat(JsonText.fitsALine("{\"a\":1}".getBytes(java.nio.charset.StandardCharsets.UTF_16LE)))
        .isFalse();
  }

  @Test
  void bounds_the_depth_without_a_stack() {
    int max = JsonText.MAX_DEPTH;
    assertThat(JsonText.fitsALine(nested(max))).isTrue();
    assertThat(JsonText.fitsALine(nested(max + 1))).isFalse();
    assertThat(JsonText.fitsALine("[".repeat(1_000_000).getBytes(UTF_8))).isFalse();
  }

  /** Goal: no text is judged wrongly. Method: a thousand damaged ones, beside a parser's word. */
  @Test
  void agrees_with_a_parser() {
    List<String> sound =
        List.of(
            "{\"id\":\"e1\",\"data\":{\"amount\":12.50,\"items\":[{\"sku\":\"ä\",\"n\":3}]}}",
            "[true,false,null,-1.5e10,\"\\u20ac\\\\\",{},[]]",
            "{\"ключ\":\"😀\",\"k\":[0,0.0,1E+3]}");
    String spice = "{}[]:,\"\\0123.eE+-tfn u\n\t\u0001";
    Random random = new Random(7);
    int accepted = 0;
    for (int i = 0; i < 60_000; i++) {
      byte[] text = sound.get(i % sound.size()).getBytes(UTF_8);
      for (int change = random.nextInt(3); change >= 0; change--) {
        int at = random.nextInt(text.length);
        text[at] =
            random.nextInt(8) == 0
                ? (byte) random.nextInt(256)
                : (byte) spice.charAt(random.nextInt(spice.length()));
      }
      boolean expected = parses(text);
      accepted += expected ? 1 : 0;
      assertThat(JsonText.fitsALine(text)).as(new String(text, UTF_8)).isEqualTo(expected);
    }
    assertThat(accepted).as("both kinds were among them").isBetween(2_000, 58_000);
  }

  private static boolean parses(byte[] text) {
    for (byte b : text) {
      if (b == '\n' || b == '\r') {
        return false;
      }
    }
    JsonFactory json =
        JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().build())
            .build();
    try {
      String decoded = UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
      try (JsonParser in = json.createParser(decoded)) {
        if (in.nextToken() == null) {
          return false;
        }
        in.skipChildren();
        in.finishToken();
        return in.nextToken() == null;
      }
    } catch (IOException malformed) {
      return false;
    }
  }

  private static byte[] nested(int depth) {
    return ("[".repeat(depth) + "]".repeat(depth)).getBytes(UTF_8);
  }
}
