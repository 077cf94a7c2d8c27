package io.holdfast.broker;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The files of one server, and which processes they speak of. */
record ServerFolder(Path path) {

  private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(2);
  private static final int TAIL_LINES = 20;
  private static final int TAIL_BYTES = 16 * 1024;

  Path configuration() {
    return path.resolve("nats.conf");
  }

  Path log() {
    return path.resolve("nats-server.log");
  }

  /** Written by the server itself, so it is there even if the parent dies right after the start. */
  Path pidFile() {
    return path.resolve("nats-server.pid");
  }

  /** Says which JVM started the server: its process id, and when it started itself. */
  private Path ownerFile() {
    return path.resolve("nats-server.owner");
  }

  /** Where the server says which ports it listens on, once it does. */
  private Path portsFile(long pid) {
    return path.resolve("nats-server_" + pid + ".ports");
  }

  List<String> command(Path binary) {
    return List.of(binary.toString(), "-c", configuration().toString());
  }

  /** The process that the pid file names, if it really is a server with our configuration. */
  Optional<ProcessHandle> runningServer() {
    return readLong(pidFile()).flatMap(ProcessHandle::of).filter(this::isOurs);
  }

  private boolean isOurs(ProcessHandle process) {
    List<String> arguments = process.info().arguments().map(List::of).orElse(List.of());
    Optional<Path> program = process.info().command().map(Path::of);
    return process.isAlive()
        && arguments.equals(List.of("-c", configuration().toString()))
        && program.filter(file -> file.getFileName().toString().contains("nats")).isPresent();
  }

  /** The JVM that started the server last, if it still runs. */
  Optional<ProcessHandle> livingOwner() {
    try {
      List<String> lines = Files.readAllLines(ownerFile());
      Instant started = Instant.parse(lines.get(1));
      return ProcessHandle.of(Long.parseLong(lines.get(0)))
          .filter(process -> distance(startOf(process), started).compareTo(CLOCK_TOLERANCE) <= 0);
    } catch (IOException | RuntimeException noneOrUnreadable) {
      return Optional.empty();
    }
  }

  void writeOwner() throws IOException {
    ProcessHandle self = ProcessHandle.current();
    Files.writeString(ownerFile(), self.pid() + "\n" + startOf(self) + "\n");
  }

  /** Forgets a server that has ended; one that was killed could not tidy up. */
  void forgetProcess() throws IOException {
    if (!Files.isDirectory(path)) {
      return; // deleted, as a test does with its folder
    }
    Files.deleteIfExists(pidFile());
    Files.deleteIfExists(ownerFile());
    try (Stream<Path> files = Files.list(path)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".ports")).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  /**
   * The port of an URL that the server says it listens on; empty: not yet.
   *
   * @param scheme the URL's, a regular expression
   */
  OptionalInt announcedPort(long pid, String scheme) throws IOException {
    Path file = portsFile(pid);
    if (!Files.exists(file)) {
      return OptionalInt.empty();
    }
    // May be half written; then there is no closing quote after the number.
    Matcher match =
        Pattern.compile('"' + scheme + "://[^\"]*:(\\d+)\"").matcher(Files.readString(file));
    return match.find() ? OptionalInt.of(Integer.parseInt(match.group(1))) : OptionalInt.empty();
  }

  long logSize() throws IOException {
    return Files.exists(log()) ? Files.size(log()) : 0;
  }

  /** The last lines that the log has gained since it was this long, in bytes. */
  String logTail(long since) throws IOException {
    try (var file = new RandomAccessFile(log().toFile(), "r")) {
      long from = Math.max(since, file.length() - TAIL_BYTES);
      var bytes = new byte[(int) Math.max(0, file.length() - from)];
      file.seek(from);
      file.readFully(bytes);
      return Command.tail(new String(bytes, StandardCharsets.UTF_8), TAIL_LINES);
    }
  }

  private static Instant startOf(ProcessHandle process) {
    return process.info().startInstant().orElse(Instant.EPOCH);
  }

  private static Duration distance(Instant one, Instant other) {
    return Duration.between(one, other).abs();
  }

  private static Optional<Long> readLong(Path file) {
    try {
      return Optional.of(Long.parseLong(Files.readString(file).strip()));
    } catch (IOException | NumberFormatException noneOrUnreadable) {
      return Optional.empty();
    }
  }
}
