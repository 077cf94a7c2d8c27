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
import io.holdfast.system.security.LimitedUsers;
import io.holdfast.testkit.Http;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
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
 * Goal: streams and consumers that NACK owns are those that the services ask for, and it may make
 * them. Method: a real broker with production's users is given each resource as NACK would give it,
 * by the user and with the requests that NACK has; then every service as production configures it,
 * which may create nothing, has to become ready.
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
            NatsServerConfig.in(folder)
                .port(0)
                .maxFileStore(64L << 30)
                .extra(LimitedUsers.authorization(""))
                .build())) {
      Connection nack = nack(server.url());
      try {
        create_all(nack);
        may_delete_nothing(nack);
      } finally {
        nack.close();
      }
      try (Stream<String> log = Files.lines(server.logFile())) {
        assertThat(log.filter(line -> line.contains("Violation")))
            .as("refused by the broker")
            .allMatch(line -> line.contains(".DELETE."));
      }
      for (VerticleGroup group : KubeVariables.GROUPS) {
        if (!group.streams().isEmpty()) {
          becomes_ready(group, server.url());
        }
      }
    }
  }

  /** As whom the Account has it connect; it has its answers sent where its library chooses. */
  private static Connection nack(String url) throws Exception {
    JsonNode user = of("Account").getFirst().json().at("/spec/user/secret/name");
    Map<String, String> login = LimitedUsers.variables(user.asText().replaceFirst("^nats-", ""));
    return Nats.connect(
        new Options.Builder()
            .server(url)
            .userInfo(
                login.get("NATS_USER").toCharArray(), login.get("NATS_PASSWORD").toCharArray())
            .build());
  }

  /** Looks, creates, and looks and updates where a resource has changed since. */
  private static void create_all(Connection nack) throws Exception {
    for (KubeObject stream : of("Stream")) {
      JsonObject config = config(stream.json().path("spec")).put("num_replicas", 1);
      String name = config.getString("name");
      assertThat(error(nack, "STREAM.INFO." + name, new JsonObject())).contains("not found");
      ask(nack, "STREAM.CREATE." + name, config);
      ask(nack, "STREAM.INFO." + name, new JsonObject());
      ask(nack, "STREAM.UPDATE." + name, config);
    }
    for (KubeObject consumer : of("Consumer")) {
      JsonObject config = config(consumer.json().path("spec"));
      String stream = (String) config.remove("stream_name");
      config.put("name", config.getString("durable_name"));
      String name = stream + "." + config.getString("name");
      String call = "CONSUMER.CREATE." + name;
      JsonArray filters = config.getJsonArray("filter_subjects");
      if (filters.size() == 1) { // then it goes by another name, and is part of the request's
        config.remove("filter_subjects");
        config.put("filter_subject", filters.getString(0));
        call += "." + filters.getString(0);
      }
      JsonObject request = new JsonObject().put("stream_name", stream).put("config", config);
      assertThat(error(nack, "CONSUMER.INFO." + name, new JsonObject())).contains("not found");
      ask(nack, call, request);
      ask(nack, "CONSUMER.INFO." + name, new JsonObject());
      ask(nack, call, request);
    }
  }

  /** What its resources forbid it by preventDelete, the broker would not let it do either. */
  private static void may_delete_nothing(Connection nack) throws Exception {
    byte[] nothing = new byte[0];
    assertThat(nack.request("$JS.API.STREAM.DELETE.ORDERS", nothing, Duration.ofSeconds(1)))
        .isNull();
    assertThat(
            nack.request(
                "$JS.API.CONSUMER.DELETE.ORDERS.inventory-reserve", nothing, Duration.ofSeconds(1)))
        .isNull();
    ask(nack, "CONSUMER.INFO.ORDERS.inventory-reserve", new JsonObject());
  }

  private static void becomes_ready(VerticleGroup group, String natsUrl) throws Exception {
    Map<String, String> env = new HashMap<>(settings());
    assertThat(env).containsEntry("PROVISION", "false");
    env.putAll(LimitedUsers.variables(group.name()));
    env.put("NATS_URL", natsUrl);
    env.put("STREAM_REPLICAS", "1");
    env.put("HTTP_PORT", "0");
    env.put("HOST", "127.0.0.1");
    env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:1");
    env.put("PAYMENT_GATEWAY_KEY", "sk_test_of_no_gateway");
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    Platform platform = Platform.start();
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, group.name()).await(30, TimeUnit.SECONDS);
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
    assertThat(error(connection, call, request)).as("%s %s", call, request).isEmpty();
  }

  /** What the broker has against it; empty if nothing. */
  private static String error(Connection connection, String call, JsonObject request)
      throws Exception {
    byte[] body = request.encode().getBytes(StandardCharsets.UTF_8);
    Message answer = connection.request("$JS.API." + call, body, ANSWER);
    assertThat(answer).as("an answer to %s", call).isNotNull();
    JsonObject json = new JsonObject(new String(answer.getData(), StandardCharsets.UTF_8));
    return json.getJsonObject("error", new JsonObject()).getString("description", "");
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
