package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: who has the launcher's JAR and no project can look after a system, and is told which
 * commands need more. Method: JVMs of their own, started in an empty folder that is in no project.
 */
class OutsideTheProjectTest {

  private static final Pattern ORDER = Pattern.compile("Order (\\S+) accepted");

  @TempDir Path nowhere;
  @TempDir Path folder;
  @TempDir Path temporary;

  private TestGroups groups;

  @AfterEach
  void stop() {
    if (groups != null) {
      groups.close();
    }
  }

  @Test
  void a_system_that_is_named_is_ordered_from_and_looked_after() throws Exception {
    Map<String, String> urls = startAll();
    DemoStock.seed(urls.get("inventory"));
    String orders = "--url " + urls.get("orders");
    String system =
        " --nats "
            + TestBroker.shared().url()
            + " --namespace "
            + groups.namespace()
            + " --gateway "
            + urls.get("gateway");

    Outcome order = run("order " + orders);
    assertThat(order.status()).as(order.text()).isZero();
    Matcher id = ORDER.matcher(order.text());
    assertThat(id.find()).as(order.text()).isTrue();

    for (String command :
        List.of(
            "load --rate 20 --duration 500ms " + orders + system,
            "reconcile" + system,
            "why " + id.group(1) + system,
            "dlq ls" + system,
            "provision --check" + system)) {
      Outcome outcome = run(command);
      assertThat(outcome.status()).as(command + ": " + outcome.text()).isZero();
    }
    assertThat(run("doctor" + system).text()).contains("streams and", "are as they must be");
    assertThat(nowhere).isEmptyDirectory();
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void streams_are_made_with_nothing_but_an_environment_as_in_an_image() throws Exception {
    String namespace = TestBroker.newNamespace();
    Map<String, String> environment =
        Map.of(
            "NATS_URL", TestBroker.shared().url(),
            "NAMESPACE", namespace,
            "STREAM_MAX_BYTES", Long.toString(64L << 20));

    Outcome made = run("provision", environment);
    assertThat(made.status()).as(made.text()).isZero();
    assertThat(made.text()).contains("created  stream " + namespace + "_ORDERS");
    Outcome checked = run("provision --check", environment);
    assertThat(checked.status()).as(checked.text()).isZero();
    assertThat(nowhere).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({
    "order,                   --url http://host:port",
    "load --rate 1,           --url http://host:port",
    "reconcile,               --nats nats://host:port",
    "provision --check,       --nats nats://host:port"
  })
  void a_command_that_was_not_told_where_the_system_is_says_what_to_type(
      String command, String hint) throws Exception {
    Outcome outcome = run(command);

    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.text().strip())
        .startsWith("There is no project here")
        .endsWith(hint)
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"up", "chaos", "bench --quick"})
  void a_command_that_needs_the_project_says_so_in_one_sentence(String command) throws Exception {
    Outcome outcome = run(command);

    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.text().strip())
        .startsWith("This command needs the project's folder, and neither " + nowhere.toRealPath())
        .contains("-Dholdfast.root=DIR")
        .doesNotContain("\n");
    assertThat(nowhere).isEmptyDirectory();
  }

  private Map<String, String> startAll() {
    groups =
        TestGroups.inNewNamespace()
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20");
    Map<String, String> urls = new HashMap<>();
    for (VerticleGroup group : Groups.ALL) { // the gateway is the first
      urls.put(group.name(), TestGroups.url(groups.start(group)));
      groups.with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
    }
    return urls;
  }

  private Outcome run(String line) throws IOException, InterruptedException {
    return run(line, Map.of());
  }

  private Outcome run(String line, Map<String, String> environment)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LauncherMain.class.getName());
    command.addAll(List.of(line.split(" +")));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(nowhere.toFile()).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("NATS_"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(line + " closed its output and did not end: " + text);
    }
    return new Outcome(process.exitValue(), text);
  }

  private record Outcome(int status, String text) {}
}
