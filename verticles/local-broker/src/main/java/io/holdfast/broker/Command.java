package io.holdfast.broker;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A short-lived program that is run to its end, never longer than its time allows. */
final class Command {

  private static final File NOTHING = new File("/dev/null");
  private static final int TAIL_LINES = 8;

  private Command() {}

  /**
   * Runs a program and returns what it printed to its standard output; it may warn on the other.
   *
   * @param timeout after it the program and all its children are killed
   * @throws IOException if it cannot be started, is not done in time, or ends with a code other
   *     than 0; the message holds the end of what it printed to both
   */
  static String run(Path directory, Duration timeout, List<String> command) throws IOException {
    // To files, not pipes: a pipe that a grandchild keeps open would never end.
    Path output = Files.createTempFile("holdfast-", ".out");
    Path errors = Files.createTempFile("holdfast-", ".err");
    try {
      var builder =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectInput(NOTHING)
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile());
      builder.environment().put("LC_ALL", "C");
      int exitCode = exitCode(builder, timeout);
      if (exitCode != 0) {
        throw new IOException(
            "`%s` ended with code %d: %s"
                .formatted(
                    String.join(" ", command),
                    exitCode,
                    tail(read(output) + read(errors), TAIL_LINES)));
      }
      return read(output);
    } finally {
      Files.deleteIfExists(output);
      Files.deleteIfExists(errors);
    }
  }

  private static int exitCode(ProcessBuilder builder, Duration timeout) throws IOException {
    Process process = builder.start();
    try {
      if (process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        return process.exitValue();
      }
      throw new IOException(
          "`%s` was not done within %d s"
              .formatted(String.join(" ", builder.command()), timeout.toSeconds()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + builder.command().get(0));
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  /** Any bytes are readable as Latin-1; what we look for is ASCII. */
  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.ISO_8859_1);
  }

  /** The last lines of a text. */
  static String tail(String text, int lines) {
    List<String> all = text.strip().lines().toList();
    return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
  }
}
