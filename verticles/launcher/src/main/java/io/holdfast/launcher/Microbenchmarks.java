package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs the JMH benchmarks in a JVM of their own. */
final class Microbenchmarks {

  private Microbenchmarks() {}

  /**
   * @param json where JMH is to write its results too, or null
   * @return the exit status
   */
  static int run(boolean quick, Path json) throws IOException, InterruptedException {
    Path jar = ServiceProcess.jar("benchmarks");
    if (!Files.exists(jar)) {
      say("There is no %s. Make it: mvn -q package -DskipTests -pl verticles/benchmarks -am", jar);
      return 1;
    }
    List<String> command = new ArrayList<>();
    command.add(BenchSite.java());
    command.add("-Dholdfast.root=" + DataFolder.projectRoot());
    command.addAll(List.of("-jar", jar.toString(), "-prof", "gc", "-foe", "true"));
    if (quick) {
      command.addAll(List.of("-wi", "2", "-i", "2"));
    }
    if (json != null) {
      command.addAll(List.of("-rf", "json", "-rff", json.toString()));
    }
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
