package io.holdfast.runtime.telemetry;

import io.prometheus.metrics.tracer.common.SpanContext;

/** The trace of which what is recorded at the moment is an example; each thread has its own. */
final class Exemplar implements SpanContext {

  static final Exemplar CURRENT = new Exemplar();

  private final ThreadLocal<String> traceparent = new ThreadLocal<>();

  private Exemplar() {}

  /** Does this as an example of the trace. */
  void of(String trace, Runnable recording) {
    traceparent.set(trace);
    try {
      recording.run();
    } finally {
      traceparent.remove();
    }
  }

  @Override
  public String getCurrentTraceId() {
    return part(1);
  }

  @Override
  public String getCurrentSpanId() {
    return part(2);
  }

  /** One that is not sampled is nowhere to be seen. */
  @Override
  public boolean isCurrentSpanSampled() {
    String flags = part(3);
    return flags != null && (Integer.parseInt(flags, 16) & 1) == 1;
  }

  @Override
  public void markCurrentSpanAsExemplar() {
    // Nobody looks for the mark.
  }

  private String part(int number) {
    String now = traceparent.get();
    return now == null ? null : now.split("-", 4)[number];
  }
}
