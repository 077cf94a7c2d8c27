package io.holdfast.runtime.telemetry;

import com.sun.management.ThreadMXBean;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The process's meters, under the names that dashboards and alerts rely on. Thread-safe. */
public final class Meters {

  private static final Duration[] PROCESSING = buckets(1, 5, 10, 25, 50, 100, 250, 1_000, 5_000);
  private static final Duration[] PAYMENT = buckets(100, 300, 1_000, 3_000);
  private static final Duration[] END_TO_END =
      buckets(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000);

  private static final Duration[] HTTP =
      buckets(1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000);

  /** What every scraper reads. */
  public static final String PLAIN_TEXT = "text/plain; version=0.0.4; charset=utf-8";

  /** The same figures, and beside them the traces that they are examples of. */
  public static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(
          PrometheusConfig.DEFAULT, new PrometheusRegistry(), Clock.SYSTEM, Exemplar.CURRENT);

  // Asked for with every order, and the registry's own look-up is not cheap.
  private final Map<String, Timer> payments = new ConcurrentHashMap<>();
  private final Map<String, Timer> endsToEnds = new ConcurrentHashMap<>();

  public Meters() {
    registry
        .config()
        .meterFilter(new Buckets())
        // Their names break Prometheus's own rules, and others say the same.
        .meterFilter(MeterFilter.denyNameStartsWith("process.cpu.time"))
        .meterFilter(MeterFilter.denyNameStartsWith("system.cpu.count"));
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    JvmGcMetrics gc = new JvmGcMetrics();
    gc.bindTo(registry);
    if (ModuleLayer.boot().findModule("jdk.management").isPresent()) { // not in every small JDK
      Allocations.bindTo(registry);
    }
  }

  /** For Vert.x's own metrics. */
  public MeterRegistry registry() {
    return registry;
  }

  /** The scrape, as plain text. */
  public String scrape() {
    return scrape(PLAIN_TEXT);
  }

  /** The scrape, as {@link #PLAIN_TEXT} or {@link #OPEN_METRICS}. */
  public String scrape(String type) {
    return registry.scrape(type);
  }

  /**
   * Records a time as an example of a trace.
   *
   * @param traceparent the trace's; null if there is none
   */
  public static void record(Timer timer, Duration took, String traceparent) {
    if (traceparent == null) {
      timer.record(took);
    } else {
      Exemplar.CURRENT.of(traceparent, () -> timer.record(took));
    }
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

  /** Requests that met a fault of ours. An answer of 500 that is meant, a simulator's, is none. */
  public Counter internalErrors(String group) {
    return counter("http_internal_errors", "Requests that met a fault of ours", "group", group);
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
    return payments.computeIfAbsent(
        status,
        each ->
            Timer.builder("payment_process_duration")
                .description("A charge at the gateway")
                .tag("status", each)
                .serviceLevelObjectives(PAYMENT)
                .register(registry));
  }

  /** From an order's acceptance to its final state. */
  public Timer endToEnd(String status) {
    return endsToEnds.computeIfAbsent(
        status,
        each ->
            Timer.builder("order_end_to_end_duration")
                .description("From acceptance to the final state")
                .tag("status", each)
                .serviceLevelObjectives(END_TO_END)
                .register(registry));
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

  /** A value of the whole process that is asked for at each scrape. */
  public void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).strongReference(true).register(registry);
  }

  /**
   * What all threads have allocated, ended ones included. Garbage collectors count only what they
   * have seen at a collection, and those are seconds apart.
   */
  private static final class Allocations {
    static void bindTo(MeterRegistry registry) {
      if (ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
          && threads.isThreadAllocatedMemorySupported()) {
        FunctionCounter.builder(
                "jvm_threads_allocated_bytes", threads, ThreadMXBean::getTotalThreadAllocatedBytes)
            .description("Memory that all threads have allocated since the start")
            .register(registry);
      }
    }
  }

  /** Vert.x's timers come without buckets; of requests we want to know more than a mean. */
  private static final class Buckets implements MeterFilter {
    @Override
    public DistributionStatisticConfig configure(Meter.Id id, DistributionStatisticConfig config) {
      return id.getName().equals("vertx.http.server.response.time")
          ? DistributionStatisticConfig.builder()
              .serviceLevelObjectives(Stream.of(HTTP).mapToDouble(Duration::toNanos).toArray())
              .build()
              .merge(config)
          : config;
    }
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
