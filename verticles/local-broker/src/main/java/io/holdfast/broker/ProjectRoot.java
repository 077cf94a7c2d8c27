package io.holdfast.broker;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where the project lies: the folder that holds {@code .mvn}. */
public final class ProjectRoot {

  private ProjectRoot() {}

  /**
   * The project that the working directory is in.
   *
   * @throws NatsServerException if it is in none
   */
  public static Path find() {
    return above(Path.of(""));
  }

  /** The project that the working directory is in, if it is in one. */
  public static Optional<Path> around() {
    return lookAbove(Path.of(""));
  }

  /** The project's folder for tools that it fetched, {@code .tools}; it may not exist yet. */
  public static Path toolsFolder() {
    return find().resolve(".tools");
  }

  static Path above(Path start) {
    return lookAbove(start)
        .orElseThrow(
            () ->
                new NatsServerException(
                    "no folder above %s holds .mvn; run this inside the project"
                        .formatted(start.toAbsolutePath())));
  }

  private static Optional<Path> lookAbove(Path start) {
    for (Path folder = start.toAbsolutePath(); folder != null; folder = folder.getParent()) {
      if (Files.isDirectory(folder.resolve(".mvn"))) {
        return Optional.of(folder);
      }
    }
    return Optional.empty();
  }
}
