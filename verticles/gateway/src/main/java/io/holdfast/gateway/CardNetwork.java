package io.holdfast.gateway;

import io.vertx.core.Future;

/** What lies behind the gateway, for one request: it takes its time, and may decline. */
public interface CardNetwork {

  /** Completes when the network has answered; the request's key is in use until then. */
  Future<Void> answers();

  /** Whether the issuer declines whatever the card. */
  boolean declines();
}
