package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.system.logs.MailReceiver;
import io.holdfast.testkit.Eventually;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the chaos command, over the packaged JARs: a short run in which every kind of fault but a
 * cluster's comes up, every promise is kept, and what the processes logged can be shown to anybody.
 */
class ChaosIT {

  /** Starts, half a minute of faults, and up to twice two minutes until all is settled. */
  private static final Duration LIMIT = Duration.ofMinutes(6);

  private static final String MAIL = "canary.mail@people.test";

  /** How the ids of the command's customers begin. */
  private static final String CUSTOMER = "CUST-";

  /** None of these may stand in any line; cards are named only by the gateway's own test names. */
  private static final Set<String> SECRET =
      Set.of("canary", "people.test", CUSTOMER, "pm_card_", "4242424242424242");

  @TempDir Path folder;

  @Test
  void every_promise_is_kept_while_everything_is_broken_and_no_log_tells_of_people_or_keys()
      throws Exception {
    Path report = folder.resolve("chaos.json");
    try (MailReceiver mail = new MailReceiver("nobody@people.test");
        JarProcess chaos =
            JarProcess.launcher(
                canaries(mail),
                folder.resolve("chaos.log"),
                "chaos",
                "--data",
                folder.resolve("data").toString(),
                "--minutes",
                "0.6",
                "--rate",
                "20",
                "--seed",
                "11",
                "--json",
                report.toString())) {
      Eventually.eventually("chaos ends", LIMIT, chaos::isAlive, alive -> !alive);

      assertThat(chaos.exitStatus()).as(chaos.output()).isZero();
      JsonObject told = new JsonObject(Files.readString(report));
      assertThat(told.getBoolean("kept")).isTrue();
      assertThat(told.getInteger("hard_kills")).isGreaterThanOrEqualTo(8);
      assertThat(told.getJsonObject("customers").getLong("accepted")).isGreaterThan(300);
      assertThat(told.getJsonObject("reconcile").getBoolean("valid")).isTrue();
      assertThat(told.getJsonObject("reconcile").getJsonArray("parked")).isEmpty();
      assertThat(mail.recipients()).as("mail was sent").anyMatch(to -> to.contains(MAIL));
    }
    searchLogs();
  }

  /** Secrets and people's data that the services need, in words that occur nowhere else. */
  private Map<String, String> canaries(MailReceiver mail) throws IOException {
    JsonObject preferences = new JsonObject();
    for (int customer = 0; customer < 100; customer++) {
      preferences.put(
          CUSTOMER + customer, // a part of those who come
          new JsonObject().put("channel", "smtp").put("to", customer + "." + MAIL));
    }
    Path file = Files.writeString(folder.resolve("preferences.json"), preferences.encode());
    return Map.ofEntries(
        Map.entry("LOG_LEVEL", "debug"),
        Map.entry("NATS_USER", "holdfast"),
        Map.entry("NATS_PASSWORD", "canary-nats-password"),
        Map.entry("GATEWAY_API_KEY", "sk_test_canary_gateway_key"),
        Map.entry("PAYMENT_GATEWAY_KEY", "sk_test_canary_gateway_key"),
        Map.entry("NOTIFICATION_PREFERENCES", file.toString()),
        Map.entry("SMTP_HOST", "127.0.0.1"),
        Map.entry("SMTP_PORT", Integer.toString(mail.port())),
        Map.entry("SMTP_TLS", "none"),
        Map.entry("SMTP_FROM", "shop@shop.test"));
  }

  /** What all processes said, of all their lives, through kills, outages and lost connections. */
  private void searchLogs() throws IOException {
    List<Path> logs;
    try (Stream<Path> files = Files.walk(folder)) {
      logs = files.filter(file -> file.toString().endsWith(".log")).toList();
    }
    assertThat(logs)
        .extracting(file -> file.getFileName().toString())
        .contains(
            "orders.log",
            "inventory.log",
            "payments.log",
            "notifications.log",
            "audit.log",
            "gateway.log");
    int lines = 0;
    for (Path log : logs) {
      for (String line : Files.readAllLines(log)) {
        lines++;
        assertThat(SECRET).as("%s: %s", log.getFileName(), line).noneMatch(line::contains);
      }
    }
    assertThat(lines).as("lines searched").isGreaterThan(2_000);
  }

  @Test
  void a_fault_that_does_not_exist_is_bad_usage() {
    try (JarProcess chaos =
        JarProcess.launcher(
            Map.of(), folder.resolve("chaos.log"), "chaos", "--faults", "kill,meteorite")) {
      Eventually.eventually("it ends", Duration.ofSeconds(20), chaos::isAlive, alive -> !alive);

      assertThat(chaos.exitStatus()).isEqualTo(2);
      assertThat(chaos.output()).contains("there is no kind of fault 'meteorite'");
    }
  }
}
