package io.holdfast.launcher;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.broker.ProjectRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: commands that are typed at once build once, and {@code up} gets the JVM that is measured.
 * Method: the script in a project of its own, whose Maven and Java are scripts of the test's.
 */
class ScriptTest {

  @TempDir Path root;

  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void makeProject() throws Exception {
    Path script = ProjectRoot.around().orElseThrow().resolve("holdfast");
    Files.copy(script, root.resolve("holdfast"));
    Files.createFile(root.resolve("pom.xml"));
    Files.createDirectories(root.resolve("event-schema"));
    Files.createDirectories(root.resolve("verticles/launcher/target"));
    executable("jdk/bin/javac", "");
    executable("jdk/bin/java", "echo \"$@\"; test -s verticles/launcher/target/launcher-fat.jar");
    Files.writeString(root.resolve("jdk/release"), "JAVA_VERSION=\"99\"\n");
    executable(
        "bin/mvn",
        """
        echo begun >> mavens
        : > verticles/launcher/target/launcher-fat.jar
        until [ -e go ]; do sleep 0.05; done
        echo whole > verticles/launcher/target/launcher-fat.jar
        """);
  }

  @AfterEach
  void stop() throws Exception {
    Files.writeString(root.resolve("go"), "");
    for (Process process : processes) {
      process.waitFor(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void commands_that_are_typed_at_once_build_once_and_start_what_is_whole() throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":", -1))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "flock"))),
        "without flock nothing is locked");
    List<Process> commands = List.of(command("first"), command("second"));
    eventually("one builds", () -> Files.exists(root.resolve("mavens")));
    eventually("the other waits", () -> said("first").concat(said("second")).contains("waiting"));
    Process late = command("late"); // when the JAR is there, and not yet whole
    eventually("it waits, too", () -> said("late").contains("waiting"));

    Files.writeString(root.resolve("go"), "");

    for (Process process : commands) {
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(said("first") + said("second")).isZero();
    }
    assertThat(late.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(late.exitValue()).as(said("late")).isZero();
    assertThat(Files.readAllLines(root.resolve("mavens"))).hasSize(1);
  }

  @Test
  void up_gets_the_jvm_options_that_the_bench_measures_it_with() throws Exception {
    Files.writeString(root.resolve("go"), "");

    Process up = command("up", "said");

    assertThat(up.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(said("said").lines().filter(line -> line.endsWith(" up")))
        .singleElement()
        .asString()
        .startsWith(String.join(" ", BenchSite.LAUNCHER_JVM) + " -Dholdfast.root=");
  }

  private Process command(String name) throws IOException {
    return command("doctor", name);
  }

  private Process command(String typed, String name) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("bash", "holdfast", typed)
            .directory(root.toFile())
            .redirectErrorStream(true)
            .redirectOutput(root.resolve(name).toFile());
    builder.environment().put("JAVA_HOME", root.resolve("jdk").toString());
    builder.environment().merge("PATH", root + "/bin", (path, bin) -> bin + ":" + path);
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  private String said(String name) {
    try {
      return Files.readString(root.resolve(name));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void executable(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }
}
