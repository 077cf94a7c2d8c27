package io.holdfast.orders;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Envelope;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: who is accepted finds room for the whole life of the order. Method: a stream is filled, by
 * large facts, and nobody is accepted from before it is full; who was accepted gets his end.
 */
class NoRoomTest {

  private static final List<Item> LONG_LIST =
      Collections.nCopies(3_000, new Item("a-sku-with-quite-a-long-name", 1, BigDecimal.TEN));

  @Test
  void nobody_is_accepted_any_more_and_who_was_gets_his_end() {
    try (Orders orders = Orders.inNewNamespace()) {
      String url = orders.start();
      String early = Orders.placed(url);
      Answer answer = Http.post(url + "/orders", Orders.request());
      for (int i = 0; answer.status() == 202; i++) {
        OrderCreated large =
            new OrderCreated("x" + i, "c1", BigDecimal.TEN, "EUR", LONG_LIST, null);
        get(orders.streams().events().append(once(large), 0)); // is never refused
        if (i % 20 == 19) {
          answer = Http.post(url + "/orders", Orders.request());
        }
        if (i > 300) { // more than nine tenths by now
          answer =
              eventually(
                  "it is noticed",
                  () -> Http.post(url + "/orders", Orders.request()),
                  now -> now.status() == 503);
        }
      }

      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.json().getString("detail")).contains("ORDERS is 9", "% full");
      assertThat(answer.response().headers().firstValue("Retry-After")).isPresent();
      orders.paid(early);
      assertThat(orders.end(early)).isInstanceOf(OrderConfirmed.class);
    }
  }

  private static Envelope<OrderCreated> once(OrderCreated order) {
    return Envelope.once(order, Instant.now(), Orders.TRACE);
  }
}
