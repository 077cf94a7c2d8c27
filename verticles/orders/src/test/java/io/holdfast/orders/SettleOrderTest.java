package io.holdfast.orders;

import static io.holdfast.orders.Orders.show;
import static io.holdfast.testkit.Streams.get;
import static io.holdfast.testkit.Together.atOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.Origin;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: every order comes to one end and stays there. Method: the test stores what payments and
 * inventory would, and looks at the stream and at what the customer is shown.
 */
class SettleOrderTest {

  private final Orders orders = Orders.inNewNamespace();
  private int expectedDeadLetters;

  @AfterEach
  void close() {
    assertThat(orders.streams().messages("DEADLETTERS")).hasSize(expectedDeadLetters);
    orders.close();
  }

  @Test
  void an_order_is_shown_pending_and_then_as_it_ended() {
    String url = orders.start();
    String paid = Orders.placed(url);
    String declined = Orders.placed(url);
    String rejected = Orders.placed(url);

    JsonObject pending = show(url, paid);
    assertThat(pending.getString("order_id")).isEqualTo(paid);
    assertThat(pending.getString("customer_id")).isEqualTo("c1");
    assertThat(pending.getString("status")).isEqualTo("pending");
    assertThat(pending.containsKey("reason")).isFalse();
    assertThat(pending.getString("currency")).isEqualTo("EUR");
    assertThat(pending.getNumber("amount").doubleValue()).isEqualTo(40);
    assertThat(pending.getJsonArray("items").getJsonObject(0).getString("sku")).isEqualTo("bulb");
    assertThat(types(pending)).containsExactly("OrderCreated");

    orders.paid(paid);
    orders.declined(declined);
    orders.rejected(rejected);

    assertThat(orders.end(paid))
        .isEqualTo(
            new OrderConfirmed(paid, "c1", Orders.AMOUNT, "EUR", Orders.ITEMS, "pm_card_visa"));
    assertThat(orders.end(declined))
        .isEqualTo(new OrderCancelled(declined, "c1", CancelReason.PAYMENT_DECLINED, "No"));
    assertThat(orders.end(rejected))
        .isEqualTo(
            new OrderCancelled(
                rejected, "c1", CancelReason.OUT_OF_STOCK, "bulb: 4 wanted, 1 available"));
    JsonObject confirmed = show(url, paid);
    assertThat(confirmed.getString("status")).isEqualTo("confirmed");
    assertThat(types(confirmed)).containsExactly("OrderCreated", "OrderConfirmed");
    assertThat(confirmed.getJsonArray("history").getJsonObject(1).getString("event_id"))
        .isEqualTo(orders.history(paid).events().getLast().envelope().id());
    assertThat(show(url, declined).getString("reason")).isEqualTo("payment_declined");
    assertThat(show(url, rejected).getString("status")).isEqualTo("cancelled");
    assertThat(show(url, rejected).getString("reason")).isEqualTo("out_of_stock");
    assertThat(types(show(url, rejected))).containsExactly("OrderCreated", "OrderCancelled");
    assertThat(Http.get(url + "/metrics").body())
        .contains("order_end_to_end_duration_seconds_count{status=\"confirmed\"} 1")
        .contains("order_end_to_end_duration_seconds_count{status=\"cancelled\"} 2")
        .containsPattern("order_end_to_end_duration_seconds_bucket\\{status=\"confirmed\",le=");
  }

  @Test
  void every_fact_of_an_order_carries_its_one_trace_in_body_and_header() {
    String url = orders.start();
    String orderId = Orders.placed(url);
    orders.paid(orderId);
    orders.end(orderId);

    List<RawMessage> messages = orders.streams().messages("ORDERS");
    assertThat(messages).hasSize(2);
    for (RawMessage message : messages) {
      assertThat(message.header("traceparent").orElse("")).contains(Orders.TRACE);
    }
    assertThat(orders.streams().facts("ORDERS"))
        .allSatisfy(fact -> assertThat(fact.traceId()).isEqualTo(Orders.TRACE));
    assertThat(show(url, orderId).getString("trace_id")).isEqualTo(Orders.TRACE);
  }

