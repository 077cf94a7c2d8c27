package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: {@code load} says what became of the orders that it placed, and holds the system to them.
 * Method: every service in this JVM, over a real broker; and an address where nobody is.
 */
class LoadCommandTest {

  @TempDir Path folder;

  private final Map<String, String> urls = new HashMap<>();
  private TestGroups groups;

  private void startAll() {
    groups =
        TestGroups.inNewNamespace()
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20");
    for (VerticleGroup group : Groups.ALL) { // the gateway is the first
      RunningGroup running = groups.start(group);
      urls.put(group.name(), TestGroups.url(running));
      groups.with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
    }
  }

  @AfterEach
  void stop() {
    if (groups != null) {
      groups.close();
    }
  }

  @Test
  void orders_are_followed_to_their_ends_and_reconciled() throws Exception {
    startAll();

    JsonObject report =
        load(
            0,
            "--url",
            urls.get("orders"),
            "--nats",
            TestBroker.shared().url(),
            "--namespace",
            groups.namespace(),
            "--gateway",
            urls.get("gateway"),
            "--rate",
            "3000/min",
            "--duration",
            "2s");

    assertThat(report.getLong("due")).isEqualTo(100);
    assertThat(report.getLong("accepted")).isEqualTo(100);
    assertThat(report.getLong("orders_confirmed")).isEqualTo(100);
    assertThat(report.getLong("orders_done")).isEqualTo(100);
    assertThat(report.getJsonArray("unfinished")).isEmpty();
    assertThat(report.getDouble("orders_per_minute_end_to_end")).isBetween(1.0, 3_100.0);
    assertThat(report.getJsonObject("errors")).isEmpty();
    long accept = micros(report, "accept");
    long confirmed = micros(report, "confirmed");
    assertThat(accept).isPositive();
    assertThat(confirmed).isPositive().isLessThanOrEqualTo(micros(report, "end"));
    assertThat(report.getJsonObject("reconcile").getBoolean("valid")).isTrue();
    assertThat(report.getJsonObject("reconcile").getJsonObject("invariants").getJsonObject("I1"))
        .hasToString("{\"holds\":true,\"checked\":\"100 accepted, 100 orders\"}");

    // As a stranger: a sample is followed, and nothing is there to reconcile with.
    JsonObject strange =
        load(0, "--url", urls.get("orders"), "--closed", "4", "--duration", "500ms");
    assertThat(strange.getLong("accepted")).isPositive();
    assertThat(strange.getLong("followed")).isPositive();
    assertThat(strange.getLong("orders_done")).isEqualTo(strange.getLong("followed"));
    assertThat(strange.containsKey("reconcile")).isFalse();
  }

  @Test
  void nobody_there_is_a_failure() throws Exception {
    JsonObject report =
        load(1, "--url", "http://127.0.0.1:1", "--rate", "50", "--duration", "200ms");

    assertThat(report.getBoolean("good")).isFalse();
    assertThat(report.getJsonObject("errors").getLong("connection refused")).isEqualTo(10);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--rate fast",
        "--rate 0",
        "--rate 100001",
        "--duration 0s",
        "--duration soon",
        "--closed 0",
        "--connections 0",
        "--customers 0",
        "--url localhost",
        "--rate 5 --ramp",
        "--wait ever",
        "sometimes"
      })
  void bad_usage_is_said_and_nothing_is_done(String arguments) {
    List<String> all = new ArrayList<>(List.of("load", "--data", folder.toString()));
    all.addAll(List.of(arguments.split(" ")));
    assertThat(LauncherMain.commandLine().execute(all.toArray(String[]::new))).isEqualTo(2);
  }

  private static long micros(JsonObject report, String what) {
    return Math.round(report.getJsonObject(what).getDouble("p50_ms") * 1_000);
  }

  private JsonObject load(int status, String... arguments) throws Exception {
    Path file = folder.resolve("report.json");
    List<String> all =
        new ArrayList<>(
            List.of(
                "load", "--data", folder.toString(), "--json", file.toString(), "--wait", "30s"));
    all.addAll(List.of(arguments));
    assertThat(LauncherMain.commandLine().execute(all.toArray(String[]::new))).isEqualTo(status);
    return new JsonObject(Files.readString(file));
  }
}
