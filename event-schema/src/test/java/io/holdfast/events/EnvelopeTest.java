package io.holdfast.events;

import static io.holdfast.events.Golden.AT;
import static io.holdfast.events.Golden.TRACE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.Golden.Sample;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.events.StockEvent.StockLevelChanged;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: an event's id is the same for whoever repeats it, and never that of another. */
class EnvelopeTest {

  private static final PaymentVoided VOIDED = new PaymentVoided("ord_1");

  static List<Sample> samples() {
    return Golden.samples();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void what_can_be_true_only_once_has_an_id_that_follows_from_it(Sample sample) {
    Event fact = sample.envelope().event();
    Envelope<?> first = Envelope.once(fact, AT, TRACE);
    Envelope<?> again = Envelope.once(fact, AT.plusSeconds(60), "0".repeat(31) + "1");

    assertThat(again.id()).isEqualTo(first.id()).endsWith("-" + fact.aggregateId());
    assertThat(first.version()).isEqualTo(1);
    assertThat(first.type()).isEqualTo(EventType.of(fact));
  }

  @Test
  void ids_are_what_version_1_writes() {
    assertThat(Envelope.once(VOIDED, AT, TRACE).id()).isEqualTo("payment-voided-ord_1");
    var level = new StockLevelChanged("cup", 2, 1, 1);
    assertThat(Envelope.repeated(level, "7", AT, TRACE).id())
        .isEqualTo("stock-level-changed-cup-7")
        .isNotEqualTo(Envelope.repeated(level, "8", AT, TRACE).id());
  }

  @Test
  void no_two_types_give_one_aggregate_the_same_id() {
    Set<String> prefixes = new HashSet<>();
    for (EventType type : EventType.values()) {
      assertThat(prefixes.add(type.idPrefix())).as(type.typeName()).isTrue();
      // Else the id of one type's fact could be that of another's about another aggregate.
      assertThat(prefixes)
          .filteredOn(other -> !other.equals(type.idPrefix()))
          .noneMatch(other -> other.startsWith(type.idPrefix()))
          .noneMatch(other -> type.idPrefix().startsWith(other));
    }
  }

  @Test
  void the_longest_aggregate_id_still_gives_an_id() {
    var fact = new PaymentVoided("a".repeat(Ids.MAX_LENGTH));

    assertThat(Envelope.once(fact, AT, TRACE).id()).hasSize("payment-voided-".length() + 64);
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(strings = {"a.b", "a b", "ä", "x\n"})
  void an_id_holds_nothing_that_a_header_could_not(String id) {
    assertThatThrownBy(() -> new Envelope<>(id, VOIDED, AT, TRACE, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("id must be");
  }

  @Test
  void an_id_has_at_most_200_characters() {
    assertThat(new Envelope<>("a".repeat(200), VOIDED, AT, TRACE, 1).id()).hasSize(200);
    assertThatThrownBy(() -> new Envelope<>("a".repeat(201), VOIDED, AT, TRACE, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(
      strings = {
        "4bf92f3577b34da6a3ce929d0e0e473",
        "4bf92f3577b34da6a3ce929d0e0e47366",
        "4BF92F3577B34DA6A3CE929D0E0E4736",
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
      })
  void a_trace_id_is_32_lower_case_hex_digits(String traceId) {
    assertThatThrownBy(() -> new Envelope<>("id", VOIDED, AT, traceId, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("trace_id must be");
  }

  @Test
  void an_envelope_is_complete() {
    assertThatThrownBy(() -> new Envelope<>("id", null, AT, TRACE, 1))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("data");
    assertThatThrownBy(() -> new Envelope<>("id", VOIDED, null, TRACE, 1))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("timestamp");
    assertThatThrownBy(() -> new Envelope<>("id", VOIDED, AT, TRACE, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("version");
  }
}
