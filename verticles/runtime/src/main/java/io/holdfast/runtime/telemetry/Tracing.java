package io.holdfast.runtime.telemetry;

import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.runtime.config.Settings;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * What one group tells of its work, as OpenTelemetry spans: one trace per order over all groups.
 * Thread-safe, never blocks, and does nothing unless the standard {@code OTEL_*} variables ask for
 * it.
 *
 * <p>What an order's work leads to, a fact stored or a call to somebody outside, becomes a child of
 * the work that is done on that order in this group just then. So nothing has to be carried through
 * the code, and facts of many orders that are stored in one batch find their own parents. If two
 * messages of one order are in process at once, the later one is taken for the parent until it
 * ends.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/">the names
 *     of messaging spans</a>
 */
public final class Tracing {

  /** Tells nothing, and costs nothing. */
  public static final Tracing OFF = new Tracing(null);

  private static final String SYSTEM = "nats";
  private static final String MESSAGING_SYSTEM = "messaging.system";
  private static final String OPERATION_TYPE = "messaging.operation.type";
  private static final String OPERATION_NAME = "messaging.operation.name";
  private static final String DESTINATION = "messaging.destination.name";
  private static final String TEMPLATE = "messaging.destination.template";
  private static final String CONSUMER = "messaging.consumer.group.name";
  private static final String BATCH = "messaging.batch.message_count";

  /** The SDK's own limit on links. */
  private static final int MAX_LINKS = 128;

  private final OpenTelemetrySdk sdk;
  private final Tracer tracer;
  private final Map<String, Told> atWork = new ConcurrentHashMap<>();

  private Tracing(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
    this.tracer = sdk == null ? null : sdk.getTracer("io.holdfast");
  }

  /**
   * Of a group, as the {@code OTEL_*} variables say; off if they name no exporter.
   *
   * @throws io.holdfast.runtime.config.SettingsException if one is at fault
   */
  public static Tracing of(String group, Settings settings) {
    return TracingSettings.sdk(group, settings).map(Tracing::new).orElse(OFF);
  }

  /** Whether anything is told. */
  public boolean on() {
    return tracer != null;
  }

  /**
   * A request that came in.
   *
   * @param traceparent its header, or null
   */
  public Work serves(String method, String traceparent) {
    return on()
        ? told(
            tracer
                .spanBuilder(method)
                .setSpanKind(SpanKind.SERVER)
                .setParent(parent(traceparent))
                .setAttribute("http.request.method", method))
        : Work.UNTOLD;
  }

  /** The trace that a request's work belongs to; nothing if it is not told. */
  public static Optional<String> traceId(Work work) {
    return work instanceof Told told
        ? Optional.of(told.span.getSpanContext().getTraceId())
        : Optional.empty();
  }

  private static Told stillOpen(Told work) {
    Told open = work;
    while (open != null && open.ended) {
      open = open.before;
    }
    return open;
  }

  /** From now until its end, the work is the parent of what is done on an aggregate. */
  public void isOn(Work work, String aggregateId) {
    if (work instanceof Told told) {
      told.span.setAttribute("holdfast.aggregate_id", aggregateId);
      told.aggregateId = aggregateId;
      atWork.compute(
          aggregateId,
          (id, now) -> {
            told.before = stillOpen(now);
            return told;
          });
    }
  }

  /**
   * A delivery, from its arrival to its settlement.
   *
   * @param template the subject without what differs from one message to the next
   * @param traceparent the message's header, or null
   */
  public Work processes(
      String consumer,
      String template,
      String subject,
      Envelope<?> envelope,
      long deliveries,
      String traceparent) {
    if (!on()) {
      return Work.UNTOLD;
    }
    Told work =
        inTraceOf(
            envelope,
            remote(traceparent),
            messaging("process", "process", template, SpanKind.CONSUMER)
                .setAttribute(DESTINATION, subject)
                .setAttribute(CONSUMER, consumer)
                .setAttribute("messaging.message.id", envelope.id())
                .setAttribute("holdfast.deliveries", deliveries));
    isOn(work, envelope.event().aggregateId());
    return work;
  }

