package io.holdfast.notifications.channel;

import io.holdfast.notifications.Channel.Unavailable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Supplier;

/**
 * Lets so many calls be made at once and the others wait for their turn. A connection pool has a
 * queue of its own, but what waits there can not be taken back: it would be sent long after we had
 * called it failed. One event loop's alone.
 */
final class Turns {

  private static final Duration COME_BACK = Duration.ofSeconds(1);

  private final Vertx vertx;
  private final Duration patience;
  private final Queue<Promise<Void>> waiting = new ArrayDeque<>();
  private int free;

  /**
   * @param patience how long a call may wait for its turn
   */
  Turns(Vertx vertx, int atOnce, Duration patience) {
    this.vertx = vertx;
    this.free = atOnce;
    this.patience = patience;
  }

  /** Makes the call when it is its turn; fails with {@link Unavailable} if that takes too long. */
  <T> Future<T> take(Supplier<Future<T>> call) {
    return turn()
        .compose(
            mine -> // also a call that throws gives its place back
            Future.succeededFuture().compose(now -> call.get()).onComplete(done -> next()));
  }

  private Future<Void> turn() {
    if (free > 0) {
      free--;
      return Future.succeededFuture();
    }
    Promise<Void> turn = Promise.promise();
    waiting.add(turn);
    long timer =
        vertx.setTimer(
            patience.toMillis(),
            id -> {
              waiting.remove(turn);
              turn.tryFail(new Unavailable("the channel is busy", Optional.of(COME_BACK), true));
            });
    return turn.future().onSuccess(mine -> vertx.cancelTimer(timer));
  }

  private void next() {
    Promise<Void> turn = waiting.poll();
    if (turn == null) {
      free++;
    } else {
      turn.complete();
    }
  }
}
