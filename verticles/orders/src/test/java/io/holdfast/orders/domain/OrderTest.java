package io.holdfast.orders.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Event;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.orders.domain.Order.Cancelled;
import io.holdfast.orders.domain.Order.Confirmed;
import io.holdfast.orders.domain.Order.Pending;
import io.holdfast.orders.domain.Order.Unknown;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: no state is forgotten, and none is left once it is final. Method: each state, as the
 * history that leads to it, beside what each of the three facts makes of it.
 */
class OrderTest {

  private static final BigDecimal FORTY = new BigDecimal("40.00");
  private static final List<Item> ITEMS = List.of(new Item("bulb", 4, BigDecimal.TEN));
  private static final OrderCreated CREATED =
      new OrderCreated("o1", "c1", FORTY, "EUR", ITEMS, "pm_card_visa");
  private static final OrderCreated OTHER =
      new OrderCreated("o1", "c2", BigDecimal.ONE, "EUR", List.of(), null);
  private static final OrderConfirmed CONFIRMED =
      new OrderConfirmed("o1", "c1", FORTY, "EUR", ITEMS, "pm_card_visa");
  private static final OrderCancelled CANCELLED =
      new OrderCancelled("o1", "c1", CancelReason.PAYMENT_DECLINED, "no money");
  private static final OrderCancelled CANCELLED_TOO =
      new OrderCancelled("o1", "c1", CancelReason.OUT_OF_STOCK, null);

  private static final Order UNKNOWN = new Unknown();
  private static final Order PENDING = new Pending(CREATED);
  private static final Order PAID = new Confirmed(CREATED);
  private static final Order OFF =
      new Cancelled(CREATED, CancelReason.PAYMENT_DECLINED, "no money");

  static Stream<Arguments> every_state() {
    return Stream.of( // before, then after OrderCreated, OrderConfirmed, OrderCancelled
        arguments(List.of(), UNKNOWN, new Pending(OTHER), UNKNOWN, UNKNOWN),
        arguments(
            List.of(CREATED),
            PENDING,
            PENDING,
            PAID,
            new Cancelled(CREATED, CancelReason.OUT_OF_STOCK, null)),
        arguments(List.of(CREATED, CONFIRMED), PAID, PAID, PAID, PAID),
        arguments(List.of(CREATED, CANCELLED), OFF, OFF, OFF, OFF));
  }

  @ParameterizedTest
  @MethodSource("every_state")
  void the_first_final_fact_stays(
      List<OrderEvent> history, Order state, Order created, Order confirmed, Order cancelled) {
    assertThat(Order.of(history)).isEqualTo(state);
    assertThat(after(history, OTHER)).isEqualTo(created);
    assertThat(after(history, CONFIRMED)).isEqualTo(confirmed);
    assertThat(after(history, CANCELLED_TOO)).isEqualTo(cancelled);
    assertThat(after(history, new PaymentVoided("o1"))).isEqualTo(state); // no fact of orders
  }

  static Stream<Arguments> words() {
    return Stream.of(
        arguments(UNKNOWN, "unknown", false),
        arguments(PENDING, "pending", false),
        arguments(PAID, "confirmed", true),
        arguments(OFF, "cancelled", true));
  }

  @ParameterizedTest
  @MethodSource("words")
  void each_state_has_its_word(Order state, String word, boolean last) {
    assertThat(state.status()).isEqualTo(word);
    assertThat(state.isFinal()).isEqualTo(last);
    assertThat(state.accepted().isPresent()).isEqualTo(state != UNKNOWN);
  }

  private static Order after(List<? extends Event> history, Event next) {
    List<Event> facts = new ArrayList<>(history);
    facts.add(next);
    return Order.of(facts);
  }
}
