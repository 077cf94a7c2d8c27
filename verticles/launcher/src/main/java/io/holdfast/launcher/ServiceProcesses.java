package io.holdfast.launcher;

import io.holdfast.runtime.boot.VerticleGroup;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Every group's fat JAR in a JVM of its own. */
final class ServiceProcesses implements UpCommand.Services {

  /** Above the longest drain that can be configured, which the process keeps itself. */
  private static final Duration STOP_LIMIT = Duration.ofMinutes(12);

  /** What one that was told to hurry may need by far. */
  private static final Duration HURRY_LIMIT = Duration.ofSeconds(5);

  private static final Duration LOOK = Duration.ofMillis(100);

  private final List<ServiceProcess> processes;
  private volatile boolean hurried;

  // The stopping thread's alone.
  private long deadline;
  private boolean passedOn;

  private ServiceProcesses(List<ServiceProcess> processes) {
    this.processes = processes;
  }

  static ServiceProcesses start(
      Map<String, String> env, ToIntFunction<VerticleGroup> port, Path logs) throws IOException {
    List<ServiceProcess> processes = new ArrayList<>();
    for (VerticleGroup group : Groups.ALL) {
      Map<String, String> own = new HashMap<>(env);
      own.put("HTTP_PORT", Integer.toString(port.applyAsInt(group)));
      ServiceProcess process =
          new ServiceProcess(
              group.name(),
              own,
              logs.resolve(group.name() + ".log"),
              StartupArchive.of(ServiceProcess.jar(group.name())).use());
      process.start();
      processes.add(process);
    }
    return new ServiceProcesses(processes);
  }

  @Override
  public Map<String, Long> pids() {
    Map<String, Long> pids = new LinkedHashMap<>();
    processes.forEach(process -> pids.put(process.group(), process.pid()));
    return pids;
  }

  @Override
  public List<ServiceProcess> children() {
    return processes;
  }

  @Override
  public void awaitReady(Map<String, String> urls, Duration limit) throws InterruptedException {
    ServiceProbe.awaitReady(
        urls,
        limit,
        () -> {
          for (ServiceProcess process : processes) {
            if (!process.isAlive()) {
              throw new IllegalStateException(
                  process.group() + " ended with status " + process.exitValue() + "; see its log");
            }
          }
        });
  }

  @Override
  public boolean stop() {
    // One that was killed, and is not up again, has nothing in process that it could finish.
    List<ServiceProcess> living = processes.stream().filter(ServiceProcess::isAlive).toList();
    living.forEach(ServiceProcess::terminate);
    boolean clean = true;
    deadline = System.nanoTime() + STOP_LIMIT.toNanos();
    for (ServiceProcess process : living) {
      try {
        clean &= ended(process);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return clean;
  }

  @Override
  public void hurry() {
    hurried = true;
  }

  /** Whether it has ended by itself, with nothing left undone. */
  private boolean ended(ServiceProcess process) throws InterruptedException {
    while (!process.awaitEnd(LOOK)) {
      if (hurried && !passedOn) {
        passedOn = true;
        deadline = System.nanoTime() + HURRY_LIMIT.toNanos();
        processes.stream().filter(ServiceProcess::isAlive).forEach(ServiceProcess::terminate);
      }
      if (System.nanoTime() - deadline > 0) {
        process.kill();
        return false;
      }
    }
    return process.exitValue() == 0;
  }
}
