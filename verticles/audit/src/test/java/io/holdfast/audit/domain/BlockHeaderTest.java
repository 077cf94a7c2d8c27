package io.holdfast.audit.domain;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BlockHeaderTest {

  private static final List<String> STREAMS = List.of("x_ORDERS", "x_PAYMENTS");
  private static final String ROOT = "ab".repeat(32);
  private static final BlockHeader FIRST =
      BlockHeader.genesis(STREAMS).next(ROOT, 77, Positions.parse("x_ORDERS:57,x_PAYMENTS:20"));
  private static final BlockHeader SECOND =
      FIRST.next("cd".repeat(32), 1, Positions.parse("x_ORDERS:58,x_PAYMENTS:20"));

  @Test
  void bears_exactly_these_headers() {
    assertThat(FIRST.toHeaders())
        .containsExactly(
            Map.entry("Audit-Block", "1"),
            Map.entry("Audit-Previous", "0".repeat(64)),
            Map.entry("Audit-Root", ROOT),
            Map.entry("Audit-Count", "77"),
            Map.entry("Audit-Ranges", "x_ORDERS:1-57,x_PAYMENTS:1-20"),
            Map.entry("Audit-Cursor", "x_ORDERS:57,x_PAYMENTS:20"),
            Map.entry("Audit-Hash", FIRST.hash()));
    assertThat(SECOND.toHeaders())
        .containsEntry("Audit-Block", "2")
        .containsEntry("Audit-Previous", FIRST.hash())
        .containsEntry("Audit-Ranges", "x_ORDERS:58-58");
  }

  @Test
  void has_the_hash_that_the_readme_defines() throws Exception {
    String text =
        "Audit-Block: 2\nAudit-Previous: "
            + FIRST.hash()
            + "\nAudit-Root: "
            + "cd".repeat(32)
            + "\nAudit-Count: 1\nAudit-Ranges: x_ORDERS:58-58\n"
            + "Audit-Cursor: x_ORDERS:58,x_PAYMENTS:20\n";
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    assertThat(SECOND.hash()).isEqualTo(HexFormat.of().formatHex(hash));
  }

  @Test
  void is_read_back_as_it_was_written() {
    assertThat(parse(SECOND.toHeaders())).isEqualTo(SECOND);
    assertThat(SECOND.intact()).isTrue();
  }

  static Stream<Arguments> every_other_value() {
    return Stream.of(
        Arguments.of("Audit-Block", "3"),
        Arguments.of("Audit-Previous", "ef".repeat(32)),
        Arguments.of("Audit-Root", "ef".repeat(32)),
        Arguments.of("Audit-Count", "2"),
        Arguments.of("Audit-Ranges", "x_ORDERS:58-59"),
        Arguments.of("Audit-Cursor", "x_ORDERS:59,x_PAYMENTS:20"),
        Arguments.of("Audit-Hash", "ef".repeat(32)));
  }

  @ParameterizedTest
  @MethodSource("every_other_value")
  void is_not_intact_with_any_field_changed(String name, String value) {
    Map<String, String> changed = new LinkedHashMap<>(SECOND.toHeaders());
    changed.put(name, value);
    assertThat(parse(changed).intact()).isFalse();
  }

  static Stream<Arguments> every_bad_value() {
    return Stream.of(
        Arguments.of("Audit-Block", "02"),
        Arguments.of("Audit-Block", "+2"),
        Arguments.of("Audit-Block", "0"),
        Arguments.of("Audit-Block", "two"),
        Arguments.of("Audit-Previous", "EF".repeat(32)),
        Arguments.of("Audit-Root", "ef"),
        Arguments.of("Audit-Hash", ""),
        Arguments.of("Audit-Count", "0"),
        Arguments.of("Audit-Ranges", ""),
        Arguments.of("Audit-Ranges", "x_ORDERS:58"),
        Arguments.of("Audit-Ranges", "x_ORDERS:058-58"),
        Arguments.of("Audit-Cursor", "x_ORDERS"),
        Arguments.of("Audit-Cursor", "x_ORDERS:-1"),
        Arguments.of("Audit-Cursor", "x_ORDERS:1,x_ORDERS:1"));
  }

  @ParameterizedTest
  @MethodSource("every_bad_value")
  void is_not_read_in_any_other_form(String name, String value) {
    Map<String, String> changed = new LinkedHashMap<>(SECOND.toHeaders());
    changed.put(name, value);
    assertThatThrownBy(() -> parse(changed)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void is_not_read_without_one_of_its_fields() {
    for (String name : SECOND.toHeaders().keySet()) {
      Map<String, String> less = new LinkedHashMap<>(SECOND.toHeaders());
      less.remove(name);
      assertThatThrownBy(() -> parse(less)).hasMessageContaining(name);
    }
  }

  private static BlockHeader parse(Map<String, String> headers) {
    return BlockHeader.parse(name -> Optional.ofNullable(headers.get(name)));
  }
}
