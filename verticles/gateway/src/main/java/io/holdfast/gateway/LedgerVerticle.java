package io.holdfast.gateway;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes the ledger when the group is gone. */
final class LedgerVerticle extends VerticleBase {

  private static final Logger LOG = LoggerFactory.getLogger(LedgerVerticle.class);

  private final Gateway gateway;

  LedgerVerticle(Gateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public Future<?> start() {
    LOG.atInfo().addKeyValue("payment_intents", gateway.size()).log("Ledger read");
    return Future.succeededFuture();
  }

  @Override
  public Future<?> stop() {
    return vertx.executeBlocking(
        () -> {
          gateway.close();
          return null;
        });
  }
}
