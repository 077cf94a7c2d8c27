package io.holdfast.launcher;

import io.holdfast.broker.ProjectRoot;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The {@code --data} option that the commands share, and what follows from it. */
class DataFolder {

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Where everything is kept. Default: .holdfast/ in the project")
  private Path data;

  Path path() {
    return data == null ? projectRoot().resolve(".holdfast") : data.toAbsolutePath();
  }

  /** Told by the script that starts us, from wherever it was called; else looked for. */
  static Path projectRoot() {
    String root = System.getProperty("holdfast.root");
    return root == null ? ProjectRoot.find() : Path.of(root);
  }

  /** The system that runs over this folder. */
  Optional<RunningSystem> system() {
    return RunningSystem.find(path());
  }
}
