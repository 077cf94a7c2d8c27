package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;
import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: streams and consumers that NACK owns are those that the services ask for. Method: a real
 * broker is given each resource as NACK would give it, and then every service as production
 * configures it, which may create nothing, has to become ready.
 */
class KubeStreamsTest {

  private static final String OVERLAY = "overlays/production-nack";
  private static final Duration ANSWER = Duration.ofSeconds(20);

  /** How NACK's fields are called in the broker's API, where that is another name. */
  private static final Map<String, String> NAMES =
      Map.of(
          "replicas", "num_replicas",
          "allowAtomicPublish", "allow_atomic",
          "streamName", "stream_name",
          "durableName", "durable_name");

  @TempDir Path folder;

  @Test
  void the_resources_are_the_catalogue() {
    assertThat(names("Stream", "name"))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(StreamCatalog.STREAMS.stream(), StreamCatalog.OPTIONAL_STREAMS.stream())
                .map(StreamCatalog.StreamSpec::name)
                .toList());
    assertThat(names("Consumer", "durableName"))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(
                    StreamCatalog.CONSUMERS.stream(), StreamCatalog.OPTIONAL_CONSUMERS.stream())
                .flatMap(spec -> Stream.of(spec, spec.redriven()))
                .map(StreamCatalog.ConsumerSpec::name)
                .toList());
    for (String kind : List.of("Stream", "Consumer")) {
      assertThat(of(kind))
          .allSatisfy(
              resource ->
                  assertThat(resource.json().at("/spec/preventDelete").asBoolean())
                      .as("%s: no order goes with a resource", resource)
                      .isTrue());
    }
    long sum =
        of("Stream").stream()
            .mapToLong(stream -> stream.json().at("/spec/maxBytes").asLong())
            .sum();
    assertThat(sum)
        .as("as large as STREAM_MAX_BYTES makes them")
        .isEqualTo(StreamCatalog.maxBytesOfAll(Long.parseLong(settings().get("STREAM_MAX_BYTES"))));
  }

  @Test
  void every_service_is_ready_with_what_the_resources_create_and_creates_nothing()
      throws Exception {
    try (NatsServer server =
        NatsServer.start(
            NatsServerBinary.require(ProjectRoot.toolsFolder()),
            NatsServerConfig.in(folder).port(0).maxFileStore(64L << 30).build())) {
      Connection connection = Nats.connect(server.url());
      try {
        create_all(connection);
      } finally {
        connection.close();
      }
      for (VerticleGroup group : KubeVariables.GROUPS) {
        if (!group.streams().isEmpty()) {
          becomes_ready(group, server.url());
        }
      }
    }
  }

  private static void create_all(Connection connection) throws Exception {
    for (KubeObject stream : of("Stream")) {
      JsonObject config = config(stream.json().path("spec")).put("num_replicas", 1);
      ask(connection, "STREAM.CREATE." + config.getString("name"), config);
    }
    for (KubeObject consumer : of("Consumer")) {
      JsonObject config = config(consumer.json().path("spec"));
      String stream = (String) config.remove("stream_name");
      ask(
          connection,
          "CONSUMER.CREATE." + stream + "." + config.getString("durable_name"),
          new JsonObject()
              .put("stream_name", stream)
              .put("config", config)
              .put("action", "create"));
    }
  }

  private static void becomes_ready(VerticleGroup group, String natsUrl) throws Exception {
    Map<String, String> env = new HashMap<>(settings());
    assertThat(env).containsEntry("PROVISION", "false");
    env.put("NATS_URL", natsUrl);
    env.put("STREAM_REPLICAS", "1");
    env.put("HTTP_PORT", "0");
    env.put("HOST", "127.0.0.1");
    env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:1");
    env.put("PAYMENT_GATEWAY_KEY", "sk_test_of_no_gateway");
    Platform platform = Platform.start();
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, "test").await(30, TimeUnit.SECONDS);
      String ready = "http://127.0.0.1:" + running.port() + "/ready";
      eventually(
          group.name() + " is ready",
          Duration.ofSeconds(60),
          () -> Http.get(ready).status(),
          status -> status == 200);
      running.drain().await(40, TimeUnit.SECONDS);
    } finally {
      platform.close().await(20, TimeUnit.SECONDS);
    }
  }

  private static void ask(Connection connection, String call, JsonObject request) throws Exception {
    byte[] answer =
        connection
            .request("$JS.API." + call, request.encode().getBytes(StandardCharsets.UTF_8), ANSWER)
            .getData();
    JsonObject json = new JsonObject(new String(answer, StandardCharsets.UTF_8));
    assertThat(json.getJsonObject("error")).as("%s %s", call, request).isNull();
  }

  /** A resource's spec in the broker's words; what is for NACK alone is left out. */
  private static JsonObject config(JsonNode spec) {
    JsonObject config = new JsonObject();
    spec.properties().stream()
        .filter(field -> !List.of("account", "preventDelete").contains(field.getKey()))
        .forEach(
            field ->
                config.put(
                    NAMES.getOrDefault(field.getKey(), snakeCase(field.getKey())),
                    value(field.getKey(), field.getValue())));
    return config;
  }

  private static Object value(String name, JsonNode value) {
    if (name.equals("duplicateWindow") || name.equals("ackWait")) {
      return Duration.parse("PT" + value.asText().toUpperCase(Locale.ROOT)).toNanos();
    }
    if (value.isArray()) {
      return new JsonArray(list(value).map(JsonNode::asText).toList());
    }
    if (value.isBoolean()) {
      return value.asBoolean();
    }
    return value.isNumber() ? (Object) value.asLong() : value.asText();
  }

  private static String snakeCase(String name) {
    return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  /** What every service of the overlay reads. */
  private static Map<String, String> settings() {
    return of("ConfigMap").stream()
        .map(map -> KubeObject.texts(map.json().path("data")))
        .filter(data -> data.containsKey("NATS_URL"))
        .findFirst()
        .orElseThrow();
  }

  private static Set<String> names(String kind, String field) {
    return of(kind).stream()
        .map(resource -> resource.json().path("spec").path(field).asText())
        .collect(Collectors.toSet());
  }

  private static List<KubeObject> of(String kind) {
    return KubeFolder.render(OVERLAY).stream()
        .filter(object -> object.kind().equals(kind))
        .toList();
  }
}
