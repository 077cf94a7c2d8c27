package io.holdfast.launcher;

import io.holdfast.broker.OwnSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * One group's fat JAR in a JVM of its own, which may be ended in every way and started again. What
 * it prints goes to one log over all its starts. Methods block; one thread at a time.
 */
final class ServiceProcess implements ChildWatch.Child {

  /**
   * Options of every service's JVM. What has outlived two young collections is what a service keeps
   * for good: copying it again each time made up most of the pauses.
   */
  static final List<String> JVM =
      List.of("-XX:+UseSerialGC", "-Xmx128m", "-Xmn64m", "-XX:MaxTenuringThreshold=2");

  private static final Duration SIGNAL = Duration.ofSeconds(5);
  private static final Duration KILL = Duration.ofSeconds(10);

  private final String group;
  private final Map<String, String> env;
  private final Path log;
  private final List<String> jvm;
  private volatile Process process;
  private volatile int starts;

  /**
   * @param env all of its environment
   * @param log is appended to
   * @param jvm more options for its JVM
   */
  ServiceProcess(String group, Map<String, String> env, Path log, List<String> jvm) {
    this.group = group;
    this.jvm = List.copyOf(jvm);
    this.env = new LinkedHashMap<>(env);
    this.log = log;
  }

  static Path jar(String group) {
    return DataFolder.projectRoot().resolve("verticles/" + group + "/target/" + group + "-fat.jar");
  }

  String group() {
    return group;
  }

  @Override
  public String name() {
    return group;
  }

  @Override
  public Path log() {
    return log;
  }

  /** Does not wait until it is ready. */
  @Override
  public synchronized void start() throws IOException {
    Files.createDirectories(log.getParent());
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(JVM);
    command.addAll(jvm);
    command.addAll(List.of("-jar", jar(group).toString()));
    // Ctrl-C is for the launcher, which passes it on: whoever hears it twice hurries.
    ProcessBuilder builder = new ProcessBuilder(OwnSession.of(System.getenv(), command));
    builder.environment().clear();
    builder.environment().putAll(env);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    process = builder.start();
    starts++;
  }

  /** How often it was started. */
  int starts() {
    return starts;
  }

  @Override
  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  @Override
  public long pid() {
    return process.pid();
  }

  /** Of the process that has ended. */
  int exitValue() {
    return process.exitValue();
  }

  @Override
  public OptionalInt exitStatus() {
    return OptionalInt.of(exitValue());
  }

  /** SIGTERM: it drains and ends by itself; at the second one it hurries. */
  void terminate() {
    process.destroy();
  }

  /** Whether it has ended within that time. */
  boolean awaitEnd(Duration limit) throws InterruptedException {
    return process.waitFor(Math.max(1, limit.toNanos()), TimeUnit.NANOSECONDS);
  }

  /** SIGKILL; returns when it is gone. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!awaitEnd(KILL)) {
      throw new IllegalStateException(group + " survives SIGKILL");
    }
  }

  /** SIGSTOP: it keeps its connections and does nothing, until {@link #resume}. */
  void pause() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** SIGCONT. */
  void resume() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    if (!isAlive()) {
      return;
    }
    Process kill =
        new ProcessBuilder(List.of("kill", "-" + name, Long.toString(pid())))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!kill.waitFor(SIGNAL.toMillis(), TimeUnit.MILLISECONDS)) {
      kill.destroyForcibly();
      throw new IllegalStateException("cannot signal " + group);
    }
  }
}
