package io.holdfast.runtime.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The process's meters, under the names that dashboards and alerts rely on. Thread-safe. */
public final class Meters {

  private static final Duration[] PROCESSING = buckets(1, 5, 10, 25, 50, 100, 250, 1_000, 5_000);
  private static final Duration[] PAYMENT = buckets(100, 300, 1_000, 3_000);
  private static final Duration[] END_TO_END =
      buckets(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

  public Meters() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    JvmGcMetrics gc = new JvmGcMetrics();
    gc.bindTo(registry);
  }

  /** For Vert.x's own metrics. */
  public MeterRegistry registry() {
    return registry;
  }

  /** The scrape, in Prometheus's text format. */
  public String scrape() {
    return registry.scrape();
  }

  /** Facts stored, by type. */
  public Counter published(String type) {
    return counter("events_published", "Facts stored", "type", type);
  }

  /** Deliveries settled, by consumer and outcome. */
  public Counter processed(String consumer, String outcome) {
    return Counter.builder("events_processed")
        .description("Deliveries settled")
        .tag("consumer", consumer)
        .tag("outcome", outcome)
        .register(registry);
  }

  public Counter retries(String consumer) {
    return counter("event_retries", "Deliveries that are to be tried again", "consumer", consumer);
  }

  public Counter deadLetters(String consumer, String reason) {
    return Counter.builder("dead_letters")
        .description("Messages parked")
        .tag("consumer", consumer)
        .tag("reason", reason)
        .register(registry);
  }

  /** From delivery to settlement. */
  public Timer processing(String consumer) {
    return Timer.builder("event_processing_duration")
        .description("From delivery to settlement")
        .tag("consumer", consumer)
        .serviceLevelObjectives(PROCESSING)
        .register(registry);
  }

  /** A charge, from the first try to its fact. */
  public Timer payment(String status) {
    return Timer.builder("payment_process_duration")
        .description("A charge at the gateway")
        .tag("status", status)
        .serviceLevelObjectives(PAYMENT)
        .register(registry);
  }

  /** From an order's acceptance to its final state. */
  public Timer endToEnd(String status) {
    return Timer.builder("order_end_to_end_duration")
        .description("From acceptance to the final state")
        .tag("status", status)
        .serviceLevelObjectives(END_TO_END)
        .register(registry);
  }

  /** Messages that came with headers that are none, asked for at each scrape. */
  public void headersMended(LongSupplier count) {
    FunctionCounter.builder("headers_mended", count, LongSupplier::getAsLong)
        .description("Messages with headers that are none, mended to be read")
        .register(registry);
  }

  /** A value that is asked for at each scrape. */
  public void gauge(
      String name, String description, String tag, String tagValue, Supplier<Number> value) {
    Gauge.builder(name, value)
        .description(description)
        .tag(tag, tagValue)
        .strongReference(true)
        .register(registry);
  }

  private Counter counter(String name, String description, String tag, String value) {
    return Counter.builder(name).description(description).tag(tag, value).register(registry);
  }

  private static Duration[] buckets(long... millis) {
    Duration[] buckets = new Duration[millis.length];
    for (int i = 0; i < millis.length; i++) {
      buckets[i] = Duration.ofMillis(millis[i]);
    }
    return buckets;
  }
}
