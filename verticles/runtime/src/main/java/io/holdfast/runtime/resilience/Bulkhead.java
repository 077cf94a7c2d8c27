package io.holdfast.runtime.resilience;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Supplier;

/**
 * Lets so many calls to somebody outside be made at once; the others wait for their turn, and not
 * for ever. A connection pool has a queue of its own, but what waits there counts as a slow answer,
 * and can not be taken back: it would be sent long after it was called failed.
 *
 * <p>Never blocks; may be used on several event loops. A call is made on the loop that entered it.
 *
 * @see <a href="https://learn.microsoft.com/azure/architecture/patterns/bulkhead">the pattern</a>
 */
public final class Bulkhead {

  private final Vertx vertx;
  private final Duration patience;
  private final Queue<Promise<Void>> waiting = new ArrayDeque<>();
  private int free;

  /** The call was not made, as its turn did not come in time. */
  public static final class Full extends RuntimeException {
    private Full() {
      super("too many calls are under way", null, false, false);
    }
  }

  /**
   * @param atOnce how many calls may be under way
   * @param patience how long one may wait for its turn
   */
  public Bulkhead(Vertx vertx, int atOnce, Duration patience) {
    this.vertx = vertx;
    this.free = atOnce;
    this.patience = patience;
  }

  /**
   * Makes the call when it is its turn.
   *
   * @return what comes of the call; fails with {@link Full} if it was not made
   */
  public <T> Future<T> enter(Supplier<Future<T>> call) {
    return turn()
        .compose(
            mine -> // also a call that throws gives its place back
            Future.succeededFuture().compose(now -> call.get()).onComplete(done -> leave()));
  }

  private Future<Void> turn() {
    Promise<Void> turn = Promise.promise();
    synchronized (waiting) {
      if (free > 0) {
        free--;
        return Future.succeededFuture();
      }
      waiting.add(turn);
    }
    long timer = vertx.setTimer(patience.toMillis(), id -> giveUp(turn));
    var context = vertx.getOrCreateContext();
    Promise<Void> onCallersLoop = Promise.promise();
    turn.future()
        .onComplete(
            done -> {
              vertx.cancelTimer(timer);
              context.runOnContext(
                  v -> {
                    if (done.succeeded()) {
                      onCallersLoop.complete();
                    } else {
                      onCallersLoop.fail(done.cause());
                    }
                  });
            });
    return onCallersLoop.future();
  }

  private void giveUp(Promise<Void> turn) {
    boolean waited;
    synchronized (waiting) {
      waited = waiting.remove(turn);
    }
    if (waited) { // else its turn has just come
      turn.fail(new Full());
    }
  }

  private void leave() {
    Promise<Void> next;
    synchronized (waiting) {
      next = waiting.poll();
      if (next == null) {
        free++;
      }
    }
    if (next != null) {
      next.complete();
    }
  }
}
