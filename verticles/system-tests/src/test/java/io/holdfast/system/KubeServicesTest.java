package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;
import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: the manifests and the programs mean the same. Method: each program is started with what its
 * rendered container is given (but for addresses and folders), and asked what the manifests say
 * that it answers.
 */
class KubeServicesTest {

  private static final String OVERLAY = "overlays/local";
  private static final String PRODUCTION = "overlays/production";

  @TempDir Path folder;

  static Stream<Arguments> every_group_of_every_overlay() {
    return KubeFolder.overlays().stream()
        .flatMap(
            overlay ->
                KubeFolder.render(overlay).stream()
                    .filter(object -> object.isOurs() && object.isWorkload())
                    .map(deployment -> Arguments.of(overlay, deployment)));
  }

  static Stream<Arguments> every_group_of_local_and_production() {
    return every_group_of_every_overlay()
        .filter(arguments -> Set.of(OVERLAY, PRODUCTION).contains((String) arguments.get()[0]));
  }

  @ParameterizedTest
  @MethodSource("every_group_of_every_overlay")
  void a_group_reads_every_variable_that_its_container_is_given(
      String overlay, KubeObject deployment) {
    Set<String> given = Set.copyOf(environment(overlay, deployment).keySet());
    assertThat(given).contains("NATS_URL", "HTTP_PORT");
    assertThat(KubeVariables.unreadBy(KubeVariables.group(deployment.name()), given)).isEmpty();
  }

