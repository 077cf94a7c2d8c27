package io.holdfast.gateway.domain;

/** What a request came to; together with the API's encoding, the whole answer. */
public sealed interface Outcome {

  /** The intent as it is now, or as it was when the answer was first given; may be null. */
  PaymentIntent intent();

  /** 200 with the intent. */
  record Shown(PaymentIntent intent) implements Outcome {}

  /** 200 with the refund. */
  record Returned(Refund refund, PaymentIntent intent) implements Outcome {}

  /** An error. Money may have been asked for, but none has moved. */
  record Refused(StripeError error, PaymentIntent intent) implements Outcome {}
}
