package io.holdfast.broker;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Prometheus and its tool for checking rules, with which the metrics, alerts and dashboards of this
 * project are tested. Nothing that runs needs them.
 */
public record PrometheusBinaries(Path prometheus, Path promtool) {

  private static final String SERVER = "prometheus";
  private static final String TOOL = "promtool";

  /** Looks in the folders of {@code PATH}, then in the tools folder; downloads nothing. */
  public static Optional<PrometheusBinaries> find(Path toolsFolder) {
    return find(System.getenv(), toolsFolder);
  }

  static Optional<PrometheusBinaries> find(Map<String, String> environment, Path toolsFolder) {
    Optional<Path> server = program(environment, toolsFolder, SERVER);
    Optional<Path> tool = program(environment, toolsFolder, TOOL);
    return server.flatMap(s -> tool.map(t -> new PrometheusBinaries(s, t)));
  }

  /**
   * {@link #find}, and if that found none the distribution's packages, unpacked into the tools
   * folder. One process at a time does that.
   */
  static PrometheusBinaries findOrFetch(Path toolsFolder, Consumer<String> progress)
      throws IOException {
    Optional<PrometheusBinaries> found = find(toolsFolder);
    if (found.isPresent()) {
      return found.get();
    }
    Files.createDirectories(toolsFolder);
    try (FileChannel file =
            FileChannel.open(
                toolsFolder.resolve("prometheus.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        FileLock lock = file.lock()) {
      assert lock.isValid();
      Optional<PrometheusBinaries> meanwhile = find(toolsFolder);
      return meanwhile.isPresent() ? meanwhile.get() : fetch(toolsFolder, progress);
    }
  }

  private static PrometheusBinaries fetch(Path toolsFolder, Consumer<String> progress)
      throws IOException {
    progress.accept("Fetching prometheus and promtool, for tests (about 45 MB) ...");
    Path own = Files.createTempDirectory(toolsFolder, "prometheus-");
    try {
      Path tree = new DebianPackage(List.of(SERVER, TOOL)).tree(own, progress);
      return new PrometheusBinaries(take(tree, SERVER, toolsFolder), take(tree, TOOL, toolsFolder));
    } finally {
      delete(own);
    }
  }

  private static Path take(Path tree, String name, Path toolsFolder) throws IOException {
    return Files.move(
        DebianPackage.program(tree, name),
        toolsFolder.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static Optional<Path> program(
      Map<String, String> environment, Path toolsFolder, String name) {
    return Stream.concat(
            SearchPath.programs(environment, name),
            Stream.of(toolsFolder.toAbsolutePath().resolve(name)).filter(Files::isExecutable))
        .findFirst();
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
