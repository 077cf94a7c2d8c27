package io.holdfast.launcher;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** For who builds container images: makes the archives that the services start faster with. */
@Command(
    name = "train",
    hidden = true,
    description = "Makes every service's startup archive, beside its JAR.")
final class TrainCommand implements Callable<Integer> {

  @Override
  public Integer call() throws Exception {
    Path folder = Files.createTempDirectory("holdfast-training-");
    try {
      StartupArchive.makeMissing(folder);
    } finally {
      Files.deleteIfExists(folder);
    }
    boolean all =
        Groups.ALL.stream()
            .allMatch(group -> StartupArchive.of(ServiceProcess.jar(group.name())).current());
    return all ? 0 : 1;
  }
}
