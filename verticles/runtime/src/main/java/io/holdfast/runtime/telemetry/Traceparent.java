package io.holdfast.runtime.telemetry;

import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The W3C trace context header, as far as an order's one trace needs it.
 *
 * @see <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>
 */
public final class Traceparent {

  public static final String HEADER = "traceparent";

  private static final Pattern FORM =
      Pattern.compile("[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?");
  private static final String NO_TRACE = "0".repeat(32);
  private static final String NO_SPAN = "0".repeat(16);

  private Traceparent() {}

  /** The trace id of a header, if there is one and it is well-formed. */
  public static Optional<String> traceId(String header) {
    if (header == null) {
      return Optional.empty();
    }
    var matcher = FORM.matcher(header);
    if (!matcher.matches()
        || header.startsWith("ff")
        || matcher.group(1).equals(NO_TRACE)
        || matcher.group(2).equals(NO_SPAN)
        || (header.startsWith("00") && matcher.group(3) != null)) {
      return Optional.empty();
    }
    return Optional.of(matcher.group(1));
  }

  /** Whom a header names, as a parent in another process; invalid if it names nobody. */
  static SpanContext remote(String header) {
    return traceId(header)
        .map(
            traceId ->
                SpanContext.createFromRemoteParent(
                    traceId,
                    header.substring(36, 52),
                    TraceFlags.fromHex(header, 53),
                    TraceState.getDefault()))
        .orElse(SpanContext.getInvalid());
  }

  static String of(SpanContext span) {
    return "00-" + span.getTraceId() + "-" + span.getSpanId() + "-" + span.getTraceFlags().asHex();
  }

  /** A new trace's id. */
  public static String newTraceId() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(random.nextLong() | 1) + hex.toHexDigits(random.nextLong());
  }

  /**
   * A header for a message of this trace, naming a span that nobody tells of: so it does not say
   * that it is sampled, and whoever has tracing on decides by his own sampler's rule for such.
   */
  public static String next(String traceId) {
    return "00-"
        + traceId
        + "-"
        + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong() | 1)
        + "-00";
  }
}
