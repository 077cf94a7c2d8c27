package io.holdfast.launcher;

import io.holdfast.runtime.boot.VerticleGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

/** Every group's fat JAR in a JVM of its own. */
final class ServiceProcesses implements UpCommand.Services {

  /** Above the longest drain that can be configured, which the process keeps itself. */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(620);

  private final Map<String, Process> processes;

  private ServiceProcesses(Map<String, Process> processes) {
    this.processes = processes;
  }

  static ServiceProcesses start(
      Map<String, String> env, ToIntFunction<VerticleGroup> port, Path logs) throws IOException {
    Files.createDirectories(logs);
    Map<String, Process> processes = new LinkedHashMap<>();
    for (VerticleGroup group : Groups.ALL) {
      Path jar =
          DataFolder.projectRoot()
              .resolve("verticles/" + group.name() + "/target/" + group.name() + "-fat.jar");
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-XX:+UseSerialGC",
              "-Xmx128m",
              "-jar",
              jar.toString());
      builder.environment().clear();
      builder.environment().putAll(env);
      builder.environment().put("HTTP_PORT", Integer.toString(port.applyAsInt(group)));
      Path log = logs.resolve(group.name() + ".log");
      builder.redirectErrorStream(true);
      builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
      processes.put(group.name(), builder.start());
    }
    return new ServiceProcesses(processes);
  }

  @Override
  public Map<String, Long> pids() {
    Map<String, Long> pids = new LinkedHashMap<>();
    processes.forEach((name, process) -> pids.put(name, process.pid()));
    return pids;
  }

  @Override
  public void awaitReady(Map<String, String> urls, Duration limit) throws InterruptedException {
    ServiceProbe.awaitReady(
        urls,
        limit,
        () -> {
          for (Map.Entry<String, Process> entry : processes.entrySet()) {
            if (!entry.getValue().isAlive()) {
              throw new IllegalStateException(
                  entry.getKey()
                      + " ended with status "
                      + entry.getValue().exitValue()
                      + "; see its log");
            }
          }
        });
  }

  @Override
  public boolean stop() {
    processes.values().forEach(Process::destroy);
    boolean clean = true;
    long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
    for (Process process : processes.values()) {
      try {
        if (process.waitFor(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
          clean &= process.exitValue() == 0;
        } else {
          process.destroyForcibly();
          clean = false;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return clean;
  }
}
