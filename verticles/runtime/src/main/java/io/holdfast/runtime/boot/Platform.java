package io.holdfast.runtime.boot;

import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.Broker;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Meters;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.micrometer.Label;
import io.vertx.micrometer.MetricsDomain;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * What one process has once, however many groups run in it: Vert.x, its meters, and one connection
 * to the broker.
 */
public final class Platform {

  private final Meters meters = new Meters();
  private final Vertx vertx;
  private final LoopWatch loops;
  private Broker broker;

  private Platform() {
    Set<String> measured =
        EnumSet.of(MetricsDomain.HTTP_SERVER, MetricsDomain.HTTP_CLIENT, MetricsDomain.NAMED_POOLS)
            .stream()
            .map(MetricsDomain::toCategory)
            .collect(Collectors.toSet());
    MicrometerMetricsOptions metrics =
        new MicrometerMetricsOptions()
            .setEnabled(true)
            // Vert.x keeps registries by name, for the whole JVM: each platform has its own.
            .setRegistryName(UUID.randomUUID().toString())
            .setLabels(
                EnumSet.of(Label.HTTP_METHOD, Label.HTTP_CODE, Label.POOL_NAME, Label.POOL_TYPE));
    for (MetricsDomain domain : MetricsDomain.values()) {
      if (!measured.contains(domain.toCategory())) {
        metrics.addDisabledMetricsCategory(domain);
      }
    }
    VertxOptions options =
        new VertxOptions()
            .setMetricsOptions(metrics)
            .setMaxEventLoopExecuteTime(2)
            .setMaxEventLoopExecuteTimeUnit(TimeUnit.SECONDS);
    this.vertx =
        Vertx.builder()
            .with(options)
            .withMetrics(new MicrometerMetricsFactory(meters.registry()))
            .build();
    this.loops = LoopWatch.over(vertx, options.getEventLoopPoolSize(), meters);
  }

  public static Platform start() {
    return new Platform();
  }

  public Vertx vertx() {
    return vertx;
  }

  public Meters meters() {
    return meters;
  }

  /** Tells whether the event loops still turn. */
  public LoopWatch loops() {
    return loops;
  }

  /**
   * The process's connection to the broker; {@link Broker#begin} makes it.
   *
   * @param name the process's, for the broker's list of connections
   */
  public synchronized Broker broker(CommonSettings settings, String name) {
    if (broker == null) {
      broker = Broker.of(vertx, settings, name, Logging.of(name, Broker.class));
      meters.headersMended(broker::headersMended);
    }
    return broker;
  }

  /** Closes the connection and Vert.x, after all groups were drained. */
  public Future<Void> close() {
    loops.close();
    Future<Void> disconnected;
    synchronized (this) {
      disconnected = broker == null ? Future.succeededFuture() : broker.close();
    }
    // A future of no context: one of an event loop could not complete once that loop has ended.
    Promise<Void> closed = Promise.promise();
    disconnected.onComplete(
        done -> vertx.close().onComplete(gone -> closed.handle(gone.mapEmpty())));
    return closed.future();
  }
}
