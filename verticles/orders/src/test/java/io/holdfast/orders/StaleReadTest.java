package io.holdfast.orders;

import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.orders.OrderDesk.Placed;
import io.holdfast.runtime.jetstream.BrokerException;
import java.math.BigDecimal;
import java.time.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a customer who repeats a request is never told that the key was used for another order
 * because a replica of the stream is behind. Method: real appends, reads that do not show them yet.
 */
class StaleReadTest {

  private static final OrderCreated ORDER =
      new OrderCreated("ord_1", "c1", Orders.AMOUNT, "EUR", Orders.ITEMS, null);
  private static final OrderCreated OTHER =
      new OrderCreated("ord_1", "c1", new BigDecimal("41.00"), "EUR", Orders.ITEMS, null);

  private final Orders orders = Orders.inNewNamespace();
  private final StaleReads streams = new StaleReads(orders.streams().events());
  private final OrderDesk desk = new OrderDesk(streams, Clock.systemUTC());

  @AfterEach
  void close() {
    orders.close();
  }

  @Test
  void a_repetition_is_the_same_order_though_the_first_reads_do_not_show_it() {
    Placed first = get(desk.place(ORDER, Orders.TRACE));
    streams.without(OrderCreated.class, 3);

    assertThat(get(desk.place(ORDER, "f".repeat(32)))).isEqualTo(first);
    assertThat(streams.allAsked()).isTrue();
  }

  @Test
  void another_order_under_the_key_is_refused_once_it_is_seen() {
    get(desk.place(ORDER, Orders.TRACE));
    streams.without(OrderCreated.class, 1);

    assertThat(get(desk.place(OTHER, Orders.TRACE))).isEqualTo(new Placed.KeyReused());
  }

  @Test
  void while_it_is_not_seen_nothing_is_decided_and_the_customer_may_come_again() {
    Placed first = get(desk.place(ORDER, Orders.TRACE));
    streams.without(OrderCreated.class, 1_000);

    assertThatThrownBy(() -> get(desk.place(OTHER, Orders.TRACE)))
        .isInstanceOf(BrokerException.class);
    streams.without(OrderCreated.class, 0);
    assertThat(get(desk.place(ORDER, Orders.TRACE))).isEqualTo(first);
  }
}
