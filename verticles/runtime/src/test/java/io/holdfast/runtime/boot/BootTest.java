package io.holdfast.runtime.boot;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.runtime.support.TestGroup;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: a process starts or says in one line why not, and stops without leaving anything behind.
 * Method: real JVMs, told to stop as Kubernetes does.
 */
class BootTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CONSUMER = "inventory-reserve";

  /** A tenth of a second on an idle machine; without it the drain would last minutes. */
  private static final Duration HASTE = Duration.ofSeconds(8);

  /**
   * Whoever runs the tests in the background of a shell ignores Ctrl-C, and so would every process
   * that they start.
   */
  private static final List<String> HEARING_CTRL_C =
      List.of("perl", "-e", "$SIG{INT} = 'DEFAULT'; exec { $ARGV[0] } @ARGV", "--");

  @TempDir Path folder;
  private final String namespace = TestServer.newName();
  private Process process;

  @AfterEach
  void end() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void settings_that_cannot_be_used_end_the_start_with_one_line_and_status_2() throws Exception {
    start("WORKERS", "abc", "PROVISION", "perhaps", "NATS_USER", "u", "NATS_PASSWORD", "canary");

    assertThat(exit()).isEqualTo(2);
    assertThat(Files.readAllLines(err()))
        .containsExactly(
            "inventory: PROVISION=perhaps: must be false or true; "
                + "WORKERS=abc: must be a whole number from 1 to 4096");
    assertThat(Files.readString(out())).isEmpty();
  }

  @Test
  void a_setting_of_the_group_s_own_is_told_in_the_same_manner() throws Exception {
    start("WORK_MS", "soon");

    assertThat(exit()).isEqualTo(2);
    assertThat(Files.readAllLines(err()))
        .containsExactly("inventory: WORK_MS=soon: must be a whole number from 0 to 600000");
  }

  @Test
  void a_port_that_is_taken_ends_the_start_with_status_1_and_a_line_that_says_so()
      throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      start("HTTP_PORT", Integer.toString(taken.getLocalPort()));

      assertThat(exit()).isEqualTo(1);
      assertThat(log())
          .last()
          .satisfies(line -> assertThat(line.path("msg").asText()).isEqualTo("Could not start"))
          .satisfies(line -> assertThat(line.path("error").asText()).contains("in use"));
    }
  }

  @Test
  void sigterm_lets_what_is_in_process_end_and_exits_with_0() throws Exception {
    try (TestProcess orders = TestProcess.on(TestServer.shared().url(), namespace)) {
      start("WORK_MS", "1500", "WORKERS", "4");
      awaitLog("Ready");
      append(orders, 6);
      eventually("four are at work", () -> atWork() == 4);

      process.destroy();

      assertThat(exit()).as(Files.readString(err())).isZero();
      assertThat(log())
          .extracting(line -> line.path("msg").asText())
          .contains("Draining", "Drained")
          .doesNotContain("Force shutdown");
      ConsumerState left = consumer(orders);
      assertThat(left.ackFloor()).as("what was in process was finished").isEqualTo(4);
      assertThat(left.pending()).as("the rest was never taken").isEqualTo(2);
      assertThat(left.unacknowledged()).isZero();
    }
  }

  @Test
  void past_its_time_a_drain_gives_back_what_is_in_process_and_exits_with_1() throws Exception {
    try (TestProcess orders = TestProcess.on(TestServer.shared().url(), namespace)) {
      start("WORK_MS", "600000", "DRAIN_TIMEOUT_SECONDS", "1");
      awaitLog("Ready");
      append(orders, 3);
      eventually("at work", () -> atWork() == 3);

      process.destroy();

      assertThat(exit()).isEqualTo(1);
      assertThat(log())
          .filteredOn(line -> line.path("msg").asText().equals("Force shutdown"))
          .singleElement()
          .satisfies(line -> assertThat(line.path("given_back").asInt()).isEqualTo(3));
      process = null;
      start();
      eventually(
          "another has them at once, not after the broker's 30 s",
          Duration.ofSeconds(12),
          () -> consumer(orders).ackFloor(),
          floor -> floor == 3);
    }
  }

  @ParameterizedTest
  @CsvSource({"TERM, TERM", "INT, INT", "INT, TERM"})
  void a_second_signal_ends_the_wait_gives_back_what_is_undone_and_exits_with_1(
      String first, String second) throws Exception {
    try (TestProcess orders = TestProcess.on(TestServer.shared().url(), namespace)) {
      start("WORK_MS", "600000", "DRAIN_TIMEOUT_SECONDS", "600", "DRAIN_GRACE_MS", "60000");
      awaitLog("Ready");
      append(orders, 3);
      eventually("at work", () -> atWork() == 3);

      signal(first);
      awaitLog("Draining");
      assertThat(process.waitFor(300, TimeUnit.MILLISECONDS)).as("it waits").isFalse();
      signal(second);
      long told = System.nanoTime();

      assertThat(exit()).isEqualTo(1);
      assertThat(Duration.ofNanos(System.nanoTime() - told)).isLessThan(HASTE);
      assertThat(log())
          .extracting(line -> line.path("msg").asText())
          .contains("Told to stop once more, waiting for nothing");
      assertThat(log())
          .filteredOn(line -> line.path("msg").asText().equals("Force shutdown"))
          .singleElement()
          .satisfies(line -> assertThat(line.path("given_back").asInt()).isEqualTo(3));
      process = null;
      start();
      eventually(
          "another has them at once, not after the broker's 30 s",
          Duration.ofSeconds(12),
          () -> consumer(orders).ackFloor(),
          floor -> floor == 3);
    }
  }

  @Test
  void a_second_signal_that_comes_at_once_is_heard_too() throws Exception {
    try (TestProcess orders = TestProcess.on(TestServer.shared().url(), namespace)) {
      start("WORK_MS", "600000", "DRAIN_TIMEOUT_SECONDS", "600");
      awaitLog("Ready");
      append(orders, 1);
      eventually("at work", () -> atWork() == 1);

      signal("TERM");
      signal("INT");

      assertThat(exit()).isEqualTo(1);
    }
  }

  @Test
  void a_jdk_without_the_class_for_signals_drains_as_well() throws Exception {
    try (TestProcess orders = TestProcess.on(TestServer.shared().url(), namespace)) {
      startJvm(List.of("--limit-modules", "java.se"), "WORK_MS", "1000");
      awaitLog("Ready");
      append(orders, 1);
      eventually("at work", () -> atWork() == 1);

      signal("TERM");

      assertThat(exit()).as(Files.readString(err())).isZero();
      assertThat(log()).extracting(line -> line.path("msg").asText()).contains("Drained");
    }
  }

  private void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  private void start(String... variables) throws IOException {
    startJvm(List.of(), variables);
  }

  private void startJvm(List<String> options, String... variables) throws IOException {
    List<String> command = new ArrayList<>(HEARING_CTRL_C);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.addAll(options);
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), TestGroup.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> env = builder.environment();
    env.put("NATS_URL", TestServer.shared().url());
    env.put("NAMESPACE", namespace);
    env.put("HOST", "127.0.0.1");
    env.put("HTTP_PORT", "0");
    env.put("DRAIN_GRACE_MS", "0");
    env.put("STREAM_MAX_BYTES", Long.toString(64L << 20));
    for (int i = 0; i < variables.length; i += 2) {
      env.put(variables[i], variables[i + 1]);
    }
    process = builder.redirectOutput(out().toFile()).redirectError(err().toFile()).start();
  }

  private Path out() {
    return folder.resolve("out");
  }

  private Path err() {
    return folder.resolve("err");
  }

  private int exit() throws InterruptedException {
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("it ends").isTrue();
    return process.exitValue();
  }

  /** Every line that it has logged, each of them JSON. */
  private List<JsonNode> log() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out())) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  private void awaitLog(String message) {
    eventually("logged: " + message, () -> Files.readString(out()).contains("\"" + message + "\""));
  }

  private long atWork() throws IOException {
    return Files.readAllLines(out()).stream().filter(line -> line.contains("At work")).count();
  }

  private static void append(TestProcess orders, int count) {
    for (int i = 1; i <= count; i++) {
      get(orders.streams().append(created("o" + i), 0));
    }
  }

  private static ConsumerState consumer(TestProcess orders) {
    return get(orders.streams().reader().consumer(orders.stream("ORDERS"), CONSUMER));
  }
}
