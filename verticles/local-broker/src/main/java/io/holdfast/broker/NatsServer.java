package io.holdfast.broker;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A nats-server that runs as a child of this JVM, in a session of its own: Ctrl-C in the terminal
 * does not reach it, its parent decides when it stops.
 *
 * <p>It ends with {@link #close}, or with the JVM (see {@link NatsServerConfig#stopWithJvm}). When
 * the JVM itself is killed (kill -9, out of memory), the server goes on alone; {@link
 * #stopLeftOver} ends it before the next start.
 *
 * <p>Every method that fails throws {@link NatsServerException}. Safe to use from several threads.
 */
public final class NatsServer implements AutoCloseable {

  private static final Duration START = Duration.ofSeconds(20);
  private static final Duration STOP = Duration.ofSeconds(15);
  private static final Duration KILL = Duration.ofSeconds(10);
  private static final Duration SIGNAL = Duration.ofSeconds(5);
  private static final long LOOK_NANOS = Duration.ofMillis(5).toNanos();
  private static final int ANSWER_MILLIS = 1_000;

  private static final Pattern VERSION = Pattern.compile("\"version\":\"([^\"]+)\"");
  private static final String PORT_TAKEN = "address already in use";

  private final Path binary;
  private final NatsServerConfig config;
  private final ServerFolder folder;
  private final Thread hook = new Thread(this::close, "nats-server-stop");
  private volatile Process process;
  private volatile int port;
  private volatile OptionalInt monitoringPort = OptionalInt.empty();
  private volatile NatsServerVersion version;
  private boolean paused;
  private boolean closed;

  private NatsServer(Path binary, NatsServerConfig config, ServerFolder folder) {
    this.binary = binary;
    this.config = config;
    this.folder = folder;
    this.port = config.port();
  }

  /**
   * Starts a server and waits, at most 20 s, until it answers.
   *
   * @throws NatsServerException if it ends or does not answer in time; the message holds the end of
   *     its log. Also if a server already runs in this folder
   */
  public static NatsServer start(NatsServerBinary binary, NatsServerConfig config) {
    try {
      Files.createDirectories(config.folder());
      // The real path, as the command line of a server is compared with it later.
      var folder = new ServerFolder(config.folder().toRealPath());
      var server = new NatsServer(binary.path(), config, folder);
      server.startFirst();
      return server;
    } catch (IOException e) {
      throw new NatsServerException("cannot prepare " + config.folder() + ": " + e, e);
    }
  }

  /**
   * Ends the server that a JVM which is no more left running in this folder. Only if it is one: a
   * process that got the same id by chance, or whose owner still runs, is left alone.
   *
   * @return whether there was one; it has ended then
   */
  public static boolean stopLeftOver(Path folder) {
    try {
      if (!Files.isDirectory(folder)) {
        return false;
      }
      var files = new ServerFolder(folder.toRealPath());
      Optional<ProcessHandle> server = files.runningServer();
      if (server.isEmpty() || files.livingOwner().isPresent()) {
        return false;
      }
      end(server.get());
      files.forgetProcess();
      return true;
    } catch (IOException e) {
      throw new NatsServerException("cannot end the server of " + folder + ": " + e, e);
    }
  }

  /** Where clients on this machine connect to. */
  public String url() {
    return "nats://" + hostToReach() + ":" + port;
  }

  /** The one it listens on; stays the same over restarts. */
  public int port() {
    return port;
  }

  /** Where its monitoring answers, if that was asked for. */
  public Optional<String> monitoringUrl() {
    return monitoringPort.isEmpty()
        ? Optional.empty()
        : Optional.of("http://127.0.0.1:" + monitoringPort.getAsInt());
  }

  /** Of the process that was started last. */
  public long pid() {
    return process.pid();
  }

  /** What the running server says it is. */
  public NatsServerVersion version() {
    return version;
  }

  /** All that the server printed, over all starts. */
  public Path logFile() {
    return folder.log();
  }

  /** The configuration it was started with. */
  public Path configFile() {
    return folder.configuration();
  }

  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** SIGTERM; if that has not ended it within 15 s, SIGKILL. Nothing if it does not run. */
  public synchronized void stop() {
    if (isAlive()) {
      if (paused) { // or it would not notice
        resume();
      }
      end(process.toHandle());
    }
    forget();
  }

  /** SIGKILL, as a crash would end it. Returns when it is gone; nothing if it does not run. */
  public synchronized void kill() {
    if (isAlive()) {
      endNow(process.toHandle());
    }
    forget();
  }

  /** SIGSTOP: it keeps its connections and does nothing, until {@link #resume}. */
  public synchronized void pause() {
    signal("STOP");
    paused = true;
    awaitStopped();
  }

  /** SIGCONT. */
  public synchronized void resume() {
    signal("CONT");
    paused = false;
  }

  /** SIGHUP: it reads its configuration, and the files that this names, anew. */
  public synchronized void reload() {
    signal("HUP");
  }

  /** Starts it again, on the same port and store; stops it before that if it still runs. */
  public synchronized void restart() {
    if (closed) {
      throw new NatsServerException("this nats-server is closed");
    }
    stop();
    start();
  }

  /** {@link #stop}, for good: no shutdown hook is left, and no restart is possible. */
  @Override
  public synchronized void close() {
    closed = true;
    stop();
    removeHook();
  }

  private synchronized void startFirst() {
    folder
        .runningServer()
        .ifPresent(
            other -> {
              throw new NatsServerException(
                  "a server already runs in %s, process %d".formatted(folder.path(), other.pid()));
            });
    addHook();
    try {
      start();
    } catch (RuntimeException e) {
      removeHook();
      throw e;
    }
  }

  private void start() {
    long deadline = System.nanoTime() + START.toNanos();
    try {
      String failure = tryStart(deadline);
      // A client that tries to reconnect may have been given our port as its own for a moment.
      while (failure != null && failure.contains(PORT_TAKEN) && port != config.port()) {
        if (System.nanoTime() > deadline) {
          break;
        }
        failure = tryStart(deadline);
      }
      if (failure != null) {
        throw new NatsServerException(failure);
      }
    } catch (IOException e) {
      kill();
      throw new NatsServerException("cannot start " + binary + ": " + e, e);
    }
  }

  /** Returns why it did not start, or null if it runs and answers. */
  private String tryStart(long deadline) throws IOException {
    paused = false;
    folder.forgetProcess();
    folder.writeOwner();
    Files.writeString(folder.configuration(), config.text(folder.pidFile(), port));
    long logged = folder.logSize();
    process =
        new ProcessBuilder(OwnSession.of(System.getenv(), folder.command(binary)))
            .directory(folder.path().toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.log().toFile()))
            .start();
    while (process.isAlive() && System.nanoTime() < deadline) {
      if (answers()) {
        return null;
      }
      Pause.briefly();
    }
    String how =
        process.isAlive()
            ? "did not answer within %d s".formatted(START.toSeconds())
            : "ended with code %d".formatted(process.exitValue());
    kill();
    return "nats-server %s. The end of %s:\n%s"
        .formatted(how, folder.log(), folder.logTail(logged));
  }

  /** Whether it is our server, and no other on the same port, that greets us. */
  private boolean answers() throws IOException {
    OptionalInt announced = folder.announcedPort(process.pid(), "(?:nats|tls)");
    if (announced.isEmpty()) {
      return false;
    }
    port = announced.getAsInt();
    if (config.monitoringPort().isPresent()) {
      monitoringPort = folder.announcedPort(process.pid(), "http");
    }
    Optional<NatsServerVersion> greeted = greeting();
    greeted.ifPresent(said -> version = said);
    return greeted.isPresent();
  }

  /** The version in the INFO line that a server sends to whoever connects. */
  private Optional<NatsServerVersion> greeting() {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(hostToReach(), port), ANSWER_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      var in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      String line = in.readLine();
      Matcher match = VERSION.matcher(line == null ? "" : line);
      return line != null && line.startsWith("INFO ") && match.find()
          ? Optional.of(NatsServerVersion.parse(match.group(1)))
          : Optional.empty();
    } catch (IOException notYet) {
      return Optional.empty();
    }
  }

  private String hostToReach() {
    return config.host().equals("0.0.0.0") ? "127.0.0.1" : config.host();
  }

  private void signal(String name) {
    if (!isAlive()) {
      throw new NatsServerException("nats-server does not run");
    }
    try {
      Command.run(folder.path(), SIGNAL, List.of("kill", "-" + name, Long.toString(pid())));
    } catch (IOException e) {
      throw new NatsServerException("cannot signal nats-server: " + e.getMessage(), e);
    }
  }

  /** A signal only asks; on a busy machine each thread goes on until it is its turn to be told. */
  private void awaitStopped() {
    Path threads = Path.of("/proc", Long.toString(pid()), "task");
    long deadline = System.nanoTime() + SIGNAL.toNanos();
    while (!stopped(threads) && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Whether all threads are; yes, too, where the system does not tell. */
  private static boolean stopped(Path threads) {
    try (Stream<Path> all = Files.list(threads)) {
      for (Path thread : all.toList()) {
        String told = Files.readString(thread.resolve("stat"));
        if (told.charAt(told.lastIndexOf(')') + 2) != 'T') {
          return false;
        }
      }
      return true;
    } catch (IOException notTold) {
      return true;
    }
  }

  private static void end(ProcessHandle server) {
    server.destroy();
    if (!isGone(server, STOP)) {
      endNow(server);
    }
  }

  private static void endNow(ProcessHandle server) {
    server.destroyForcibly();
    if (!isGone(server, KILL)) {
      throw new NatsServerException(
          "process %d survives SIGKILL; is its disk stuck?".formatted(server.pid()));
    }
  }

  /**
   * Looked at again and again: the handle's own future completes through a pool that may be busy
   * with whoever waits here. An interrupt does not shorten the wait, as whoever ends a server must
   * know that it is gone.
   */
  private static boolean isGone(ProcessHandle server, Duration timeout) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + timeout.toNanos();
    while (server.isAlive() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(LOOK_NANOS);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !server.isAlive();
  }

  private void forget() {
    try {
      folder.forgetProcess();
    } catch (IOException e) {
      throw new NatsServerException("cannot tidy up " + folder.path() + ": " + e, e);
    }
  }

  private void addHook() {
    if (config.stopWithJvm()) {
      Runtime.getRuntime().addShutdownHook(hook);
    }
  }

  private void removeHook() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException endingAnyway) {
      // The hook runs or has run; to stop twice does no harm.
    }
  }
}