  /** A delivery of what cannot be read; in the trace that its header names, if it names one. */
  public Work processesUnread(
      String consumer, String subject, long deliveries, String traceparent) {
    return on()
        ? told(
            messaging("process", "process", template(subject), SpanKind.CONSUMER)
                .setParent(parent(traceparent))
                .setAttribute(DESTINATION, subject)
                .setAttribute(CONSUMER, consumer)
                .setAttribute("holdfast.deliveries", deliveries))
        : Work.UNTOLD;
  }

  /** The traceparent of the work that is being done on an aggregate; null if none is told. */
  public String example(String aggregateId) {
    Told now = atWork.get(aggregateId);
    return now == null ? null : now.traceparent(null);
  }

  /** Messages that arrived together; each one's own work follows. */
  public void received(String consumer, List<String> traceparents) {
    if (!on()) {
      return;
    }
    SpanBuilder receive =
        tracer
            .spanBuilder("receive " + consumer)
            .setSpanKind(SpanKind.CLIENT)
            .setNoParent()
            .setAttribute(MESSAGING_SYSTEM, SYSTEM)
            .setAttribute(OPERATION_TYPE, "receive")
            .setAttribute(OPERATION_NAME, "receive")
            .setAttribute(CONSUMER, consumer)
            .setAttribute(BATCH, traceparents.size());
    traceparents.stream()
        .limit(MAX_LINKS)
        .map(Tracing::remote)
        .filter(SpanContext::isValid)
        .forEach(receive::addLink);
    receive.startSpan().end();
  }

  /** A fact that is stored by itself. */
  public Work publishes(String template, String subject, Envelope<?> fact) {
    return on()
        ? message("send", "publish", template, subject, fact, cause(fact.event()))
        : Work.UNTOLD;
  }

  /** The aggregate whose work led to it: a stock level holds something for an order's sake. */
  private static String cause(Event fact) {
    return fact instanceof StockLevelChanged level && !level.holds().isEmpty()
        ? level.holds().getLast().orderId()
        : fact.aggregateId();
  }

  /**
   * A fact that is stored in a batch; its own part, to which the batch is linked.
   *
   * @param causeId the aggregate whose work led to it: a stock level changes for an order's sake
   */
  public Work creates(String template, String subject, Envelope<?> fact, String causeId) {
    return on() ? message("create", "create", template, subject, fact, causeId) : Work.UNTOLD;
  }

  /** A batch of facts, stored together or not at all. */
  public Work publishesTogether(String stream, List<Work> members) {
    if (!on()) {
      return Work.UNTOLD;
    }
    SpanBuilder publish =
        messaging("send", "publish", stream, SpanKind.CLIENT)
            .setNoParent()
            .setAttribute(BATCH, members.size());
    members.stream()
        .limit(MAX_LINKS)
        .map(Told.class::cast)
        .forEach(member -> publish.addLink(member.span.getSpanContext()));
    return told(publish);
  }

  /**
   * A call to somebody outside, for an aggregate's sake.
   *
   * @param name short and without ids, such as {@code POST /v1/refunds}
   */
  public Work calls(String aggregateId, String name) {
    if (!on()) {
      return Work.UNTOLD;
    }
    Told now = atWork.get(aggregateId);
    return told(
        tracer
            .spanBuilder(name)
            .setSpanKind(SpanKind.CLIENT)
            .setParent(now == null ? Context.root() : Context.root().with(now.span))
            .setAttribute("holdfast.aggregate_id", aggregateId));
  }

