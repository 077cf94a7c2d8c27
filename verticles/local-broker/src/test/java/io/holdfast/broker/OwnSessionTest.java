package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OwnSessionTest {

  @TempDir Path folder;

  /** Goal: both ways keep the process id. Method: only one of the two programs is on the path. */
  @ParameterizedTest
  @ValueSource(strings = {"setsid", "perl"})
  @EnabledOnOs(value = OS.LINUX, disabledReason = "reads /proc")
  void leads_a_group_and_a_session_under_the_process_id_its_parent_knows(String way)
      throws Exception {
    Path program = SearchPath.programs(System.getenv(), way).findFirst().orElseThrow();
    Files.createSymbolicLink(folder.resolve(way), program);
    var wrapped =
        OwnSession.of(
            Map.of("PATH", folder.toString()),
            List.of("sh", "-c", "cut -d ' ' -f 1,5,6 /proc/$$/stat"));
    assertThat(wrapped.get(0)).isEqualTo(way);

    Path output = folder.resolve("output");
    Process process = new ProcessBuilder(wrapped).redirectOutput(output.toFile()).start();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();

    long pid = process.pid();
    assertThat(output).content().isEqualTo("%d %d %d\n".formatted(pid, pid, pid));
  }

  @Test
  void without_either_the_command_stays_as_it_is() {
    var command = List.of("nats-server", "-c", "nats.conf");
    assertThat(OwnSession.of(Map.of("PATH", folder.toString()), command)).isEqualTo(command);
  }
}
