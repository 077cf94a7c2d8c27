package io.holdfast.runtime.telemetry;

import io.holdfast.runtime.config.Settings;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import zipkin2.reporter.BytesMessageSender;
import zipkin2.reporter.urlconnection.URLConnectionSender;

/**
 * OpenTelemetry's own variables, and what differs here: nothing is exported unless an exporter or
 * its endpoint is named, and OTLP goes by HTTP.
 *
 * @see <a href="https://opentelemetry.io/docs/languages/sdk-configuration/">the variables</a>
 */
final class TracingSettings {

  private static final String EXPORTER = "OTEL_TRACES_EXPORTER";
  private static final String OTLP = "otlp";
  private static final String ZIPKIN = "zipkin";
  private static final String NONE = "none";
  private static final String PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL";

  /** Which may hold a key, and so may come from a file, as our own secrets do. */
  private static final List<String> HEADERS =
      List.of("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS");

  private static final String HTTP = "http/protobuf";
  private static final String ZIPKIN_ENDPOINT = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
  private static final String ZIPKIN_TIMEOUT = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";

  private TracingSettings() {}

  /** Empty if nothing is to be told. */
  static Optional<OpenTelemetrySdk> sdk(String group, Settings settings) {
    Map<String, String> env = new HashMap<>(settings.beginningWith("OTEL_"));
    for (String secret : HEADERS) {
      settings.optional(secret).ifPresent(value -> env.put(secret, value));
    }
    String exporter = exporter(env);
    if (exporter.equals(NONE)) {
      return Optional.empty();
    }
    if (!exporter.equals(OTLP) && !exporter.equals(ZIPKIN)) {
      settings.fault(EXPORTER, exporter, "must be otlp, zipkin or none");
    }
    if (exporter.equals(OTLP)) {
      for (String protocol : List.of(PROTOCOL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")) {
        if (!env.getOrDefault(protocol, HTTP).equals(HTTP)) {
          settings.fault(protocol, env.get(protocol), "must be " + HTTP);
        }
      }
    }
    long millis = settings.wholeNumber(ZIPKIN_TIMEOUT, 10_000, 1, 600_000);
    settings.complete(() -> null);
    try {
      return Optional.of(build(group, env, exporter, (int) millis));
    } catch (ConfigurationException | IllegalArgumentException | IllegalStateException wrong) {
      // Their names alone: a header may be a key.
      settings.fault(
          String.join(", ", new TreeSet<>(env.keySet())), "***", String.valueOf(reason(wrong)));
      settings.complete(() -> null);
      return Optional.empty();
    }
  }

  private static String reason(Throwable wrong) {
    return wrong.getCause() instanceof IllegalArgumentException cause
        ? wrong.getMessage() + ": " + cause.getMessage()
        : wrong.getMessage();
  }

  private static String exporter(Map<String, String> env) {
    if (Boolean.parseBoolean(env.get("OTEL_SDK_DISABLED"))) {
      return NONE;
    }
    boolean endpoint =
        env.containsKey("OTEL_EXPORTER_OTLP_ENDPOINT")
            || env.containsKey("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    return env.getOrDefault(EXPORTER, endpoint ? OTLP : NONE);
  }

  private static OpenTelemetrySdk build(
      String group, Map<String, String> env, String exporter, int zipkinMillis) {
    Map<String, String> properties = new HashMap<>();
    env.forEach((name, value) -> properties.put(property(name), value));
    properties.put("otel.exporter.otlp.protocol", HTTP);
    properties.put("otel.exporter.otlp.traces.protocol", HTTP);
    properties.put("otel.metrics.exporter", NONE); // Prometheus has them
    properties.put("otel.logs.exporter", NONE);
    properties.put("otel.propagators", "tracecontext"); // no baggage, which would leave with calls
    // Zipkin's own provider would come with a client that is not here, so it takes OTLP's place.
    properties.put("otel.traces.exporter", OTLP);
    return AutoConfiguredOpenTelemetrySdk.builder()
        .disableShutdownHook() // the drain closes it, when all has ended
        .addPropertiesCustomizer(all -> properties)
        .addResourceCustomizer((resource, all) -> named(resource, group))
        .addTracerProviderCustomizer((p, all) -> p.setIdGenerator(NamedTraces.INSTANCE))
        .addSpanExporterCustomizer(
            (otlp, all) -> {
              if (exporter.equals(OTLP)) {
                return otlp;
              }
              otlp.shutdown();
              return zipkin(env, zipkinMillis);
            })
        .build()
        .getOpenTelemetrySdk();
  }

  /** By the variables, else by the group. */
  private static Resource named(Resource resource, String group) {
    AttributeKey<String> name = AttributeKey.stringKey("service.name");
    String told = resource.getAttribute(name);
    return told == null || told.startsWith("unknown_service")
        ? resource.merge(Resource.create(Attributes.of(name, group)))
        : resource;
  }

  /** Deprecated in favour of OTLP, which no released Zipkin server takes yet. */
  @SuppressWarnings("deprecation")
  private static SpanExporter zipkin(Map<String, String> env, int millis) {
    return io.opentelemetry.exporter.zipkin.ZipkinSpanExporter.builder()
        .setSender(
            (BytesMessageSender)
                URLConnectionSender.newBuilder()
                    .endpoint(
                        env.getOrDefault(ZIPKIN_ENDPOINT, "http://localhost:9411/api/v2/spans"))
                    .connectTimeout(millis)
                    .readTimeout(millis)
                    .build())
        .build();
  }

  private static String property(String variable) {
    return variable.toLowerCase(Locale.ROOT).replace('_', '.');
  }
}
