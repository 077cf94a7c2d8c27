package io.holdfast.runtime.telemetry;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.TraceId;
import io.opentelemetry.sdk.trace.IdGenerator;

/**
 * Ids by chance, except that a span without a parent can begin in a trace whose id is known. A
 * parent made up for that purpose would be missed by whoever looks at the trace, and would decide
 * the sampling in the sampler's place.
 */
enum NamedTraces implements IdGenerator {
  INSTANCE;

  private static final ThreadLocal<String> NAMED = new ThreadLocal<>();

  /** Begins a span that has no parent. */
  static Span beginIn(String traceId, SpanBuilder span) {
    if (!TraceId.isValid(traceId)) {
      return span.startSpan();
    }
    NAMED.set(traceId);
    try {
      return span.startSpan();
    } finally {
      NAMED.remove();
    }
  }

  @Override
  public String generateTraceId() {
    String named = NAMED.get();
    return named == null ? IdGenerator.random().generateTraceId() : named;
  }

  @Override
  public String generateSpanId() {
    return IdGenerator.random().generateSpanId();
  }
}
