package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;
import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestCertificates;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: production's brokers take their configuration, join over TLS and hold what the streams may
 * grow to. Method: three real nats-servers with the rendered file, of which only addresses and
 * folders are changed.
 */
class KubeBrokerTest {

  private static final String OVERLAY = "overlays/production";
  private static final Pattern USER = Pattern.compile("(?m)^ *user: ([a-z]+),");
  private static final Duration WHOLE = Duration.ofSeconds(90);

  @TempDir Path folder;

  @Test
  void three_brokers_become_one_cluster_over_tls_and_answer_their_probes() throws Exception {
    KubeObject nats = object("StatefulSet/nats");
    List<Integer> free = FreePorts.some(9);
    Path certificates = certificates();
    List<Process> servers = new ArrayList<>();
    try {
      for (int node = 0; node < 3; node++) {
        servers.add(start(node, free, certificates));
      }
      for (int node = 0; node < 3; node++) {
        String monitor = "http://127.0.0.1:" + free.get(3 + node);
        Process server = servers.get(node);
        Path log = folder.resolve("nats-" + node + ".log");
        for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
          String path = nats.container().path(probe).at("/httpGet/path").asText();
          eventually(
              "nats-" + node + " answers its " + probe,
              WHOLE,
              () -> {
                assertThat(server.isAlive()).as(() -> read(log)).isTrue();
                return Http.get(monitor + path).status();
              },
              status -> status == 200);
        }
        JsonObject settings =
            eventually(
                "nats-" + node + " tells that it asks who comes",
                WHOLE,
                () -> Http.get(monitor + "/varz").json(),
                varz -> varz.getBoolean("auth_required", false));
        assertThat(settings.getString("server_name")).isEqualTo("nats-" + node);
        assertThat(settings.getBoolean("tls_required")).isTrue();
        assertThat(settings.getJsonObject("cluster").getBoolean("tls_required")).isTrue();
        assertThat(settings.getJsonObject("cluster").getBoolean("tls_verify")).isTrue();
        assertThat(settings.getJsonArray("connect_urls"))
            .as("no client is told of a pod's address, which no certificate bears")
            .isNullOrEmpty();
        JsonObject jetStream = settings.getJsonObject("jetstream").getJsonObject("config");
        assertThat(jetStream.getBoolean("sync_always")).isTrue();
        storage_is_large_enough(nats, jetStream.getLong("max_storage"));
        eventually(
            "nats-" + node + " knows a leader among three",
            WHOLE,
            () -> Http.get(monitor + "/jsz").json().getJsonObject("meta_cluster"),
            meta ->
                meta != null
                    && meta.getInteger("cluster_size") == 3
                    && !meta.getString("leader", "").isEmpty());
      }
    } finally {
      for (Process server : servers) {
        server.destroyForcibly().waitFor();
      }
    }
  }

  @Test
  void a_rollout_tells_the_broker_by_the_file_that_it_writes() {
    KubeObject nats = object("StatefulSet/nats");
    assertThat(list(nats.container().at("/lifecycle/preStop/exec/command")).map(JsonNode::asText))
        .containsExactly("nats-server", "--signal", "ldm=/run/nats/nats.pid");
    assertThat(config()).contains("pid_file: \"/run/nats/nats.pid\"");
    assertThat(list(nats.container().path("volumeMounts")).map(m -> m.path("mountPath").asText()))
        .contains("/run/nats", "/data", "/etc/nats", "/etc/nats-tls");
    // lame_duck_duration and some for the streams' leaders
    assertThat(config()).contains("lame_duck_duration: 30s");
    assertThat(nats.pod().path("terminationGracePeriodSeconds").asInt()).isGreaterThan(30 + 20);
  }

  @Test
  void every_user_of_the_broker_has_a_secret_and_every_program_is_one_of_them() {
    Set<String> users = new TreeSet<>();
    USER.matcher(config("auth.conf")).results().forEach(user -> users.add(user.group(1)));
    assertThat(users).contains("provision");
    Set<String> secrets = new TreeSet<>();
    list(object("StatefulSet/nats").container().path("env"))
        .filter(env -> !env.at("/valueFrom/secretKeyRef").isMissingNode())
        .forEach(
            env -> {
              String secret = env.at("/valueFrom/secretKeyRef/name").asText();
              String user = secret.replaceFirst("^nats-", "");
              assertThat(env.path("name").asText())
                  .isEqualTo("NATS_PASSWORD_" + user.toUpperCase(Locale.ROOT));
              assertThat(config("auth.conf"))
                  .contains("user: " + user + ", password: $" + env.path("name").asText());
              secrets.add(user);
            });
    assertThat(secrets).isEqualTo(users);
    assertThat(users)
        .containsAll(
            KubeFolder.render(OVERLAY).stream()
                .filter(KubeObject::isOurs)
                .map(KubeObject::name)
                .toList());
  }

  @Test
  void the_charts_values_give_the_same_broker() {
    JsonNode values = KubeFolder.read(KubeFolder.ROOT.resolve("nats-chart/values.yaml")).getFirst();
    KubeObject nats = object("StatefulSet/nats");
    JsonNode container = nats.container();
    assertThat(values.path("fullnameOverride").asText()).isEqualTo(nats.name());
    assertThat(values.at("/config/cluster/replicas")).isEqualTo(nats.json().at("/spec/replicas"));
    for (String section : List.of("cluster", "nats")) {
      assertThat(values.path("config").path(section).at("/tls/enabled").asBoolean()).isTrue();
      assertThat(values.path("config").path(section).at("/tls/secretName").asText())
          .isEqualTo(nats.volume("tls").at("/secret/secretName").asText());
    }
    assertThat(values.at("/config/cluster/tls/merge/verify").asBoolean()).isTrue();
    JsonNode store = values.at("/config/jetstream");
    assertThat(store.at("/merge/sync_interval").asText()).isEqualTo("always");
    assertThat(config())
        .contains("max_file_store: " + store.at("/fileStore/maxSize").asText().replace("Gi", "GB"));
    assertThat(store.at("/fileStore/pvc/size")).isEqualTo(volume(nats));
    assertThat(container.path("image").asText())
        .isEqualTo("nats:" + values.at("/container/image/tag").asText());
    assertThat(values.at("/container/merge/resources")).isEqualTo(container.path("resources"));
    assertThat(values.at("/podTemplate/merge/spec/securityContext"))
        .isEqualTo(nats.pod().path("securityContext"));
    JsonNode given = values.at("/container/env");
    for (JsonNode env : container.path("env")) {
      JsonNode same = given.path(env.path("name").asText());
      if (env.has("value")) {
        assertThat(same).isEqualTo(env.path("value"));
      } else if (env.path("valueFrom").has("secretKeyRef")) {
        assertThat(same.path("valueFrom")).isEqualTo(env.path("valueFrom"));
      }
    }
  }

  private static void storage_is_large_enough(KubeObject nats, long maxStorage) {
    long each =
        KubeFolder.render(OVERLAY).stream()
            .map(object -> object.json().at("/data/STREAM_MAX_BYTES").asText())
            .filter(text -> !text.isEmpty())
            .mapToLong(Long::parseLong)
            .findFirst()
            .orElseThrow();
    assertThat(StreamCatalog.maxBytesOfAll(each)).isLessThanOrEqualTo(maxStorage);
    assertThat(volume(nats).asText()).matches("\\d+Gi");
    assertThat(maxStorage)
        .isLessThan(Long.parseLong(volume(nats).asText().replace("Gi", "")) << 30);
  }

  private static JsonNode volume(KubeObject nats) {
    return nats.json().at("/spec/volumeClaimTemplates/0/spec/resources/requests/storage");
  }

  /** Ports: three for clients, three for the monitoring, three for the routes. */
  private Process start(int node, List<Integer> free, Path certificates) throws IOException {
    String config =
        config()
            .replace("0.0.0.0:4222", "127.0.0.1:" + free.get(node))
            .replace("0.0.0.0:8222", "127.0.0.1:" + free.get(3 + node))
            .replace("0.0.0.0:6222", "127.0.0.1:" + free.get(6 + node))
            .replace("\"/data\"", "\"" + folder.resolve("data-" + node) + "\"")
            .replace("/run/nats/", folder.resolve("run-" + node) + "-")
            .replace("/etc/nats-tls/", certificates + "/");
    for (int peer = 0; peer < 3; peer++) {
      config =
          config.replace("nats-" + peer + ".nats-headless:6222", "127.0.0.1:" + free.get(6 + peer));
    }
    Set<String> left =
        config.lines().filter(line -> line.contains("nats-headless")).collect(Collectors.toSet());
    assertThat(left).isEmpty();
    Files.writeString(folder.resolve("auth.conf"), config("auth.conf"));
    Path file = Files.writeString(folder.resolve("nats-" + node + ".conf"), config);
    ProcessBuilder command =
        new ProcessBuilder(
                NatsServerBinary.require(ProjectRoot.toolsFolder()).path().toString(),
                "--config",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("nats-" + node + ".log").toFile());
    command.environment().put("POD_NAME", "nats-" + node);
    // Only what the pod is given, so that a user whose password it lacks stops the start.
    list(object("StatefulSet/nats").container().path("env"))
        .filter(env -> !env.at("/valueFrom/secretKeyRef").isMissingNode())
        .forEach(env -> command.environment().put(env.path("name").asText(), "p0a1"));
    return command.start();
  }

  private static String config() {
    return config("nats.conf");
  }

  private static String config(String file) {
    return KubeFolder.render(OVERLAY).stream()
        .map(object -> object.json().path("data").path(file).asText())
        .filter(text -> !text.isEmpty())
        .findFirst()
        .orElseThrow();
  }

  private static KubeObject object(String id) {
    return KubeFolder.render(OVERLAY).stream()
        .filter(object -> object.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** What production's Secret {@code nats-server} holds: a certificate of a CA of our own. */
  private Path certificates() throws Exception {
    TestCertificates made =
        TestCertificates.in(folder.resolve("authority")).issue("nats", "dns:nats,ip:127.0.0.1");
    try (InputStream in = Files.newInputStream(made.certificate("nats"))) {
      X509Certificate ours =
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
      assertThat(ours.getExtendedKeyUsage())
          .as("a server's and a client's and no other, as the README asks for")
          .containsExactlyInAnyOrder("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    }
    Path tls = Files.createDirectory(folder.resolve("tls"));
    Files.copy(made.authority(), tls.resolve("ca.crt"));
    Files.copy(made.certificate("nats"), tls.resolve("tls.crt"));
    Files.copy(made.key("nats"), tls.resolve("tls.key"));
    return tls;
  }
}
