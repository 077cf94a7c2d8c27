package io.holdfast.inventory;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.Executor;

/** A desk's loop as one of Vert.x's event loops. */
final class EventLoop implements StockDesk.Loop {

  private final Vertx vertx;
  private final Context context;

  EventLoop(Vertx vertx) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
  }

  @Override
  public void run(Runnable work) {
    context.runOnContext(v -> work.run());
  }

  @Override
  public Executor caller() {
    Context caller = vertx.getOrCreateContext();
    return work -> caller.runOnContext(v -> work.run());
  }

  @Override
  public Future<Void> pause(Duration length) {
    Promise<Void> over = Promise.promise();
    vertx.setTimer(length.toMillis(), id -> over.complete());
    return over.future();
  }
}
