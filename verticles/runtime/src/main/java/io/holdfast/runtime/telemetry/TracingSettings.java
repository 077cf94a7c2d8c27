package io.holdfast.runtime.telemetry;

import io.holdfast.runtime.config.Settings;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
  private static final String HTTP = "http/protobuf";
  private static final String ZIPKIN_ENDPOINT = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";

  private TracingSettings() {}

  /** Empty if nothing is to be told. */
  static Optional<OpenTelemetrySdk> sdk(String group, Settings settings) {
    Map<String, String> env = settings.beginningWith("OTEL_");
    String exporter = exporter(env);
    if (!exporter.equals(OTLP) && !exporter.equals(ZIPKIN)) {
      if (!exporter.equals(NONE)) {
        settings.fault(EXPORTER, exporter, "must be otlp, zipkin or none");
        settings.complete(() -> null);
      }
      return Optional.empty();
    }
    if (exporter.equals(OTLP) && !env.getOrDefault(PROTOCOL, HTTP).equals(HTTP)) {
      settings.fault(PROTOCOL, env.get(PROTOCOL), "must be " + HTTP);
      settings.complete(() -> null);
    }
    try {
      return Optional.of(build(group, env, exporter));
    } catch (ConfigurationException | IllegalArgumentException wrong) {
      settings.fault("OTEL_*", String.join(", ", env.keySet()), wrong.getMessage());
      settings.complete(() -> null);
      return Optional.empty();
    }
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

  private static OpenTelemetrySdk build(String group, Map<String, String> env, String exporter) {
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.service.name", group);
    properties.put("otel.exporter.otlp.protocol", HTTP);
    env.forEach((name, value) -> properties.put(property(name), value));
    properties.put("otel.metrics.exporter", NONE); // Prometheus has them
    properties.put("otel.logs.exporter", NONE);
    properties.put("otel.propagators", "tracecontext"); // no baggage, which would leave with calls
    if (exporter.equals(ZIPKIN)) {
      properties.put(
          "otel.traces.exporter", NONE); // its own would come with a client that is not here
    } else {
      properties.put("otel.traces.exporter", OTLP);
    }
    return AutoConfiguredOpenTelemetrySdk.builder()
        .disableShutdownHook() // the drain closes it, when all has ended
        .addPropertiesCustomizer(all -> properties)
        .addTracerProviderCustomizer(
            (provider, all) ->
                exporter.equals(ZIPKIN)
                    ? provider.addSpanProcessor(BatchSpanProcessor.builder(zipkin(env)).build())
                    : provider)
        .build()
        .getOpenTelemetrySdk();
  }

  /** Deprecated in favour of OTLP, which no released Zipkin server takes yet. */
  @SuppressWarnings("deprecation")
  private static SpanExporter zipkin(Map<String, String> env) {
    return io.opentelemetry.exporter.zipkin.ZipkinSpanExporter.builder()
        .setSender(
            (BytesMessageSender)
                URLConnectionSender.create(
                    env.getOrDefault(ZIPKIN_ENDPOINT, "http://localhost:9411/api/v2/spans")))
        .build();
  }

  private static String property(String variable) {
    return variable.toLowerCase(Locale.ROOT).replace('_', '.');
  }
}
