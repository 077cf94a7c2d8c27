package io.holdfast.broker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A nats-server program that is new enough to run our streams.
 *
 * @param path absolute
 * @param version what it said when it was found
 */
public record NatsServerBinary(Path path, NatsServerVersion version) {

  /** The environment variable that names the program to use, whatever else is there. */
  public static final String VARIABLE = "NATS_SERVER";

  static final String NAME = "nats-server";

  private static final Duration VERSION_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Looks for a server and downloads nothing. The first of these counts: {@code NATS_SERVER}, then
   * {@code nats-server} in the folders of {@code PATH}, then in the tools folder. Those that are
   * older than {@link NatsServerVersion#MINIMUM} or do not run are passed over.
   *
   * @throws NatsServerException if {@code NATS_SERVER} is set, but to nothing usable
   */
  public static Optional<NatsServerBinary> find(Path toolsFolder) {
    return find(System.getenv(), toolsFolder);
  }

  /** As {@link #find(Path)}, with another environment than this process's. */
  public static Optional<NatsServerBinary> find(Map<String, String> environment, Path toolsFolder) {
    String wanted = environment.getOrDefault(VARIABLE, "");
    if (!wanted.isBlank()) {
      return Optional.of(explicit(Path.of(wanted).toAbsolutePath()));
    }
    return Stream.concat(
            SearchPath.programs(environment, NAME),
            Stream.of(toolsFolder.toAbsolutePath().resolve(NAME)))
        .flatMap(file -> at(file).stream())
        .filter(binary -> binary.version().isNewEnough())
        .findFirst();
  }

  /**
   * Looks as {@link #find(Path)} does.
   *
   * @throws NatsServerException if there is none; the message says how to get one
   */
  public static NatsServerBinary require(Path toolsFolder) {
    return find(toolsFolder)
        .orElseThrow(() -> new NatsServerException(ToolsFolder.howToGetOne(List.of())));
  }

  /**
   * Downloads a server into the tools folder, or takes the usable one that is there already: the
   * distribution's newest package, else the upstream project's release. Several may do this at
   * once, in one process or many: one downloads, the others wait for it. What lies in the tools
   * folder under the server's name is always a whole one.
   *
   * @param progress is told what happens, in sentences for a person
   * @throws NatsServerException if none of the ways worked; the message says why and what to do
   */
  public static NatsServerBinary fetch(Path toolsFolder, Consumer<String> progress) {
    return new ToolsFolder(toolsFolder, progress)
        .fetch(List.of(new DebianPackage(), ReleaseArchive.pinned()));
  }

  /** {@link #find(Path)}, and {@link #fetch} if that found none. */
  public static NatsServerBinary findOrFetch(Path toolsFolder, Consumer<String> progress) {
    Optional<NatsServerBinary> found = find(toolsFolder);
    if (found.isEmpty()) {
      progress.accept(
          "Looking for nats-server: none on the PATH or in %s is %s or newer."
              .formatted(toolsFolder.toAbsolutePath().normalize(), NatsServerVersion.MINIMUM));
    }
    return found.orElseGet(() -> fetch(toolsFolder, progress));
  }

  /** The server in this file, however old, or nothing if the file does not run as one. */
  static Optional<NatsServerBinary> at(Path file) {
    if (!Files.isRegularFile(file) || !Files.isExecutable(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new NatsServerBinary(file, versionOf(file)));
    } catch (IOException | IllegalArgumentException notAServer) {
      return Optional.empty();
    }
  }

  private static NatsServerBinary explicit(Path file) {
    NatsServerBinary binary =
        at(file)
            .orElseThrow(
                () ->
                    new NatsServerException(
                        "%s=%s: is not a nats-server that runs here".formatted(VARIABLE, file)));
    if (!binary.version().isNewEnough()) {
      throw new NatsServerException(
          "%s=%s: is version %s, but %s or newer is needed"
              .formatted(VARIABLE, file, binary.version(), NatsServerVersion.MINIMUM));
    }
    return binary;
  }

  private static NatsServerVersion versionOf(Path file) throws IOException {
    List<String> command = List.of(file.toString(), "--version");
    return NatsServerVersion.parse(Command.run(file.getParent(), VERSION_TIMEOUT, command));
  }
}
