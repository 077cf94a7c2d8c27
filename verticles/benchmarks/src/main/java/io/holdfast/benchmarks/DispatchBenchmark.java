package io.holdfast.benchmarks;

import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Reactions;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Messages that wait in a stream, through pull, decoding and a handler that has nothing to do, to
 * their acknowledgement; time per message, the consumer's creation included.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 4)
@Measurement(iterations = 5)
public class DispatchBenchmark {

  private static final int MESSAGES = 20_000;
  private static final int TOGETHER = 1_000;

  private Site site;

  @Setup(Level.Iteration)
  public void store() {
    site = new Site("notifications");
    for (int i = 0; i < MESSAGES; i += TOGETHER) {
      List<Future<AppendResult>> results = new ArrayList<>(TOGETHER);
      for (int j = i; j < i + TOGETHER; j++) {
        results.add(site.streams().append(Facts.confirmed("ord_" + j), 0));
      }
      Site.all(results);
    }
  }

  @TearDown(Level.Iteration)
  public void stop() {
    site.close();
  }

  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public boolean dispatch() throws InterruptedException {
    CountDownLatch handled = new CountDownLatch(MESSAGES);
    Site.get(
        site.streams()
            .consume(
                "notifications-send",
                Reactions.on(
                        OrderConfirmed.class,
                        delivery -> {
                          handled.countDown();
                          return Future.succeededFuture(Outcome.DONE);
                        })
                    .and(OrderCancelled.class, delivery -> Future.succeededFuture(Outcome.DONE))));
    return handled.await(2, TimeUnit.MINUTES);
  }
}
