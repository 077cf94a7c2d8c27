package io.holdfast.broker;

import java.nio.file.Files;
import java.nio.file.Path;

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

  /** The project's folder for tools that it fetched, {@code .tools}; it may not exist yet. */
  public static Path toolsFolder() {
    return find().resolve(".tools");
  }

  static Path above(Path start) {
    for (Path folder = start.toAbsolutePath(); folder != null; folder = folder.getParent()) {
      if (Files.isDirectory(folder.resolve(".mvn"))) {
        return folder;
      }
    }
    throw new NatsServerException(
        "no folder above %s holds .mvn; run this inside the project"
            .formatted(start.toAbsolutePath()));
  }
}
