package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.broker.ProjectRoot;
import io.holdfast.launcher.StartupArchive;
import io.holdfast.testkit.Http;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A packaged JAR as a process of its own: {@code java -jar}, configured by environment variables
 * alone.
 */
public final class JarProcess implements AutoCloseable {

  /**
   * For a JVM that lives for seconds: of the compilers only the quick one, as what the other one
   * makes of the code comes too late to pay for its making.
   */
  public static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1";

  private final String name;
  private final int port;
  private final Path log;
  private final Process process;

  private JarProcess(String name, int port, Path log, Process process) {
    this.name = name;
    this.port = port;
    this.log = log;
    this.process = process;
  }

  /**
   * Starts a verticle group's fat JAR; returns at once.
   *
   * @param flags for its JVM, beside those that every process gets
   */
  public static JarProcess group(
      String group, int port, Map<String, String> env, Path logs, String... flags) {
    Path log = logs.resolve(group + ".log");
    Archives.made();
    return start(group, port, env, log, List.of(flags), jar(group), List.of());
  }

  /**
   * Starts a group from a JAR that another build may have made, as one that does not live long;
   * returns at once.
   */
  public static JarProcess of(String group, Path jar, int port, Map<String, String> env, Path log) {
    Archives.made();
    return start(group, port, env, log, List.of(SHORT_LIVED), jar, List.of());
  }

  /** What half of a JVM's start is spared by, made once for all that the tests start. */
  private static final class Archives {
    static {
      Path folder = ProjectRoot.find().resolve("verticles/system-tests/target/training");
      JarProcess training = launcher(Map.of(), folder.resolve("train.log"), "train");
      System.out.println("Archives made: " + (training.exitStatus(Duration.ofMinutes(2)) == 0));
    }

    static void made() {}
  }

  /** Runs a command of the launcher's fat JAR, which does not live long; returns at once. */
  public static JarProcess launcher(Map<String, String> env, Path log, String... args) {
    return start("launcher", 0, env, log, List.of(SHORT_LIVED), jar("launcher"), List.of(args));
  }

  public static Path jar(String group) {
    Path jar = ProjectRoot.find().resolve("verticles/" + group + "/target/" + group + "-fat.jar");
    if (!Files.exists(jar)) {
      throw new AssertionError(jar + " is not there: mvn package builds it");
    }
    return jar;
  }

  private static JarProcess start(
      String name,
      int port,
      Map<String, String> env,
      Path log,
      List<String> flags,
      Path jar,
      List<String> args) {
    try {
      Files.createDirectories(log.getParent());
      List<String> command =
          Stream.of(
                  List.of(
                      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                      "-XX:+UseSerialGC",
                      "-Xmx128m",
                      "-Dholdfast.root=" + ProjectRoot.find()),
                  StartupArchive.of(jar).use(),
                  flags,
                  List.of("-jar", jar.toString()),
                  args)
              .flatMap(List::stream)
              .toList();
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().keySet().removeIf(key -> key.startsWith("NATS_"));
      builder.environment().putAll(env);
      if (port != 0) {
        builder.environment().putIfAbsent("HTTP_PORT", Integer.toString(port));
      }
      builder.redirectErrorStream(true);
      builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
      return new JarProcess(name, port, log, builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String url() {
    return "http://127.0.0.1:" + port;
  }

  public JarProcess awaitReady() {
    return awaitReady(Duration.ofSeconds(60));
  }

  public JarProcess awaitReady(Duration limit) {
    eventually(
        name + " is ready",
        limit,
        () -> {
          if (!process.isAlive()) {
            throw new IllegalStateException("it ended: " + output());
          }
          return Http.get(url() + "/ready").status();
        },
        status -> status == 200);
    return this;
  }

  /** The memory that it has now, or had at most: {@code VmRSS} or {@code VmHWM}, in MiB. */
  long memory(String which) {
    return memory(process.pid(), which);
  }

  /** As {@link #memory(String)}, of any process. */
  static long memory(long pid, String which) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
      return lines
              .filter(line -> line.startsWith(which + ":"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElseThrow()
          / 1024;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** SIGTERM. */
  public void terminate() {
    process.destroy();
  }

  /** SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    exitStatus();
  }

  /** The exit status, waited for at most a minute. */
  public int exitStatus() {
    return exitStatus(Duration.ofMinutes(1));
  }

  /** The exit status, waited for at most so long. */
  public int exitStatus(Duration limit) {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError(name + " did not end within " + limit + ": " + output());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Everything it has printed. */
  public String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      process.destroyForcibly();
      exitStatus();
    }
  }
}
