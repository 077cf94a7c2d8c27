package io.holdfast.testkit;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;

/**
 * Takes traces by OTLP over HTTP and keeps them. It decodes with the classes that OpenTelemetry
 * publishes for its protocol, and so refuses bytes that are none of it.
 */
public final class OtlpReceiver implements AutoCloseable {

  private static final String PATH = "/v1/traces";

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Told> spans = new CopyOnWriteArrayList<>();
  private final List<Map<String, String>> resources = new CopyOnWriteArrayList<>();
  private final List<Map<String, List<String>>> headers = new CopyOnWriteArrayList<>();
  private final List<String> troubles = new CopyOnWriteArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile boolean hanging;

  /** A span as it was received. {@code parent} is empty for a root. */
  public record Told(
      String service,
      String trace,
      String id,
      String parent,
      String name,
      String kind,
      boolean failed,
      Map<String, String> attributes,
      List<Link> links,
      long startNanos,
      long endNanos) {

    /** An attribute's value, or empty. */
    public String attribute(String key) {
      return attributes.getOrDefault(key, "");
    }
  }

  /** Another span that one refers to. */
  public record Link(String trace, String span) {}

  private OtlpReceiver() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::take);
    server.setExecutor(threads);
    server.start();
  }

  public static OtlpReceiver start() {
    return new OtlpReceiver();
  }

  /** For {@code OTEL_EXPORTER_OTLP_ENDPOINT}. */
  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** From now on nothing is answered. */
  public void hang() {
    hanging = true;
  }

  /** All that was received so far. */
  public List<Told> spans() {
    if (!troubles.isEmpty()) {
      throw new AssertionError("received what is no trace: " + troubles);
    }
    return List.copyOf(spans);
  }

  public List<Told> spans(String trace) {
    return spans().stream().filter(span -> span.trace().equals(trace)).toList();
  }

  /** The attributes of each resource that spans were told of. */
  public List<Map<String, String>> resources() {
    return List.copyOf(resources);
  }

  /** The headers of each request. */
  public List<Map<String, List<String>>> headers() {
    return List.copyOf(headers);
  }

  private void take(HttpExchange exchange) throws IOException {
    headers.add(Map.copyOf(exchange.getRequestHeaders()));
    if (hanging) {
      awaitClose();
      return;
    }
    try (InputStream body = body(exchange)) {
      if (!exchange.getRequestURI().getPath().equals(PATH)) {
        throw new IOException(exchange.getRequestMethod() + " " + exchange.getRequestURI());
      }
      keep(ExportTraceServiceRequest.parseFrom(body));
      byte[] answer = ExportTraceServiceResponse.getDefaultInstance().toByteArray();
      exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
      exchange.sendResponseHeaders(200, answer.length == 0 ? -1 : answer.length);
    } catch (IOException wrong) {
      troubles.add(wrong.toString());
      exchange.sendResponseHeaders(400, -1);
    } finally {
      exchange.close();
    }
  }

  private static InputStream body(HttpExchange exchange) throws IOException {
    return "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))
        ? new GZIPInputStream(exchange.getRequestBody())
        : exchange.getRequestBody();
  }

  private void awaitClose() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void keep(ExportTraceServiceRequest request) {
    for (ResourceSpans of : request.getResourceSpansList()) {
      Resource resource = of.getResource();
      Map<String, String> about = attributes(resource.getAttributesList());
      resources.add(about);
      for (ScopeSpans scope : of.getScopeSpansList()) {
        for (Span span : scope.getSpansList()) {
          spans.add(told(about.getOrDefault("service.name", ""), span));
        }
      }
    }
  }

  private static Told told(String service, Span span) {
    return new Told(
        service,
        hex(span.getTraceId()),
        hex(span.getSpanId()),
        hex(span.getParentSpanId()),
        span.getName(),
        span.getKind().name().replace("SPAN_KIND_", ""),
        span.getStatus().getCode() == StatusCode.STATUS_CODE_ERROR,
        attributes(span.getAttributesList()),
        span.getLinksList().stream()
            .map(link -> new Link(hex(link.getTraceId()), hex(link.getSpanId())))
            .toList(),
        span.getStartTimeUnixNano(),
        span.getEndTimeUnixNano());
  }

  private static Map<String, String> attributes(List<KeyValue> pairs) {
    Map<String, String> all = new TreeMap<>();
    pairs.forEach(pair -> all.put(pair.getKey(), text(pair.getValue())));
    return all;
  }

  private static String text(AnyValue value) {
    return switch (value.getValueCase()) {
      case STRING_VALUE -> value.getStringValue();
      case INT_VALUE -> Long.toString(value.getIntValue());
      case BOOL_VALUE -> Boolean.toString(value.getBoolValue());
      default -> value.toString();
    };
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
