package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTest {

  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir Path folder;

  @Test
  void a_warning_is_no_part_of_the_answer() throws IOException {
    assertThat(run(LONG, "echo 'no home folder' >&2; echo amd64")).isEqualTo("amd64\n");
  }

  @Test
  void a_failure_tells_the_code_and_what_was_printed() {
    assertThatThrownBy(() -> run(LONG, "echo one; echo two >&2; exit 7"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ended with code 7: one\ntwo");
  }

  @Test
  void what_is_not_done_in_time_is_killed_with_its_children() {
    assertThatThrownBy(() -> run(Duration.ofMillis(300), "sleep 61 & wait"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was not done within");
    assertThat(ProcessHandle.current().descendants().map(ProcessHandle::info))
        .noneMatch(info -> info.commandLine().orElse("").endsWith("sleep 61"));
  }

  private String run(Duration timeout, String script) throws IOException {
    return Command.run(folder, timeout, List.of("sh", "-c", script));
  }
}
