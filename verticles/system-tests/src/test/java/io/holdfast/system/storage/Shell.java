package io.holdfast.system.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** A command of the machine's own, waited for. */
public final class Shell {

  private static final int SECONDS = 60;

  private Shell() {}

  /**
   * @param printed both what it printed and what it complained of
   */
  public record Result(int status, String printed) {}

  public static Result tryToRun(String... command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectErrorStream(true).redirectInput(DEV_NULL).start();
      String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return new Result(-1, "did not end: " + printed);
      }
      return new Result(process.exitValue(), printed.strip());
    } catch (IOException notThere) {
      return new Result(-1, notThere.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** What it printed; it must succeed. */
  public static String run(String... command) {
    Result result = tryToRun(command);
    if (result.status() != 0) {
      throw new UncheckedIOException(
          new IOException(String.join(" ", command) + ": " + result.printed()));
    }
    return result.printed();
  }

  private static final ProcessBuilder.Redirect DEV_NULL =
      ProcessBuilder.Redirect.from(new java.io.File("/dev/null"));
}
