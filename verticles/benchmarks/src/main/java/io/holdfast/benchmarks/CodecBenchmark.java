package io.holdfast.benchmarks;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.UndecodableEventException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Between an OrderCreated of two items and its bytes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CodecBenchmark {

  private final EventCodec codec = new EventCodec();
  private final Envelope<?> created = Facts.created("ord_246dntgbobyutgxcmt8x164vi");
  private final byte[] bytes = codec.encode(created);

  @Benchmark
  public byte[] encode() {
    return codec.encode(created);
  }

  @Benchmark
  public Envelope<?> decode() throws UndecodableEventException {
    return codec.decode(bytes);
  }
}
