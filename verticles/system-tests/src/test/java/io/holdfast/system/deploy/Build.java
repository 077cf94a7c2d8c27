package io.holdfast.system.deploy;

import io.holdfast.system.JarProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where JARs come from: the build that is tested, or an older one.
 *
 * @param root of the older build's working tree; null for the build that is tested
 */
record Build(Path root) {

  /** What this build made. */
  static final Build NEW = new Build(null);

  private static final String OLD = "holdfast.deploy.old";

  /** The older build to mix in, if one was given. */
  static Optional<Build> old() {
    return Optional.ofNullable(System.getProperty(OLD)).map(folder -> new Build(Path.of(folder)));
  }

  Path jar(String group) {
    if (root == null) {
      return JarProcess.jar(group);
    }
    Path jar = root.resolve("verticles/" + group + "/target/" + group + "-fat.jar");
    if (!Files.exists(jar)) {
      throw new AssertionError(jar + " is not there; -D" + OLD + " must name a tree with its JARs");
    }
    return jar;
  }

  @Override
  public String toString() {
    return root == null ? "new" : "old";
  }
}
