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

  /**
   * For those who keep something there.
   *
   * @throws IllegalStateException with what to do, if nothing was said and there is no project
   */
  Path path() {
    return data == null ? inProject(projectRoot()) : data.toAbsolutePath();
  }

  /** For those who only look what is there; empty where no folder was named nor is a project. */
  Optional<Path> known() {
    return data == null ? root().map(DataFolder::inProject) : Optional.of(data.toAbsolutePath());
  }

  /**
   * For what is built there and fetched there.
   *
   * @throws IllegalStateException with what to do, if there is no project
   */
  static Path projectRoot() {
    return root()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "This command needs the project's folder, and neither %s nor a folder above it is that: type ./holdfast there, or say where it is with -Dholdfast.root=DIR before -jar"
                        .formatted(Path.of("").toAbsolutePath())));
  }

  /** Told by the script that starts us, from wherever it was called; else looked for. */
  private static Optional<Path> root() {
    String root = System.getProperty("holdfast.root");
    return root == null ? ProjectRoot.around() : Optional.of(Path.of(root));
  }

  private static Path inProject(Path root) {
    return root.resolve(".holdfast");
  }

  /** The system that runs over this folder. */
  Optional<RunningSystem> system() {
    return known().flatMap(RunningSystem::find);
  }

  /** What to say to somebody who wants to place orders and has not said where. */
  String noOrdersService() {
    return nothingRuns() + " Start it with: ./holdfast up, or say where: --url http://host:port";
  }

  /** What to say where there is none, a sentence. */
  String nothingRuns() {
    return known()
        .map("Nothing is running over %s."::formatted)
        .orElse("There is no project here in which something could be running.");
  }
}