  @Test
  void whoever_provisions_reads_every_variable_that_its_container_is_given() {
    Set<String> given =
        Set.copyOf(environment(PRODUCTION, object(PRODUCTION, "Job", "provision")).keySet());
    assertThat(given).contains("NATS_URL", "NATS_USER", "STREAM_REPLICAS");
    assertThat(KubeVariables.unreadByAll(given)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("every_group_of_local_and_production")
  void a_group_starts_with_its_configuration_and_answers_its_probes_where_its_metrics_are(
      String overlay, KubeObject deployment) throws Exception {
    VerticleGroup group = KubeVariables.group(deployment.name());
    Map<String, String> env = environment(overlay, deployment);
    // There is no broker to log in at.
    env.keySet().removeAll(Set.of("NATS_USER", "NATS_PASSWORD", "NATS_TLS_CA"));
    placeFiles(overlay, deployment, env);
    CommonSettings settings = CommonSettings.read(new Settings(env), 1);
    int management = settings.managementPort().orElse(settings.httpPort());
    assertThat(port(deployment, "http")).isEqualTo(settings.httpPort());
    for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
      JsonNode port = deployment.container().path(probe).at("/httpGet/port");
      assertThat(deployment.port(port).orElseThrow().path("containerPort").asInt())
          .as(probe)
          .isEqualTo(management);
    }
    JsonNode annotations = deployment.json().at("/spec/template/metadata/annotations");
    assertThat(annotations.path("prometheus.io/port").asInt()).isEqualTo(management);

    env.put("HTTP_PORT", "0");
    env.computeIfPresent("MANAGEMENT_PORT", (name, port) -> "0");
    env.put("HOST", "127.0.0.1");
    env.put("NATS_URL", "nats://127.0.0.1:1"); // no broker: alive, but not ready
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    Platform platform = Platform.start();
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, "test").await(20, TimeUnit.SECONDS);
      String url = "http://127.0.0.1:" + running.managementPort();
      String metrics = annotations.path("prometheus.io/path").asText();
      assertThat(Http.get(url + probePath(deployment, "startupProbe")).status()).isEqualTo(200);
      assertThat(Http.get(url + probePath(deployment, "livenessProbe")).status()).isEqualTo(200);
      assertThat(Http.get(url + metrics).status()).isEqualTo(200);
      int ready = group.streams().isEmpty() ? 200 : 503;
      eventually(
          "readiness answers " + ready,
          () -> Http.get(url + probePath(deployment, "readinessProbe")).status() == ready);
      if (running.managementPort() != running.port()) {
        assertThat(Http.get("http://127.0.0.1:" + running.port() + metrics).status())
            .as("nobody who may send requests sees the metrics")
            .isEqualTo(404);
      }
      running.drain().await(20, TimeUnit.SECONDS);
    } finally {
      platform.close().await(20, TimeUnit.SECONDS);
    }
  }

  @ParameterizedTest
  @MethodSource("every_group_of_every_overlay")
  void a_pod_is_given_the_time_that_its_drain_may_take(String overlay, KubeObject deployment) {
    Map<String, String> env = environment(overlay, deployment);
    env.keySet().removeIf(variable -> variable.endsWith("_FILE") || variable.startsWith("NATS_"));
    CommonSettings settings = CommonSettings.read(new Settings(env), 1);
    long drain = settings.drainGrace().plus(settings.drainTimeout()).toSeconds();
    long preStop = deployment.container().at("/lifecycle/preStop/sleep/seconds").asLong();
    assertThat(preStop).isPositive();
    // After a drain the connection to the broker is closed, for which there are 10 s more.
    assertThat(deployment.pod().path("terminationGracePeriodSeconds").asLong())
        .isGreaterThan(preStop + drain + 10);
  }

  @Test
  void the_broker_takes_its_configuration_keeps_what_it_acknowledged_and_answers_its_probes()
      throws Exception {
    KubeObject nats = object("StatefulSet", "nats");
    String config =
        KubeFolder.render(OVERLAY).stream()
            .map(object -> object.json().at("/data/nats.conf").asText())
            .filter(text -> !text.isEmpty())
            .findFirst()
            .orElseThrow();
    Path data = Files.createDirectory(folder.resolve("data"));
    Path file = folder.resolve("nats.conf");
    Files.writeString(
        file,
        "ports_file_dir: \""
            + folder
            + "\"\n"
            + config
                .replace("0.0.0.0:" + port(nats, "client"), "127.0.0.1:-1")
                .replace("0.0.0.0:" + port(nats, "monitor"), "127.0.0.1:-1")
                .replace("\"/data\"", "\"" + data + "\""));
    assertThat(list(nats.container().path("volumeMounts")).map(m -> m.path("mountPath").asText()))
        .contains("/data");

    ProcessBuilder command =
        new ProcessBuilder(
                NatsServerBinary.require(ProjectRoot.toolsFolder()).path().toString(),
                "--config",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile());
    command.environment().put("POD_NAME", "nats-0");
    Process server = command.start();
    try {
      String monitor = monitorAddress(server);
      for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
        String path = probePath(nats, probe);
        eventually(probe, () -> Http.get(monitor + path).status() == 200);
      }
      JsonObject settings = Http.get(monitor + "/varz").json();
      JsonObject jetStream = settings.getJsonObject("jetstream").getJsonObject("config");
      assertThat(settings.getString("server_name")).isEqualTo("nats-0");
      assertThat(jetStream.getBoolean("sync_always")).isTrue();
      assertThat(Path.of(jetStream.getString("store_dir"))).startsWith(data);
      storage_is_large_enough(nats, jetStream.getLong("max_storage"));
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private static void storage_is_large_enough(KubeObject nats, long maxStorage) {
    Map<String, String> orders = environment(OVERLAY, deployment("orders"));
    orders.keySet().removeIf(variable -> variable.endsWith("_FILE"));
    long each = CommonSettings.read(new Settings(orders), 1).streamMaxBytes();
    String volume =
        nats.json().at("/spec/volumeClaimTemplates/0/spec/resources/requests/storage").asText();
    assertThat(volume).matches("\\d+Gi");
    assertThat(StreamCatalog.maxBytesOfAll(each)).isLessThanOrEqualTo(maxStorage);
    assertThat(maxStorage).isLessThan(Long.parseLong(volume.replace("Gi", "")) << 30);
  }

  /** Where the monitoring listens, from the file that the server writes once it does. */
  private String monitorAddress(Process server) {
    return eventually(
        "nats-server has written its ports",
        () -> {
          assertThat(server.isAlive()).as(Files.readString(folder.resolve("log"))).isTrue();
          try (Stream<Path> files = Files.list(folder)) {
            Path ports =
                files.filter(file -> file.toString().endsWith(".ports")).findFirst().orElseThrow();
            return new JsonObject(Files.readString(ports)).getJsonArray("monitoring").getString(0);
          }
        },
        address -> address.startsWith("http://"));
  }

  private static int port(KubeObject workload, String name) {
    return list(workload.container().path("ports"))
        .filter(port -> port.path("name").asText().equals(name))
        .findFirst()
        .orElseThrow()
        .path("containerPort")
        .asInt();
  }

  private static String probePath(KubeObject workload, String probe) {
    return workload.container().path(probe).at("/httpGet/path").asText();
  }

  /** Puts the mounted folders, and the secrets' files in them, below the test's own folder. */
  private void placeFiles(String overlay, KubeObject deployment, Map<String, String> env)
      throws IOException {
    for (JsonNode mount : deployment.container().path("volumeMounts")) {
      String path = mount.path("mountPath").asText();
      Path here = Files.createDirectories(folder.resolve(path.substring(1)));
      JsonNode volume = deployment.volume(mount.path("name").asText());
      if (volume.has("secret")) {
        String secret = "Secret/" + volume.at("/secret/secretName").asText();
        for (KubeObject object : KubeFolder.render(overlay)) {
          if (object.id().equals(secret)) {
            for (var entry : KubeObject.texts(object.json().path("data")).entrySet()) {
              Files.write(
                  here.resolve(entry.getKey()), Base64.getDecoder().decode(entry.getValue()));
            }
          }
        }
        for (String file : List.copyOf(env.values())) {
          if (file.startsWith(path + "/")) { // production's secrets are made outside of it
            Path there = here.resolve(file.substring(path.length() + 1));
            if (!Files.exists(there)) {
              Files.writeString(there, "of-a-secret");
            }
          }
        }
      }
      env.replaceAll(
          (name, value) ->
              value.startsWith(path + "/")
                  ? here.resolve(value.substring(path.length() + 1)).toString()
                  : value);
    }
  }

  /** What the kubelet would set. */
  private static Map<String, String> environment(String overlay, KubeObject deployment) {
    Map<String, String> env = new HashMap<>();
    for (JsonNode from : deployment.container().path("envFrom")) {
      String map = from.at("/configMapRef/name").asText();
      env.putAll(KubeObject.texts(object(overlay, "ConfigMap", map).json().path("data")));
    }
    for (JsonNode variable : deployment.container().path("env")) {
      JsonNode from = variable.path("valueFrom");
      String value;
      if (from.has("configMapKeyRef")) {
        value = value(overlay, "ConfigMap", from.path("configMapKeyRef"));
      } else if (from.has("secretKeyRef")) {
        value = "of-a-secret"; // none is in an overlay
      } else {
        value = variable.path("value").asText();
      }
      env.put(variable.path("name").asText(), value);
    }
    return env;
  }

  private static String value(String overlay, String kind, JsonNode reference) {
    KubeObject object = object(overlay, kind, reference.path("name").asText());
    return object.json().path("data").path(reference.path("key").asText()).asText();
  }

  private static KubeObject deployment(String name) {
    return object("Deployment", name);
  }

  private static KubeObject object(String kind, String name) {
    return object(OVERLAY, kind, name);
  }

  private static KubeObject object(String overlay, String kind, String name) {
    return KubeFolder.render(overlay).stream()
        .filter(object -> object.id().equals(kind + "/" + name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("kube/" + overlay + " has no " + kind + "/" + name));
  }
}
