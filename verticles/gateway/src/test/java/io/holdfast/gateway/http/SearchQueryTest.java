package io.holdfast.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SearchQueryTest {

  @Test
  void reads_metadata_and_status() {
    assertThat(SearchQuery.parse("metadata['order_id']:'o1'"))
        .isEqualTo(new SearchQuery(Map.of("order_id", "o1"), null));
    assertThat(SearchQuery.parse("status:\"succeeded\" AND metadata[\"a\"]:\"x y\""))
        .isEqualTo(new SearchQuery(Map.of("a", "x y"), "succeeded"));
    assertThat(SearchQuery.parse("metadata['a']:'1' and metadata['b']:'2'"))
        .isEqualTo(new SearchQuery(Map.of("a", "1", "b", "2"), null));
  }

  @Test
  void a_quote_may_be_part_of_a_value() {
    assertThat(SearchQuery.parse("metadata['a']:'it\\'s AND so on'").metadata())
        .isEqualTo(Map.of("a", "it's AND so on"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "amount>1000",
        "metadata['a']",
        "metadata['a']:b",
        "metadata['a']:'b' OR metadata['c']:'d'",
        "metadata['a']:'b' AND",
        "metadata['a']:'b' metadata['c']:'d'",
        "metadata['a']:'b'ANDmetadata['c']:'d'",
        "metadata['a']:'b' AND metadata['a']:'c'",
        "metadata['a']:'b",
      })
  void refuses_what_it_would_not_do_right(String query) {
    assertThatThrownBy(() -> SearchQuery.parse(query)).isInstanceOf(StripeException.class);
  }
}
