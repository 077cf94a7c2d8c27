package io.holdfast.broker;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;

/** Looks programs up as a shell does. */
final class SearchPath {

  private SearchPath() {}

  /** Every executable file of that name in the folders of {@code PATH}, in their order. */
  static Stream<Path> programs(Map<String, String> environment, String name) {
    return Arrays.stream(environment.getOrDefault("PATH", "").split(File.pathSeparator))
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, name).toAbsolutePath())
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file));
  }
}
