package io.holdfast.orders;

import static io.holdfast.testkit.Together.atOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.orders.OrderDesk.CancelResult;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.testkit.ForwardingStreams;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.Streams;
import io.vertx.core.Future;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/**
 * Goal: a customer can cancel as long as the order is pending, and is told the truth about it.
 * Method: real requests, some of them at once with the charge that confirms the order.
 */
@TestInstance(Lifecycle.PER_CLASS)
class CancelOrderTest {

  private final Orders orders = Orders.inNewNamespace();
  private String url;

  @BeforeAll
  void start() {
    url = orders.start();
  }

  @AfterAll
  void close() {
    assertThat(orders.streams().messages("DEADLETTERS")).isEmpty();
    orders.close();
  }

  @Test
  void a_pending_order_is_cancelled_on_its_customers_request() {
    String orderId = Orders.placed(url);

    Answer answer = Orders.cancel(url, orderId);

    assertThat(answer.status()).isEqualTo(202);
    assertThat(answer.json().getString("order_id")).isEqualTo(orderId);
    assertThat(orders.end(orderId))
        .isEqualTo(new OrderCancelled(orderId, "c1", CancelReason.CUSTOMER_REQUEST, null));
    assertThat(orders.history(orderId).events().getLast().envelope().traceId())
        .isEqualTo(Orders.TRACE);
    assertThat(Orders.show(url, orderId).getString("reason")).isEqualTo("customer_request");
  }

  @Test
  void a_final_order_stays_as_it_is() {
    String confirmed = Orders.placed(url);
    String rejected = Orders.placed(url);
    orders.paid(confirmed);
    orders.rejected(rejected);
    OrderEvent end = orders.end(confirmed);
    orders.end(rejected);

    for (String orderId : List.of(confirmed, rejected)) {
      Answer answer = Orders.cancel(url, orderId);
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
      assertThat(answer.json().getString("type")).isEqualTo("urn:holdfast:problem:order-final");
    }
    assertThat(orders.end(confirmed)).isEqualTo(end);
    assertThat(((OrderCancelled) orders.end(rejected)).reason())
        .isEqualTo(CancelReason.OUT_OF_STOCK);
  }

  @Test
  void cancelling_twice_or_many_times_at_once_cancels_once() {
    String orderId = Orders.placed(url);

    List<Answer> answers = atOnce(20, i -> Orders.cancel(url, orderId));

    assertThat(answers).extracting(Answer::status).containsOnly(202);
    assertThat(orders.facts(orderId)).hasSize(2);
  }

  @Test
  void a_cancellation_whose_answer_was_lost_may_be_asked_for_again() {
    String orderId = Orders.placed(url);
    Answer lost = Orders.cancel(url, orderId);

    Answer again = Orders.cancel(url, orderId);

    assertThat(again.status()).isEqualTo(202);
    assertThat(again.body()).isEqualTo(lost.body());
    assertThat(orders.facts(orderId)).hasSize(2);
  }

  @Test
  void a_cancellation_that_loses_to_one_for_another_reason_is_told_that_it_came_too_late() {
    String orderId = Orders.placed(url);
    StaleReads late = new StaleReads(orders.streams().events());
    OrderDesk desk = new OrderDesk(late, Clock.systemUTC());
    orders.rejected(orderId);
    orders.end(orderId);

    late.without(OrderCancelled.class, 1);

    assertThat(Streams.get(desk.cancel(orderId))).isEqualTo(CancelResult.TOO_LATE);
  }

  @Test
  void an_order_is_not_unknown_because_a_conflict_was_looked_into_where_it_is_not_yet() {
    String orderId = Orders.placed(url);
    StaleReads late = new StaleReads(orders.streams().events());
    EventStreams blind =
        new ForwardingStreams(late) {
          @Override
          public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
            return super.append(fact, expectedSequence)
                .map(result -> result instanceof Conflict ? new Conflict(History.EMPTY) : result);
          }
        };
    orders.paid(orderId);
    orders.end(orderId);

    late.without(OrderConfirmed.class, 1);

    assertThat(Streams.get(new OrderDesk(blind, Clock.systemUTC()).cancel(orderId)))
        .isEqualTo(CancelResult.TOO_LATE);
    assertThat(late.allAsked()).isTrue();
  }

  @Test
  void an_order_that_nobody_placed_cannot_be_cancelled() {
    for (String id : new String[] {"ord_none", "a.b", "%3E", "%2A", "x".repeat(65), "%00"}) {
      Answer answer = Orders.cancel(url, id);
      assertThat(answer.status()).as(id).isEqualTo(404);
      assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }
  }

  @Test
  void a_cancellation_that_races_with_the_charge_is_answered_as_it_ended() {
    List<String> ids = atOnce(30, i -> Orders.placed(url));

    List<Answer> answers =
        atOnce(
            60,
            i -> {
              if (i % 2 == 0) {
                return Orders.cancel(url, ids.get(i / 2));
              }
              orders.paid(ids.get(i / 2));
              return null;
            });
    orders.awaitSettled();

    for (int i = 0; i < 30; i++) {
      boolean confirmed = orders.end(ids.get(i)) instanceof OrderConfirmed;
      assertThat(answers.get(2 * i).status()).isEqualTo(confirmed ? 409 : 202);
    }
    assertThat(Http.get(url + "/health").status()).isEqualTo(200);
  }
}
