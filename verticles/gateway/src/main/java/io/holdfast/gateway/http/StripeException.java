package io.holdfast.gateway.http;

import io.holdfast.gateway.domain.StripeError;

/** Ends a request with an error that is kept under no key. */
final class StripeException extends RuntimeException {

  private final transient StripeError error;

  StripeException(StripeError error) {
    super(error.message());
    this.error = error;
  }

  StripeError error() {
    return error;
  }

  /** An answer, not an accident: its stack tells nothing. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
