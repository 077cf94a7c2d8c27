package io.holdfast.system;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.holdfast.broker.ProjectRoot;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The project's {@code kube/}: its files as they lie there, and what kustomize makes of them. */
final class KubeFolder {

  static final Path ROOT = ProjectRoot.find().resolve("kube");

  private static final ObjectReader YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build()
          .readerFor(JsonNode.class);

  /** The kustomize that knows components and {@code labels}; it is in kubectl from 1.27 on. */
  private static final Pattern NEW_ENOUGH =
      Pattern.compile("\"kustomizeVersion\": \"v([5-9]|\\d\\d)");

  private static final Pattern TOO_OLD = Pattern.compile("(?m)^(\\{|v[0-4]\\.)");

  private static final Optional<List<String>> RENDERER = findRenderer();
  private static final Map<String, List<KubeObject>> RENDERED = new ConcurrentHashMap<>();

  private KubeFolder() {}

  /** Every folder with a kustomization that can be rendered by itself, relative to the root. */
  static List<String> kustomizations() {
    return kustomizationFiles()
        .filter(file -> read(file).getFirst().path("kind").asText().equals("Kustomization"))
        .map(file -> ROOT.relativize(file.getParent()).toString())
        .toList();
  }

  /** Those that make a whole system. */
  static List<String> overlays() {
    return kustomizations().stream().filter(folder -> folder.startsWith("overlays/")).toList();
  }

  static Stream<Path> kustomizationFiles() {
    return files().filter(file -> file.getFileName().toString().equals("kustomization.yaml"));
  }

  static Stream<Path> files() {
    try (Stream<Path> files = Files.walk(ROOT)) {
      return files.filter(Files::isRegularFile).sorted().toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(String file) {
    try {
      return Files.readString(ROOT.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The documents of a YAML file. */
  static List<JsonNode> read(Path file) {
    try {
      return documents(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(file + " is not YAML as we want it", e);
    }
  }

  /** The objects that a folder renders to; the test is skipped on a machine without kustomize. */
  static List<KubeObject> render(String folder) {
    assumeTrue(
        RENDERER.isPresent(),
        "Neither kubectl 1.27 or newer nor kustomize 5 or newer is on the PATH, so kube/ was read"
            + " but not rendered");
    return RENDERED.computeIfAbsent(folder, KubeFolder::renderNow);
  }

  private static List<KubeObject> renderNow(String folder) {
    Run run = run(concat(RENDERER.orElseThrow(), ROOT.resolve(folder).toString()));
    // A warning is a fault here: it is how kustomize tells what it will not understand tomorrow.
    if (run.status() != 0 || !run.errors().isBlank()) {
      throw new AssertionError("kube/" + folder + " does not render clean: " + run.errors());
    }
    try {
      return documents(run.output()).stream().map(KubeObject::new).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> documents(String text) throws IOException {
    try (MappingIterator<JsonNode> documents = YAML.readValues(text)) {
      return documents.readAll();
    }
  }

  private static Optional<List<String>> findRenderer() {
    Path fetched = ProjectRoot.toolsFolder().resolve("kustomize");
    return Stream.concat(onPath("kustomize"), Stream.of(fetched).filter(Files::isExecutable))
        .map(Path::toString)
        .filter(program -> !TOO_OLD.matcher(run(List.of(program, "version")).output()).find())
        .map(program -> List.of(program, "build"))
        .findFirst()
        .or(
            () ->
                onPath("kubectl")
                    .map(Path::toString)
                    .filter(KubeFolder::isNewEnough)
                    .map(program -> List.of(program, "kustomize"))
                    .findFirst());
  }

  private static boolean isNewEnough(String kubectl) {
    String version = run(List.of(kubectl, "version", "--client", "--output=json")).output();
    return NEW_ENOUGH.matcher(version).find();
  }

  private static Stream<Path> onPath(String program) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, program).toAbsolutePath())
        .filter(Files::isExecutable);
  }

  private static List<String> concat(List<String> command, String argument) {
    return Stream.concat(command.stream(), Stream.of(argument)).toList();
  }

  private record Run(int status, String output, String errors) {}

  private static Run run(List<String> command) {
    try {
      // To files, not pipes: nobody would read the second pipe while the first one fills.
      Path output = Files.createTempFile("kustomize-", ".out");
      Path errors = Files.createTempFile("kustomize-", ".err");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        boolean ended = process.waitFor(20, TimeUnit.SECONDS);
        process.destroyForcibly();
        return new Run(
            ended ? process.exitValue() : -1, Files.readString(output), Files.readString(errors));
      } finally {
        Files.deleteIfExists(output);
        Files.deleteIfExists(errors);
      }
    } catch (IOException e) {
      return new Run(-1, "", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
