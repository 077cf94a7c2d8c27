package io.holdfast.inventory.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.inventory.domain.StockRequest.Release;
import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: a cancelled order frees what it holds, once. Method: every state that an order's inventory
 * facts can be in, beside what a cancellation must lead to.
 */
class ReleaseRulesTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final List<Item> ITEMS = List.of(new Item("bulb", 2, BigDecimal.TEN));

  private static final InventoryReserved HELD =
      new InventoryReserved("o1", "c1", BigDecimal.TEN, "EUR", ITEMS, null, null);
  private static final InventoryReserved NOTHING_HELD =
      new InventoryReserved("o1", "c1", BigDecimal.TEN, "EUR", List.of(), null, null);
  private static final InventoryRejected REJECTED =
      new InventoryRejected("o1", "c1", "out_of_stock", List.of(), null);
  private static final InventoryReleased RELEASED = new InventoryReleased("o1", ITEMS);
  private static final InventoryReleased TOMBSTONE = new InventoryReleased("o1", List.of());

  static Stream<Arguments> every_state() {
    return Stream.of( // reserved, rejected, released, last sequence: what is to be released
        arguments(null, null, null, 0, new Release("o1", List.of(), 0, TRACE)),
        // what stands on its subjects and is no event of ours counts for the guard alone
        arguments(null, null, null, 4, new Release("o1", List.of(), 4, TRACE)),
        arguments(HELD, null, null, 4, new Release("o1", ITEMS, 4, TRACE)),
        arguments(NOTHING_HELD, null, null, 4, new Release("o1", List.of(), 4, TRACE)),
        arguments(null, REJECTED, null, 4, null),
        arguments(HELD, null, RELEASED, 5, null),
        arguments(null, null, TOMBSTONE, 4, null));
  }

  @ParameterizedTest
  @MethodSource("every_state")
  void a_cancellation_frees_what_is_held_once_and_closes_what_is_not_held_yet(
      InventoryReserved reserved,
      InventoryRejected rejected,
      InventoryReleased released,
      long lastSequence,
      Release expected) {
    assertThat(
            ReleaseRules.onCancelled(
                "o1",
                Optional.ofNullable(reserved),
                Optional.ofNullable(rejected),
                Optional.ofNullable(released),
                lastSequence,
                TRACE))
        .isEqualTo(Optional.ofNullable(expected));
  }
}
