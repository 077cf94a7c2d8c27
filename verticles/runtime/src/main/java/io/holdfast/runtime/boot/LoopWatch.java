package io.holdfast.runtime.boot;

import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Whether every event loop of the process still turns. A server that answers proves it of its own
 * loop alone; the verticles run on the others, too, and what has begun to block one of them will
 * not end by itself. So it looks from a thread that is none of them.
 *
 * <p>A loop counts as blocked by how often it was found so, not by the clock: a process that was
 * suspended for a while has blocked nothing.
 */
public final class LoopWatch implements AutoCloseable {

  private static final Duration INTERVAL = Duration.ofSeconds(1);
  private static final int MISSES = 5;

  private final List<Loop> loops = new CopyOnWriteArrayList<>();
  private final int misses;
  private final ScheduledExecutorService looker =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().name("loop-watch").daemon().unstarted(task));

  private LoopWatch(int misses) {
    this.misses = misses;
  }

  /** Watches all loops, of which there are so many, from now on. */
  static LoopWatch over(Vertx vertx, int count, Meters meters) {
    return over(vertx, count, meters, INTERVAL, MISSES);
  }

  /**
   * @param misses after so many intervals without an answer a loop is blocked
   */
  static LoopWatch over(Vertx vertx, int count, Meters meters, Duration interval, int misses) {
    LoopWatch watch = new LoopWatch(misses);
    // Instances are dealt out to the loops in turn.
    vertx.deployVerticle(watch::another, new DeploymentOptions().setInstances(count));
    meters.gauge(
        "event_loop_delay_seconds",
        "How long a task waited for the slowest event loop, when last looked",
        watch::delaySeconds);
    watch.looker.scheduleAtFixedRate(
        watch::look, interval.toNanos(), interval.toNanos(), TimeUnit.NANOSECONDS);
    return watch;
  }

  /** The threads that are blocked, for a person; empty if none is. Any thread. */
  public String problem() {
    List<String> blocked =
        loops.stream()
            .filter(loop -> loop.missed.get() >= misses)
            .map(loop -> loop.thread)
            .toList();
    return blocked.isEmpty() ? "" : "blocked: " + String.join(", ", blocked);
  }

  private double delaySeconds() {
    return loops.stream().mapToLong(Loop::delayNanos).max().orElse(0) / 1e9;
  }

  private VerticleBase another() {
    return new VerticleBase() {
      @Override
      public Future<?> start() {
        loops.add(new Loop(context, Thread.currentThread().getName()));
        return Future.succeededFuture();
      }
    };
  }

  private void look() {
    loops.forEach(Loop::look);
  }

  @Override
  public void close() {
    looker.shutdownNow();
  }

  private static final class Loop {
    private final Context context;
    private final String thread;
    private volatile long askedAt;
    private volatile boolean asked;
    private final AtomicInteger missed = new AtomicInteger();
    private volatile long lastDelay;

    Loop(Context context, String thread) {
      this.context = context;
      this.thread = thread;
    }

    void look() {
      if (asked) {
        missed.incrementAndGet();
        return;
      }
      askedAt = System.nanoTime();
      asked = true;
      context.runOnContext(
          v -> {
            lastDelay = System.nanoTime() - askedAt;
            missed.set(0);
            asked = false;
          });
    }

    long delayNanos() {
      return asked ? Math.max(lastDelay, System.nanoTime() - askedAt) : lastDelay;
    }
  }
}
