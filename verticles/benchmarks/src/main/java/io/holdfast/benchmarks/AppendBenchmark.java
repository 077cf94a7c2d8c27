package io.holdfast.benchmarks;

import io.holdfast.runtime.jetstream.AppendResult;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A guarded append, from the fact to the broker's acknowledgement; time per fact. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class AppendBenchmark {

  private static final int TOGETHER = 500;

  private Site site;
  private long next;

  @Setup
  public void start() {
    site = new Site("orders");
  }

  @TearDown
  public void stop() {
    site.close();
  }

  /** Alone: mostly the way to the broker and back. */
  @Benchmark
  public AppendResult one() {
    return Site.get(append());
  }

  /** As under load, when many are on their way. */
  @Benchmark
  @OperationsPerInvocation(TOGETHER)
  public void many() {
    List<Future<AppendResult>> results = new ArrayList<>(TOGETHER);
    for (int i = 0; i < TOGETHER; i++) {
      results.add(append());
    }
    Site.all(results);
  }

  private Future<AppendResult> append() {
    return site.streams().append(Facts.created("ord_" + next++), 0);
  }
}
