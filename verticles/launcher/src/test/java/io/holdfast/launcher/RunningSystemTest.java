package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a system runs over a folder if its own processes do, and not because others have their ids
 * now. Method: notes about this very process, and about one that has ended.
 */
class RunningSystemTest {

  @TempDir Path data;

  @Test
  void a_system_whose_process_runs_is_found() throws Exception {
    RunningSystem system = noted(ProcessHandle.current().pid());

    assertThat(RunningSystem.find(data)).contains(system);
    assertThat(system.living()).containsOnlyKeys("orders");
  }

  @Test
  void another_process_with_the_id_of_one_that_ran_before_is_no_system() throws Exception {
    noted(ProcessHandle.current().pid());
    JsonObject note = note();
    Instant started = Instant.parse(note.getJsonObject("started").getString("orders"));
    note.getJsonObject("started").put("orders", started.minusSeconds(10).toString());
    Files.writeString(data.resolve("running.json"), note.encode());

    assertThat(RunningSystem.find(data)).isEmpty();
  }

  @Test
  void a_note_that_tells_no_start_is_judged_by_the_id() throws Exception {
    noted(ProcessHandle.current().pid());
    JsonObject note = note();
    note.remove("started");
    Files.writeString(data.resolve("running.json"), note.encode());

    assertThat(RunningSystem.find(data)).isPresent();
  }

  @Test
  void a_process_that_has_ended_is_no_system() throws Exception {
    Process process = new ProcessBuilder("true").start();
    noted(process.pid());
    process.waitFor();

    assertThat(RunningSystem.find(data)).isEmpty();
  }

  private RunningSystem noted(long pid) throws Exception {
    RunningSystem system =
        new RunningSystem(
            "nats://127.0.0.1:1",
            "",
            Map.of("orders", "http://127.0.0.1:1"),
            Map.of("orders", pid));
    system.write(data);
    return system;
  }

  private JsonObject note() throws Exception {
    return new JsonObject(Files.readString(data.resolve("running.json")));
  }
}