  /**
   * A message that became part of a block, in its own order's trace.
   *
   * @param begunNanos since the epoch
   */
  public void sealed(String subject, String traceparent, long block, long begunNanos) {
    if (!on()) {
      return;
    }
    SpanContext cause = remote(traceparent);
    if (cause.isValid() && cause.isSampled()) {
      messaging("process", "seal", template(subject), SpanKind.CONSUMER)
          .setParent(Context.root().with(Span.wrap(cause)))
          .setAttribute(DESTINATION, subject)
          .setAttribute(CONSUMER, "audit")
          .setAttribute("holdfast.block", block)
          .setStartTimestamp(begunNanos, TimeUnit.NANOSECONDS)
          .startSpan()
          .end();
    }
  }

  /** A subject without the id at its end. */
  public static String template(String subject) {
    int end = subject.lastIndexOf('.');
    return end < 0 ? subject : subject.substring(0, end);
  }

  /** Sends what is told but not sent; completes within a few seconds, and never fails. */
  public Future<Void> close() {
    if (!on()) {
      return Future.succeededFuture();
    }
    Promise<Void> closed = Promise.promise();
    sdk.shutdown().whenComplete(closed::complete);
    return closed.future().timeout(5, TimeUnit.SECONDS).otherwiseEmpty();
  }

  private Told message(
      String type,
      String operation,
      String template,
      String subject,
      Envelope<?> fact,
      String causeId) {
    SpanBuilder builder =
        messaging(type, operation, template, SpanKind.PRODUCER)
            .setAttribute(DESTINATION, subject)
            .setAttribute("messaging.message.id", fact.id());
    Told now = atWork.get(causeId);
    return inTraceOf(
        fact, now == null ? SpanContext.getInvalid() : now.span.getSpanContext(), builder);
  }

  /**
   * A fact belongs to its order's trace, whoever's request led to it: a cause in another trace is
   * linked to, and is no parent.
   */
  private Told inTraceOf(Envelope<?> fact, SpanContext cause, SpanBuilder builder) {
    if (cause.isValid() && cause.getTraceId().equals(fact.traceId())) {
      return told(builder.setParent(Context.root().with(Span.wrap(cause))));
    }
    if (cause.isValid()) {
      builder.addLink(cause);
    }
    return new Told(NamedTraces.beginIn(fact.traceId(), builder.setNoParent()));
  }

  private SpanBuilder messaging(String type, String operation, String template, SpanKind kind) {
    return tracer
        .spanBuilder(operation + " " + template)
        .setSpanKind(kind)
        .setAttribute(MESSAGING_SYSTEM, SYSTEM)
        .setAttribute(OPERATION_TYPE, type)
        .setAttribute(OPERATION_NAME, operation)
        .setAttribute(TEMPLATE, template);
  }

  private Told told(SpanBuilder builder) {
    return new Told(builder.startSpan());
  }

  private static Context parent(String traceparent) {
    SpanContext remote = remote(traceparent);
    return remote.isValid() ? Context.root().with(Span.wrap(remote)) : Context.root();
  }

  private static SpanContext remote(String traceparent) {
    return Traceparent.remote(traceparent);
  }

  private final class Told implements Work {
    private final Span span;
    private volatile String aggregateId;
    private volatile boolean ended;

    /** On the same aggregate, and not ended when this began. */
    private volatile Told before;

    Told(Span span) {
      this.span = span;
    }

    @Override
    public String traceparent(String traceId) {
      return Traceparent.of(span.getSpanContext());
    }

    @Override
    public Work about(String name, String value) {
      if (value != null) {
        span.setAttribute(name, value);
      }
      return this;
    }

    @Override
    public Work about(String name, long value) {
      span.setAttribute(name, value);
      return this;
    }

    @Override
    public Work named(String name) {
      span.updateName(name);
      return this;
    }

    @Override
    public Work failed(String why) {
      span.setStatus(StatusCode.ERROR, why);
      return this;
    }

    @Override
    public void end(Throwable failure) {
      if (failure != null) {
        span.setAttribute("error.type", failure.getClass().getName());
        failed(failure.toString());
      }
      end();
    }

    @Override
    public void end() {
      if (aggregateId != null) {
        ended = true;
        atWork.computeIfPresent(aggregateId, (id, now) -> stillOpen(now));
      }
      span.end();
    }
  }
}
