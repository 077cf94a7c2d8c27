package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the images run as the manifests start them. Method: the Dockerfile is built for each group
 * from the JARs of this build; the containers are given the rights of the rendered pods, handle an
 * order, and are told to stop.
 *
 * <p>Only with {@code -Dholdfast.images=podman} (or docker), as a build need not have it. {@code
 * -Dholdfast.images.args="--build-arg BASE=..."} is for the build of each image.
 */
@EnabledIfSystemProperty(
    named = "holdfast.images",
    matches = "podman|docker",
    disabledReason = "only with -Dholdfast.images=podman, on a machine that has it")
class ContainerImagesIT {

  private static final String PROGRAM = System.getProperty("holdfast.images", "podman");
  private static final String BUILD_ARGUMENTS = System.getProperty("holdfast.images.args", "");
  private static final String OVERLAY = "overlays/local";
  private static final String TAG = ":trial";
  private static final Duration BUILD = Duration.ofMinutes(15);
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** Of one run of this trial, so that it removes its own containers and no others. */
  private final String run = "holdfast-trial-" + ProcessHandle.current().pid() + "-";

  @TempDir Path folder;
  private final List<String> containers = new ArrayList<>();

  @AfterEach
  void removeContainers() throws Exception {
    for (String container : containers) {
      command(Duration.ofMinutes(1), "rm", "--force", container);
    }
  }

  @Test
  void each_group_starts_without_rights_handles_an_order_and_ends_with_0() throws Exception {
    Map<String, Integer> ports = new LinkedHashMap<>();
    int port = 28_080;
    for (String group :
        List.of("gateway", "orders", "inventory", "payments", "notifications", "audit")) {
      build(group);
      ports.put(group, port++);
    }
    Path ledger = Files.createDirectories(folder.resolve("ledger"));
    assertThat(ledger.toFile().setWritable(true, false)).isTrue();
    try (NatsServer broker = TestBroker.own(folder.resolve("nats"))) {
      for (Map.Entry<String, Integer> group : ports.entrySet()) {
        start(group.getKey(), group.getValue(), broker.url(), ports.get("gateway"), ledger);
      }
      ports.forEach(
          (group, its) ->
              eventually(
                  group + " is ready",
                  PATIENCE,
                  () -> Http.get("http://127.0.0.1:" + its + "/ready").status(),
                  status -> status == 200));
      JsonObject order =
          Http.post(
                  "http://127.0.0.1:" + ports.get("orders") + "/orders",
                  new JsonObject().put("customer_id", "CUST-1").put("amount", 34.9).encode())
              .json();
      String url =
          "http://127.0.0.1:" + ports.get("orders") + "/orders/" + order.getString("order_id");
      eventually(
          "the order is confirmed",
          PATIENCE,
          () -> Http.get(url).json().getString("status"),
          "confirmed"::equals);
      for (String group : ports.keySet()) {
        command(Duration.ofMinutes(2), "stop", "--time", "50", run + group);
        assertThat(
                command(
                        Duration.ofMinutes(1),
                        "inspect",
                        "--format",
                        "{{.State.ExitCode}}",
                        run + group)
                    .strip())
            .as("exit status of %s", group)
            .isEqualTo("0");
      }
    }
  }

  private void build(String group) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("build", "--file"));
    arguments.add(KubeFolder.ROOT.resolve("images/Dockerfile").toString());
    arguments.addAll(List.of("--build-arg", "GROUP=" + group, "--tag", "holdfast/" + group + TAG));
    if (!BUILD_ARGUMENTS.isBlank()) {
      arguments.addAll(List.of(BUILD_ARGUMENTS.strip().split("\\s+", -1)));
    }
    arguments.add(ProjectRoot.find().toString());
    command(BUILD, arguments.toArray(String[]::new));
  }

  private void start(String group, int port, String broker, int gateway, Path ledger)
      throws Exception {
    KubeObject deployment =
        KubeFolder.render(OVERLAY).stream()
            .filter(object -> object.id().equals("Deployment/" + group))
            .findFirst()
            .orElseThrow();
    JsonNode context = deployment.container().path("securityContext");
    JsonNode pod = deployment.pod().path("securityContext");
    assertThat(context.path("readOnlyRootFilesystem").asBoolean()).isTrue();
    assertThat(context.path("allowPrivilegeEscalation").asText()).isEqualTo("false");
    containers.add(run + group);
    List<String> arguments =
        new ArrayList<>(
            List.of("run", "--detach", "--name", run + group, "--network", "host", "--read-only"));
    arguments.addAll(List.of("--cap-drop", "all", "--security-opt", "no-new-privileges"));
    arguments.addAll(
        List.of(
            "--user",
            pod.path("runAsUser").asInt() + ":" + pod.path("runAsGroup").asInt(),
            "--memory",
            deployment.container().at("/resources/limits/memory").asText().replace("Mi", "m"),
            "--tmpfs",
            "/tmp:size=64m"));
    Map<String, String> env = new LinkedHashMap<>();
    env.put("NATS_URL", broker);
    env.put("HOST", "127.0.0.1");
    env.put("HTTP_PORT", Integer.toString(port));
    env.put("STREAM_MAX_BYTES", Long.toString(64L << 20));
    if (group.equals("payments")) {
      env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + gateway);
      env.put("PAYMENT_GATEWAY_KEY", "sk_test_trial");
    }
    if (group.equals("gateway")) {
      env.put("GATEWAY_API_KEY", "sk_test_trial");
      env.put("LEDGER_FILE", "/data/ledger.jsonl");
      arguments.addAll(List.of("--volume", ledger + ":/data"));
    }
    env.forEach((name, value) -> arguments.addAll(List.of("--env", name + "=" + value)));
    arguments.add("holdfast/" + group + TAG);
    command(Duration.ofMinutes(2), arguments.toArray(String[]::new));
  }

  private String command(Duration limit, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(PROGRAM));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(folder, "command-", ".log");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = process.waitFor(limit.toSeconds(), TimeUnit.SECONDS);
      String said = Files.readString(output, StandardCharsets.UTF_8);
      if (!ended || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new AssertionError(String.join(" ", command) + "\n" + said);
      }
      return said;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
