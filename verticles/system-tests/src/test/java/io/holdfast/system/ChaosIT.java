package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Eventually;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the chaos command, over the packaged JARs: a short run in which every kind of fault but a
 * cluster's comes up, and every promise is kept.
 */
class ChaosIT {

  /** Starts, half a minute of faults, and up to twice two minutes until all is settled. */
  private static final Duration LIMIT = Duration.ofMinutes(6);

  @TempDir Path folder;

  @Test
  void every_promise_is_kept_while_everything_is_broken() throws Exception {
    Path report = folder.resolve("chaos.json");
    try (JarProcess chaos =
        JarProcess.launcher(
            Map.of(),
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
    }
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
