package io.holdfast.gateway.domain;

/** What is to be done about a command. */
public sealed interface Decision {

  Outcome outcome();

  /** To be recorded, and the answer to be kept under the request's key. */
  record Execute(Outcome outcome) implements Decision {}

  /** Nothing was begun, so nothing is kept: the same key may be tried again. */
  record Reject(StripeError error) implements Decision {
    @Override
    public Outcome outcome() {
      return new Outcome.Refused(error, null);
    }
  }
}
