package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NatsServerBinaryTest {

  @TempDir Path folder;
  private Path tools;

  @BeforeEach
  void nameFolders() {
    tools = folder.resolve(".tools");
  }

  @Test
  void the_variable_comes_before_the_path_and_the_path_before_the_tools_folder()
      throws IOException {
    FakeServer.in(tools, "2.15.3");
    assertThat(found(path("bin"))).isEqualTo("2.15.3");

    FakeServer.in(folder.resolve("bin"), "2.15.2");
    assertThat(found(path("bin"))).isEqualTo("2.15.2");

    Path explicit = FakeServer.in(folder.resolve("elsewhere"), "2.15.1");
    var environment = new HashMap<>(path("bin"));
    environment.put("NATS_SERVER", explicit.toString());
    assertThat(found(environment)).isEqualTo("2.15.1");
  }

  @Test
  void servers_that_are_too_old_or_do_not_run_are_passed_over() throws IOException {
    FakeServer.in(folder.resolve("old"), "2.9.10");
    FakeServer.script(folder.resolve("broken"), "exit 3");
    FakeServer.script(folder.resolve("other"), "echo 'something else 1.2.3'");
    assertThat(NatsServerBinary.find(path("old", "broken", "other"), tools)).isEmpty();

    FakeServer.in(folder.resolve("new"), "2.12.7");
    assertThat(found(path("old", "broken", "other", "new"))).isEqualTo("2.12.7");
  }

  @Test
  void a_variable_that_names_no_usable_server_is_an_error_whatever_else_is_there()
      throws IOException {
    FakeServer.in(tools, "2.15.3");
    Path old = FakeServer.in(folder.resolve("old"), "2.9.10");

    assertThatThrownBy(() -> found(Map.of("NATS_SERVER", old.toString())))
        .isInstanceOf(NatsServerException.class)
        .hasMessage("NATS_SERVER=%s: is version 2.9.10, but 2.12.7 or newer is needed", old);
    assertThatThrownBy(() -> found(Map.of("NATS_SERVER", folder.resolve("none").toString())))
        .isInstanceOf(NatsServerException.class)
        .hasMessageContaining("is not a nats-server that runs here");
  }

  @Test
  void the_project_is_the_folder_above_that_holds_mvn() throws IOException {
    Path deep = folder.resolve("project/verticles/module/src");
    FakeServer.in(deep, "2.15.1");
    FakeServer.in(folder.resolve("project/.mvn"), "2.15.1");

    assertThat(ProjectRoot.above(deep)).isEqualTo(folder.resolve("project"));
    assertThatThrownBy(() -> ProjectRoot.above(folder)).isInstanceOf(NatsServerException.class);
    assertThat(ProjectRoot.toolsFolder()).isEqualTo(ProjectRoot.find().resolve(".tools"));
  }

  private String found(Map<String, String> environment) {
    return NatsServerBinary.find(environment, tools).orElseThrow().version().toString();
  }

  private Map<String, String> path(String... folders) {
    return Map.of(
        "PATH",
        Stream.of(folders)
            .map(name -> folder.resolve(name).toString())
            .collect(Collectors.joining(File.pathSeparator)));
  }
}
