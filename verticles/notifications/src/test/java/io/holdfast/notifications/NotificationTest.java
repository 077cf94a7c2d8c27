package io.holdfast.notifications;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Goal: every end has its words. Method: each beside the text that it must come to. */
class NotificationTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final Instant ENDED = Instant.parse("2026-11-21T10:00:00Z");

  @Test
  void a_confirmed_order_is_told_with_what_it_costs() {
    var order =
        new OrderConfirmed("o1", "c1", new BigDecimal("1E+3"), "JPY", List.of(), "pm_card_visa");

    Notification notification = Notification.of(Envelope.once(order, ENDED, TRACE));

    assertThat(notification.text()).isEqualTo("Your order o1 is confirmed: 1000 JPY");
    assertThat(notification.template()).isEqualTo("order_confirmed");
    assertThat(notification.status()).isEqualTo("confirmed");
    assertThat(notification.reason()).isEmpty();
    assertThat(notification.orderId()).isEqualTo("o1");
    assertThat(notification.customerId()).isEqualTo("c1");
    assertThat(notification.traceId()).isEqualTo(TRACE);
    assertThat(notification.occurredAt()).isEqualTo(ENDED);
  }

  static Stream<Arguments> every_reason() {
    return Stream.of(
        arguments(CancelReason.OUT_OF_STOCK, "something in it is out of stock"),
        arguments(CancelReason.PAYMENT_DECLINED, "the payment was declined"),
        arguments(CancelReason.CUSTOMER_REQUEST, "as you asked"));
  }

  @ParameterizedTest
  @MethodSource("every_reason")
  void a_cancelled_order_is_told_with_its_reason_and_not_its_details(
      CancelReason reason, String words) {
    var order = new OrderCancelled("o1", "c1", reason, "the gateway's own words");

    Notification notification = Notification.of(Envelope.once(order, ENDED, TRACE));

    assertThat(notification.text()).isEqualTo("Your order o1 was cancelled: " + words);
    assertThat(notification.template()).isEqualTo("order_cancelled");
    assertThat(notification.status()).isEqualTo("cancelled");
    assertThat(notification.reason()).contains(reason);
  }

  @Test
  void whatever_is_told_of_an_order_has_one_id_for_ever() {
    var order = new OrderCancelled("o1", "c1", CancelReason.OUT_OF_STOCK, null);

    assertThat(Notification.of(Envelope.once(order, ENDED, TRACE)).id())
        .isEqualTo(Notification.of(Envelope.once(order, Instant.EPOCH, TRACE)).id())
        .isEqualTo("notification-sent-o1");
  }

  @Test
  void no_reason_is_left_out() {
    assertThat(every_reason().map(row -> row.get()[0]).collect(Collectors.toSet()))
        .containsExactlyInAnyOrderElementsOf(Arrays.asList((Object[]) CancelReason.values()));
  }
}
