package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: an id is always exactly one token of a subject, and never a wildcard. */
class IdsTest {

  @Test
  void letters_digits_hyphen_and_underscore_are_all_that_an_id_may_hold() {
    for (char c = 0; c < 0x3000; c++) {
      boolean allowed =
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(c) >= 0;
      assertThat(Ids.valid(String.valueOf(c))).as("U+%04x", (int) c).isEqualTo(allowed);
      assertThat(Ids.valid("a" + c + "b")).as("U+%04x within", (int) c).isEqualTo(allowed);
    }
  }

  @Test
  void an_id_has_1_to_64_characters() {
    assertThat(Ids.valid("a".repeat(64))).isTrue();
    assertThat(Ids.valid("a".repeat(65))).isFalse();
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(strings = {"a.b", "*", ">", "a b", "ord_1\n", "ä", "😀"})
  void what_is_no_id_is_refused_by_its_fields_name_and_without_its_text(String id) {
    assertThat(Ids.valid(id)).isFalse();
    assertThatThrownBy(() -> Ids.check("order_id", id))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("order_id must be 1 to 64 letters, digits, '-' or '_'");
  }

  @Test
  void what_is_an_id_passes() {
    assertThatCode(() -> Ids.check("order_id", "-_ord-1_")).doesNotThrowAnyException();
  }
}
