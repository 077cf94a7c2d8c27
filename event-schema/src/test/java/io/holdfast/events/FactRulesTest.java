package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Goal: a fact that breaks its own rules cannot exist, and one that exists cannot change. */
class FactRulesTest {

  private static final Item CUP = new Item("cup", 1, new BigDecimal("2.50"));

  @ParameterizedTest
  @EnumSource
  void a_type_is_found_by_its_name_and_by_its_class(EventType type) {
    assertThat(EventType.named(type.typeName())).contains(type);
    assertThat(EventType.of(type.eventClass())).isEqualTo(type);
  }

  @Test
  void a_family_of_facts_is_no_type() {
    assertThatThrownBy(() -> EventType.of(OrderEvent.class))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(EventType.named("OrderEvent")).isEmpty();
  }

  /** Every record below {@link Event}, however deep, has a type: the sealed families are walked. */
  @Test
  void no_fact_is_without_a_type() {
    List<Class<?>> facts = new ArrayList<>();
    collectFacts(Event.class, facts);

    assertThat(facts)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(EventType.values()).<Class<?>>map(EventType::eventClass).toList());
  }

  @ParameterizedTest
  @CsvSource({"2, 1, 1", "0, 0, 0", "9223372036854775807, 9223372036854775807, 0"})
  void a_level_adds_up(long received, long available, long reserved) {
    assertThat(new StockLevelChanged("cup", received, available, reserved).received())
        .isEqualTo(available + reserved);
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, 0",
    "0, 1, -1",
    "0, -1, 1",
    "-1, -1, 0",
    "-2, 9223372036854775807, 9223372036854775807", // adds up if it may overflow
    "-9223372036854775808, 9223372036854775807, 1",
  })
  void a_level_that_does_not_add_up_is_refused(long received, long available, long reserved) {
    assertThatThrownBy(() -> new StockLevelChanged("cup", received, available, reserved))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not add up");
  }

  @Test
  void goods_come_in_by_the_piece() {
    assertThatThrownBy(() -> new StockReceived("cup", 0, "r1"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Item("cup", 0, BigDecimal.ONE))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Item("cup", 1, new BigDecimal("-0.01")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(new Item("cup", 1, new BigDecimal("1E+3")))
        .isEqualTo(new Item("cup", 1, new BigDecimal("1000")));
  }

  @Test
  void an_amount_is_kept_in_one_form_so_that_equal_facts_are_equal() {
    assertThat(created(new BigDecimal("5"), List.of()))
        .isEqualTo(created(new BigDecimal("5.00"), null))
        .isEqualTo(created(new BigDecimal("0.5E+1"), List.of()));
  }

  @Test
  void whoever_made_a_fact_cannot_change_it_afterwards() {
    List<Item> items = new ArrayList<>(List.of(CUP));
    OrderCreated created = created(BigDecimal.ONE, items);
    items.clear();
    assertThat(created.items()).containsExactly(CUP);
    assertThatThrownBy(() -> created.items().clear())
        .isInstanceOf(UnsupportedOperationException.class);

    List<String> values = new ArrayList<>(List.of("one"));
    Map<String, List<String>> headers = new LinkedHashMap<>(Map.of("X-Name", values));
    MessageDeadLettered parked = parked(headers);
    values.add("two");
    headers.clear();
    assertThat(parked.headers()).containsExactly(Map.entry("X-Name", List.of("one")));
    assertThatThrownBy(() -> parked.headers().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void headers_keep_their_order() {
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (int i = 20; i > 0; i--) {
      headers.put("X-" + i, List.of("v"));
    }
    assertThat(parked(headers).headers().keySet()).containsExactlyElementsOf(headers.keySet());
  }

  @Test
  void what_a_writer_did_not_know_may_be_left_out() {
    var rejected = new InventoryRejected("ord_1", null, "out_of_stock", null, null);

    assertThat(rejected.shortages()).isEmpty();
    assertThat(rejected.customerId()).isNull();
    assertThatThrownBy(() -> new InventoryRejected("ord_1", "no id", "out_of_stock", null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("customer_id");
  }

  @Test
  void an_origin_is_a_sequence_that_a_stream_can_have() {
    assertThatThrownBy(() -> new Origin(0, Golden.AT)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Origin(1, null)).isInstanceOf(NullPointerException.class);
  }

  private static OrderCreated created(BigDecimal amount, List<Item> items) {
    return new OrderCreated("ord_1", "c", amount, "EUR", items, null);
  }

  private static MessageDeadLettered parked(Map<String, List<String>> headers) {
    return new MessageDeadLettered(
        "a", "c", "S", 1, "s", "invalid", null, 1, null, null, headers, "{}", null);
  }

  private static void collectFacts(Class<?> family, List<Class<?>> facts) {
    if (family.isRecord()) {
      facts.add(family);
      return;
    }
    for (Class<?> member : family.getPermittedSubclasses()) {
      collectFacts(member, facts);
    }
  }
}
