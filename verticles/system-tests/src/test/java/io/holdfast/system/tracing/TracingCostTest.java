package io.holdfast.system.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import com.sun.net.httpserver.HttpServer;
import io.holdfast.events.Envelope;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Goal: nobody pays for traces that nobody asked for, and who asks knows what they cost. Method:
 * the calls that one order leads to, in a loop; memory as the JVM counts it for the thread, time of
 * the processor for the process with its exporter, against a receiver that only reads. {@code
 * -Dholdfast.tracing.cost=ORDERS} makes the second part long enough to be a figure.
 */
class TracingCostTest {

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String HEADER = "00-" + TRACE + "-00f067aa0ba902b7-01";
  private static final Envelope<?> FACT =
      Envelope.once(new PaymentVoided("o-1"), Instant.EPOCH, TRACE);
  private static final String[] FACTS = {
    "orders.created",
    "inventory.reserved",
    "stock.level",
    "payments.processed",
    "orders.confirmed",
    "notifications.sent"
  };

  /** One request, a call, its server's part, five deliveries, six facts, six seals: 20 spans. */
  private static final int SPANS = 20;

  private static long order(Tracing tracing) {
    long used = 0;
    Work request = tracing.serves("POST", HEADER);
    tracing.isOn(request, "o-1");
    Work call =
        tracing.calls("o-1", "POST /v1/payment_intents").about("http.response.status_code", 200);
    Work served = tracing.serves("POST", HEADER).named("POST /v1/payment_intents");
    served.end();
    call.end(null);
    for (String fact : FACTS) {
      Work publish = tracing.publishes(fact, fact, FACT);
      publish.end(null);
      used += publish == Work.UNTOLD ? 0 : publish.traceparent(TRACE).length();
      if (!fact.equals("stock.level")) {
        Work process = tracing.processes("consumer", fact, fact, FACT, 1, HEADER);
        process.about("holdfast.outcome", "done").end();
      }
      tracing.sealed(fact, HEADER, 1, 1);
    }
    request.about("http.route", "/orders").named("POST /orders").end();
    return used;
  }

  @Test
  void switched_off_it_allocates_nothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().threadId();
    for (int i = 0; i < 10_000; i++) {
      order(Tracing.OFF);
    }
    threads.getThreadAllocatedBytes(thread); // its own first call makes something
    long idle = allocatedBy(threads, thread, 0);
    assertThat(allocatedBy(threads, thread, 100_000) - idle).isZero();
  }

  private static long allocatedBy(ThreadMXBean threads, long thread, int orders) {
    long before = threads.getThreadAllocatedBytes(thread);
    for (int i = 0; i < orders; i++) {
      order(Tracing.OFF);
    }
    return threads.getThreadAllocatedBytes(thread) - before;
  }

  @Test
  void switched_on_it_costs_less_than_a_millisecond_of_processor_time_an_order() throws Exception {
    int orders = Integer.getInteger("holdfast.tracing.cost", 2_000);
    AtomicLong bytes = new AtomicLong();
    HttpServer sink =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    sink.createContext(
        "/",
        exchange -> {
          bytes.addAndGet(exchange.getRequestBody().readAllBytes().length);
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    sink.start();
    try {
      Tracing tracing =
          Tracing.of(
              "orders",
              new Settings(
                  Map.of(
                      "OTEL_EXPORTER_OTLP_ENDPOINT",
                      "http://127.0.0.1:" + sink.getAddress().getPort(),
                      "OTEL_BSP_SCHEDULE_DELAY",
                      "100",
                      "OTEL_BSP_MAX_QUEUE_SIZE",
                      "1000000")));
      paced(tracing, Math.min(orders, 5_000));
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      OperatingSystemMXBean process =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      long thread = Thread.currentThread().threadId();
      final long bytesBefore = bytes.get();
      final long memoryBefore = threads.getThreadAllocatedBytes(thread);
      final long callerBefore = threads.getCurrentThreadCpuTime();
      final long processBefore = process.getProcessCpuTime();
      paced(tracing, orders);
      long caller = threads.getCurrentThreadCpuTime() - callerBefore;
      long memory = threads.getThreadAllocatedBytes(thread) - memoryBefore;
      tracing.close().await(10, TimeUnit.SECONDS);
      double micros = (process.getProcessCpuTime() - processBefore) / 1_000.0 / orders;
      System.out.printf(
          "tracing, per order of %d spans: %.1f us of processor time, %.1f of them the caller's,"
              + " %d bytes allocated by it, %d bytes sent (%d orders)%n",
          SPANS,
          micros,
          caller / 1_000.0 / orders,
          memory / orders,
          (bytes.get() - bytesBefore) / orders,
          orders);
      assertThat(bytes.get()).as("bytes of all spans").isGreaterThan(100L * SPANS * orders);
      assertThat(micros).isLessThan(1_000);
    } finally {
      sink.stop(0);
    }
  }

  /** As orders come: the exporter works beside whoever makes spans. */
  private static void paced(Tracing tracing, int orders) {
    for (int i = 1; i <= orders; i++) {
      order(tracing);
      if (i % 20 == 0) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
  }
}
