package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;

import io.nats.client.Connection;
import io.nats.client.Nats;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a server when its JVM ends, in each way that a JVM can end. */
@SuppressWarnings("try") // a Connection may be interrupted while it closes; then the test fails
class EndOfTheParentTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /**
   * Whoever runs the tests in the background of a shell ignores Ctrl-C, and so would every process
   * that they start.
   */
  private static final List<String> HEARING_CTRL_C =
      List.of("perl", "-e", "$SIG{INT} = 'DEFAULT'; exec { $ARGV[0] } @ARGV", "--");

  @TempDir Path folder;
  private Process parent;
  private ProcessHandle server;
  private int port;

  @AfterEach
  void endBoth() {
    if (parent != null) {
      parent.destroyForcibly();
    }
    if (server != null) {
      server.destroyForcibly();
    }
  }

  /** Goal: services can drain after Ctrl-C. Method: as a terminal does, SIGINT to the group. */
  @Test
  void ctrl_c_ends_the_parent_and_not_the_server() throws Exception {
    startParent(false);

    // A minus before the number: the whole group, which the parent leads.
    signal("INT", "-" + parent.pid());

    assertThat(parent.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(parent.exitValue()).isEqualTo(130); // ended by SIGINT, so the group got it
    assertThat(server.isAlive()).isTrue();
    try (Connection connection = Nats.connect("nats://127.0.0.1:" + port)) {
      connection.flush(PATIENCE);
    }
  }

  @Test
  void the_server_stops_with_a_jvm_that_ends_in_good_order() throws Exception {
    startParent(true);

    signal("TERM", Long.toString(parent.pid()));

    assertThat(parent.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(server.isAlive()).isFalse();
    assertThat(folder.resolve("nats-server.log")).content().contains("Server Exiting");
  }

  @Test
  void what_a_killed_jvm_left_over_can_be_ended_and_then_a_new_one_starts() throws Exception {
    startParent(true);
    assertThat(NatsServer.stopLeftOver(folder)).as("while its parent lives").isFalse();

    parent.destroyForcibly().waitFor();
    assertThat(server.isAlive()).isTrue();

    assertThat(NatsServer.stopLeftOver(folder)).isTrue();
    assertThat(server.isAlive()).isFalse();
    assertThat(NatsServer.stopLeftOver(folder)).as("once it has ended").isFalse();
    var binary = NatsServerBinary.require(ProjectRoot.toolsFolder());
    try (NatsServer next = NatsServer.start(binary, NatsServerConfig.in(folder).build())) {
      assertThat(next.isAlive()).isTrue();
    }
  }

  @Test
  void a_process_that_has_the_id_by_chance_or_the_server_of_another_folder_is_left_alone()
      throws Exception {
    startParent(false);
    parent.destroyForcibly().waitFor();
    Process stranger = new ProcessBuilder("sleep", "60").start();
    try {
      Path other = Files.createDirectory(folder.resolve("other"));
      for (long pid : List.of(stranger.pid(), server.pid())) {
        Files.writeString(other.resolve("nats-server.pid"), Long.toString(pid));
        assertThat(NatsServer.stopLeftOver(other)).isFalse();
      }
      assertThat(stranger.isAlive()).isTrue();
      assertThat(server.isAlive()).isTrue();
      assertThat(NatsServer.stopLeftOver(folder.resolve("none"))).isFalse();
    } finally {
      stranger.destroyForcibly();
    }
  }

  /** Starts the JVM in a group of its own, so that a signal to the group spares this one. */
  private void startParent(boolean stopWithJvm) throws IOException {
    String classPath = codeOf(NatsServer.class) + File.pathSeparator + codeOf(BrokerParent.class);
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-classpath",
            classPath,
            BrokerParent.class.getName(),
            folder.toString(),
            Boolean.toString(stopWithJvm));
    Path output = folder.resolve("parent.out");
    parent =
        new ProcessBuilder(
                OwnSession.of(
                    System.getenv(),
                    Stream.concat(HEARING_CTRL_C.stream(), command.stream()).toList()))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    MatchResult said = awaitLine(output, Pattern.compile("(\\d+) (\\d+)\n"));
    server = ProcessHandle.of(Long.parseLong(said.group(1))).orElseThrow();
    port = Integer.parseInt(said.group(2));
  }

  private static MatchResult awaitLine(Path file, Pattern pattern) throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      var match = pattern.matcher(Files.readString(file));
      if (match.find()) {
        return match.toMatchResult();
      }
      Pause.briefly();
    }
    throw new AssertionError("the parent did not start: " + Files.readString(file));
  }

  private static String codeOf(Class<?> type) {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath()).toString();
  }

  private void signal(String name, String target) throws IOException {
    Command.run(folder, PATIENCE, List.of("kill", "-" + name, "--", target));
  }
}
