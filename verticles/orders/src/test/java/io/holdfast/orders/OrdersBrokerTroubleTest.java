package io.holdfast.orders;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: nothing is promised that the broker has not stored. Method: a broker of its own that is
 * killed, or made to stand still, while customers ask.
 */
class OrdersBrokerTroubleTest {

  private static final String KEY = "Idempotency-Key";

  @TempDir Path folder;

  @Test
  void without_a_broker_customers_are_sent_away_at_once_and_nothing_is_invented() {
    try (NatsServer broker = TestBroker.own(folder);
        Orders orders = Orders.on(broker.url())) {
      String url = orders.start();
      String before = Orders.placed(url);
      broker.kill();
      eventually("the loss is noticed", () -> Http.get(url + "/ready").status() == 503);

      for (int i = 0; i < 5; i++) {
        long begun = System.nanoTime();
        Answer answer = Http.post(url + "/orders", Orders.request(), KEY, "refused" + i);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(1));
        assertUnavailable(answer);
      }
      assertUnavailable(Http.get(url + "/orders/" + before));
      assertUnavailable(Http.get(url + "/orders/" + before + "/events"));
      assertUnavailable(Orders.cancel(url, before));
      assertThat(Http.get(url + "/health").status()).isEqualTo(200);
      broker.restart();
      eventually("ready again", () -> Http.get(url + "/ready").status() == 200);
      eventually("the test is too", () -> orders.streams().events().problems().isEmpty());

      Answer again = Http.post(url + "/orders", Orders.request(), KEY, "refused0");
      assertThat(again.status()).isEqualTo(202);
      assertThat(Orders.show(url, before).getString("status")).isEqualTo("pending");
      assertThat(orders.streams().messages("ORDERS")).hasSize(2);
      orders.paid(before);
      assertThat(orders.end(before)).isInstanceOf(OrderConfirmed.class);
    }
  }

  @Test
  void no_order_is_accepted_before_it_is_stored_and_a_drain_lets_it_finish() throws Exception {
    try (NatsServer broker = TestBroker.own(folder);
        Orders orders = Orders.on(broker.url())) {
      RunningGroup group = orders.startGroup();
      String url = TestGroups.url(group);
      broker.pause();
      CompletableFuture<Answer> asked =
          CompletableFuture.supplyAsync(
              () -> Http.post(url + "/orders", Orders.request(), KEY, "k1"));
      assertThatThrownBy(() -> asked.get(700, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);

      Future<Boolean> drained = group.drain();
      Answer refused = Http.post(url + "/orders", Orders.request(), KEY, "k2");
      broker.resume();

      assertUnavailable(refused);
      Answer answer = asked.get(10, TimeUnit.SECONDS);
      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      assertThat(orders.facts(answer.json().getString("order_id"))).hasSize(1);
      assertThat(drained.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(orders.streams().messages("ORDERS")).hasSize(1);
    }
  }

  private static void assertUnavailable(Answer answer) {
    assertThat(answer.status()).isEqualTo(503);
    assertThat(Integer.parseInt(answer.header("Retry-After"))).isPositive();
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(answer.json().getString("type")).isEqualTo("urn:holdfast:problem:unavailable");
  }
}