  @Test
  void an_end_is_found_without_being_told_where_the_order_stands() {
    String url = orders.start();
    String paid = Orders.placed(url);
    String declined = Orders.placed(url);
    String rejected = Orders.placed(url);
    String wronglyTold = Orders.placed(url);

    orders.store(Orders.processed(paid, null));
    orders.store(new PaymentFailed(declined, null, "card_declined", null, null));
    orders.store(new InventoryRejected(rejected, null, "out_of_stock", List.of(), null));
    orders.store(Orders.processed(wronglyTold, new Origin(9_999, Instant.now())));

    assertThat(orders.end(paid)).isInstanceOf(OrderConfirmed.class);
    assertThat(orders.end(declined).customerId()).isEqualTo("c1");
    assertThat(orders.end(rejected).customerId()).isEqualTo("c1");
    assertThat(orders.end(wronglyTold)).isInstanceOf(OrderConfirmed.class);
  }

  @Test
  void what_comes_after_the_end_changes_nothing() {
    String url = orders.start();
    String cancelled = Orders.placed(url);
    String confirmed = Orders.placed(url);
    assertThat(Orders.cancel(url, cancelled).status()).isEqualTo(202);
    orders.paid(confirmed);
    orders.end(confirmed);
    List<Event> before = orders.facts(cancelled);

    orders.paid(cancelled);
    orders.rejected(cancelled);
    orders.rejected(confirmed);
    orders.awaitSettled();

    assertThat(orders.facts(cancelled)).isEqualTo(before);
    assertThat(orders.end(confirmed)).isInstanceOf(OrderConfirmed.class);
    assertThat(show(url, cancelled).getString("reason")).isEqualTo("customer_request");
  }

  @Test
  void twenty_orders_whose_ends_are_told_again_and_again_end_once_and_are_measured_once()
      throws Exception {
    RunningGroup group = orders.startGroup();
    String url = TestGroups.url(group);
    List<String> ids = atOnce(20, i -> Orders.placed(url));
    for (int i = 0; i < 20; i++) {
      switch (i % 3) {
        case 0 -> orders.paid(ids.get(i));
        case 1 -> orders.declined(ids.get(i));
        default -> orders.rejected(ids.get(i));
      }
    }
    orders.awaitSettled();
    List<RawMessage> before = orders.streams().messages("ORDERS");
    for (int round = 0; round < 2; round++) {
      assertThat(get(group.drain())).isTrue();
      orders.streams().forgetConsumer("PAYMENTS", "orders-settle");
      orders.streams().forgetConsumer("INVENTORY", "orders-reject");
      group = orders.startGroup();
      orders.awaitSettled();
    }

    assertThat(before).hasSize(40);
    assertThat(orders.streams().messages("ORDERS")).hasSize(40);
    ids.forEach(orders::end);
    assertThat(Http.get(TestGroups.url(group) + "/metrics").body())
        .contains("order_end_to_end_duration_seconds_count{status=\"confirmed\"} 7")
        .contains("order_end_to_end_duration_seconds_count{status=\"cancelled\"} 13");
  }

  @Test
  void ends_that_race_leave_one() {
    String here = orders.start();
    String there = orders.startElsewhere();
    List<String> ids = atOnce(30, i -> Orders.placed(i % 2 == 0 ? here : there));

    atOnce(
        90,
        i -> {
          String orderId = ids.get(i / 3);
          switch (i % 3) {
            case 0 -> orders.paid(orderId);
            case 1 -> orders.rejected(orderId);
            default -> {
              int status = Orders.cancel(i % 2 == 0 ? here : there, orderId).status();
              assertThat(status).isIn(202, 409);
            }
          }
          return null;
        });
    orders.awaitSettled();

    assertThat(ids).allSatisfy(orders::end);
    assertThat(orders.streams().messages("ORDERS")).hasSize(60);
  }

  @Test
  void an_end_of_an_order_that_does_not_exist_is_parked_and_invents_none() {
    expectedDeadLetters = 3;
    String url = orders.with("RETRY_MAX_ATTEMPTS", "2").start();
    orders.store(Orders.processed("nobodys", null));
    orders.store(Orders.processed("nobodys-either", new Origin(1, Instant.now())));
    orders.store(new InventoryRejected("nobodys", "c1", "out_of_stock", List.of(), null));
    String orderId = Orders.placed(url);
    orders.paid(orderId);

    assertThat(orders.end(orderId)).isInstanceOf(OrderConfirmed.class);
    orders.awaitSettled();
    assertThat(orders.streams().messages("ORDERS")).hasSize(2);
  }

  private static List<String> types(JsonObject order) {
    JsonArray history = order.getJsonArray("history");
    return history.stream().map(fact -> ((JsonObject) fact).getString("type")).toList();
  }
}
