package io.holdfast.payments.domain;

import io.holdfast.events.Event;
import io.holdfast.events.Money;
import io.holdfast.events.PaymentEvent;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import java.util.List;

/** The state of one order's payment, the fold of its facts. */
public sealed interface Payment {

  /** Nothing has been recorded yet. */
  record Open() implements Payment {}

  /** The gateway holds the money. */
  record Charged(String paymentId, Money amount) implements Payment {}

  /** Declined for good. */
  record Declined() implements Payment {}

  /** Nobody could charge it in time, and the reservation ended. */
  record Expired() implements Payment {}

  /** Cancelled before a charge was recorded. */
  record Voided() implements Payment {}

  /** The money was given back. */
  record Refunded() implements Payment {}

  Payment OPEN = new Open();

  /** The code of a PaymentFailed that says so. */
  String RESERVATION_EXPIRED = "reservation_expired";

  /** The state after these facts, in stream order. */
  static Payment of(List<? extends Event> facts) {
    Payment state = OPEN;
    for (Event fact : facts) {
      if (fact instanceof PaymentEvent payment) {
        state =
            switch (payment) {
              case PaymentProcessed processed ->
                  new Charged(processed.paymentId(), processed.total());
              case PaymentFailed failed ->
                  failed.code().equals(RESERVATION_EXPIRED) ? new Expired() : new Declined();
              case PaymentVoided voided -> new Voided();
              case PaymentRefunded refunded -> new Refunded();
            };
      }
    }
    return state;
  }
}
