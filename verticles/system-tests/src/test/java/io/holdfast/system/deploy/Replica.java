package io.holdfast.system.deploy;

import io.holdfast.broker.FreePorts;
import io.holdfast.system.JarProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** One of a group's processes, which comes back on its port, perhaps from another build. */
final class Replica implements AutoCloseable {

  /** A JVM that starts beside ten others, on a machine that has other work too. */
  private static final Duration READY_LIMIT = Duration.ofMinutes(3);

  private final String group;
  private final int number;
  private final int port = FreePorts.one();
  private final Map<String, String> env;
  private final Path logs;

  private Build build;
  private int starts;
  private JarProcess process;

  /**
   * @param number among the group's replicas, from 1
   * @param logs a folder; each start has a log of its own there
   */
  Replica(String group, int number, Map<String, String> env, Path logs) {
    this.group = group;
    this.number = number;
    this.env = env;
    this.logs = logs;
  }

  String group() {
    return group;
  }

  String url() {
    return "http://127.0.0.1:" + port;
  }

  /** The build that it runs, or ran last. */
  Build build() {
    return build;
  }

  /** Does not wait until it is ready. */
  void start(Build from) {
    build = from;
    starts++;
    Path log = logs.resolve("%s-%d-start%d-%s.log".formatted(group, number, starts, from));
    process = JarProcess.of(group, from.jar(group), port, env, log);
  }

  void awaitReady() {
    process.awaitReady(READY_LIMIT);
  }

  /** SIGTERM, and then as long as it takes. */
  Drain drain() {
    long begun = System.nanoTime();
    process.terminate();
    int status = process.exitStatus();
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    return new Drain(toString(), status, took, status == 0 ? "" : process.output());
  }

  /**
   * @param output all that the process printed, if it was not clean
   */
  record Drain(String replica, int status, Duration took, String output) {}

  @Override
  public String toString() {
    return group + "-" + number + " (" + build + ")";
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
  }
}
