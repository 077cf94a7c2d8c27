package io.holdfast.system.observability;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.broker.ProjectRoot;
import io.holdfast.broker.PrometheusBinaries;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Prometheus's own judge of metrics, rules and configurations. */
final class Promtool {

  /**
   * @param output both streams, as they came
   */
  record Verdict(int status, String output) {}

  private static final Optional<PrometheusBinaries> FOUND =
      PrometheusBinaries.find(ProjectRoot.toolsFolder());

  private Promtool() {}

  /** The programs; where there are none the test is skipped. */
  static PrometheusBinaries binaries() {
    assumeTrue(
        FOUND.isPresent(),
        "no prometheus and promtool on the PATH or in .tools: a build without"
            + " -Dholdfast.fetch.skip=true fetches them, on Debian; else install them");
    return FOUND.orElseThrow();
  }

  static Verdict run(Path folder, String... arguments) throws Exception {
    return runWith(folder, "", arguments);
  }

  /**
   * @param input what it reads
   */
  static Verdict runWith(Path folder, String input, String... arguments) throws Exception {
    Path in = Files.createTempFile("promtool-", ".in");
    Path out = Files.createTempFile("promtool-", ".out");
    try {
      Files.writeString(in, input, StandardCharsets.UTF_8);
      List<String> command =
          Stream.concat(Stream.of(binaries().promtool().toString()), Stream.of(arguments)).toList();
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .redirectErrorStream(true)
              .start();
      boolean ended = process.waitFor(60, TimeUnit.SECONDS);
      process.destroyForcibly();
      if (!ended) {
        throw new IOException("promtool " + List.of(arguments) + " did not end");
      }
      return new Verdict(process.exitValue(), Files.readString(out));
    } finally {
      Files.delete(in);
      Files.delete(out);
    }
  }
}
