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
   * Runs a program and returns what it printed, standard output and errors together.
   *
   * @param timeout after it the program and all its children are killed
   * @throws IOException if it cannot be started, is not done in time, or ends with a code other
   *     than 0; the message holds the end of what it printed
   */
  static String run(Path directory, Duration timeout, List<String> command) throws IOException {
    // To a file, not a pipe: a pipe that a grandchild keeps open would never end.
    Path output = Files.createTempFile("holdfast-", ".out");
    try {
      int exitCode = exitCode(directory, timeout, command, output);
      String printed = Files.readString(output, StandardCharsets.ISO_8859_1);
      if (exitCode != 0) {
        throw new IOException(
            "`%s` ended with code %d: %s"
                .formatted(String.join(" ", command), exitCode, tail(printed, TAIL_LINES)));
      }
      return printed;
    } finally {
      Files.deleteIfExists(output);
    }
  }

  private static int exitCode(Path directory, Duration timeout, List<String> command, Path output)
      throws IOException {
    var builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(NOTHING)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    try {
      if (process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        return process.exitValue();
      }
      throw new IOException(
          "`%s` was not done within %d s"
              .formatted(String.join(" ", command), timeout.toSeconds()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + command.get(0));
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  /** The last lines of a text. */
  static String tail(String text, int lines) {
    List<String> all = text.strip().lines().toList();
    return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
  }
}
