package io.holdfast.launcher;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: a child that ends is noticed, told of, and started again unless that is in vain or not
 * wanted. Method: real processes that are killed, or end by themselves.
 */
class ChildWatchTest {

  private static final List<String> LIVES = List.of("sleep", "600");
  private static final List<String> BADLY_CONFIGURED = List.of("sh", "-c", "exit 2");

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final AtomicInteger restarted = new AtomicInteger();
  private final List<Command> commands = new CopyOnWriteArrayList<>();
  private ChildWatch watch = new ChildWatch(true, restarted::incrementAndGet, lines::add);

  @AfterEach
  void end() throws InterruptedException {
    watch.stop();
    for (Command command : commands) {
      command.process.destroyForcibly().waitFor();
    }
  }

  @Test
  void a_child_that_is_killed_is_started_again_as_often_as_it_is_killed() throws IOException {
    Command child = started(LIVES);
    watch.watch(child);
    for (int i = 1; i <= RestartPolicy.MAX_AT_ONCE; i++) {
      int times = i;
      child.process.destroyForcibly();

      eventually("a line about it", () -> lines.size() == times);
      assertThat(lines.getLast())
          .isEqualTo("payments ended (SIGKILL), started again, pid " + child.pid());
      assertThat(child.isAlive()).isTrue();
      assertThat(restarted).hasValue(times);
    }
  }

  @Test
  void a_child_that_ends_at_once_each_time_is_given_up_and_its_log_is_named() throws IOException {
    Command child = started(BADLY_CONFIGURED);
    watch.watch(child);

    eventually("it is given up", () -> !lines.isEmpty() && lines.getLast().contains("5th time"));
    assertThat(lines.getLast())
        .isEqualTo(
            "payments ended (exit status 2), at once for the 5th time in a row; it is not started"
                + " again. Its log: logs/payments.log");
    assertThat(child.starts).hasValue(5);
  }

  @Test
  void one_that_cannot_even_be_started_is_tried_again_too() throws IOException {
    Command child = started(LIVES);
    child.refusals.set(2);
    watch.watch(child);
    child.process.destroyForcibly();

    eventually("it is up again", () -> restarted.get() == 1);
    assertThat(lines)
        .containsExactly("payments does not start: refused, started again, pid " + child.pid());
  }

  @Test
  void without_restarts_it_is_only_told() throws IOException {
    watch = new ChildWatch(false, restarted::incrementAndGet, lines::add);
    Command child = started(LIVES);
    watch.watch(child);
    child.process.destroyForcibly();

    eventually("a line about it", () -> lines.size() == 1);
    assertThat(lines)
        .containsExactly(
            "payments ended (SIGKILL), and stays so (--no-restart). Its log: logs/payments.log");
    assertThat(child.starts).hasValue(1);
  }

  @Test
  void after_a_stop_nothing_is_started_not_even_what_was_about_to_be() throws Exception {
    Command ends = started(LIVES);
    Command waits = started(BADLY_CONFIGURED);
    watch.watch(ends);
    watch.watch(waits);
    eventually("it is in a pause", () -> waits.starts.get() >= 2);

    watch.stop();
    int starts = waits.starts.get();
    ends.process.destroyForcibly().waitFor();

    eventually("nobody looks any more", () -> watching() == 0);
    assertThat(ends.starts).hasValue(1);
    assertThat(waits.starts).hasValue(starts);
  }

  private static long watching() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("watch-payments"))
        .count();
  }

  static Stream<Arguments> exit_statuses() {
    return Stream.of(
        arguments(137, "SIGKILL"),
        arguments(143, "SIGTERM"),
        arguments(139, "SIGSEGV"),
        arguments(152, "signal 24"),
        arguments(0, "exit status 0"),
        arguments(2, "exit status 2"));
  }

  @ParameterizedTest
  @MethodSource("exit_statuses")
  void an_exit_status_is_told_in_words(int status, String words) {
    assertThat(ChildWatch.inWords(status)).isEqualTo(words);
  }

  private Command started(List<String> command) throws IOException {
    Command child = new Command(command);
    child.start();
    commands.add(child);
    return child;
  }

  /** A command as a child. */
  private static final class Command implements ChildWatch.Child {
    private final List<String> command;
    private final AtomicInteger starts = new AtomicInteger();
    private final AtomicInteger refusals = new AtomicInteger();
    private volatile Process process;

    Command(List<String> command) {
      this.command = command;
    }

    @Override
    public String name() {
      return "payments";
    }

    @Override
    public boolean isAlive() {
      return process.isAlive();
    }

    @Override
    public long pid() {
      return process.pid();
    }

    @Override
    public OptionalInt exitStatus() {
      return OptionalInt.of(process.exitValue());
    }

    @Override
    public Path log() {
      return Path.of("logs/payments.log");
    }

    @Override
    public void start() throws IOException {
      if (process != null && refusals.getAndDecrement() > 0) {
        throw new IOException("refused");
      }
      process = new ProcessBuilder(command).start();
      starts.incrementAndGet();
    }
  }
}
