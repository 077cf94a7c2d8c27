package io.holdfast.system.simulation;

import io.holdfast.payments.PaymentGateway;
import io.holdfast.runtime.jetstream.EventStreams;

/**
 * How the services are put together with the world around them. The plain way is the right one; a
 * test may break it on purpose.
 */
interface Wiring {

  /** The right one. */
  Wiring SOUND = new Wiring() {};

  /** The streams as a service gets to see them. */
  default EventStreams streams(EventStreams streams) {
    return streams;
  }

  /** The gateway as payments gets to see it. */
  default PaymentGateway gateway(PaymentGateway gateway) {
    return gateway;
  }

  default boolean acknowledgesBeforeTheEffect() {
    return false;
  }

  default boolean givesUpAtTheFirstFailure() {
    return false;
  }
}
