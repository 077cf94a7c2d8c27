package io.holdfast.broker;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The folder that fetched programs are kept in. */
final class ToolsFolder {

  private static final String PRIVATE_PREFIX = "fetch-";
  private static final Duration LOCK_TIMEOUT = Duration.ofMinutes(15);

  private final Path folder;
  private final Consumer<String> progress;

  ToolsFolder(Path folder, Consumer<String> progress) {
    this.folder = folder.toAbsolutePath().normalize();
    this.progress = progress;
  }

  /** Takes the server from the first source that delivers one; nothing if it is here already. */
  NatsServerBinary fetch(List<ServerSource> sources) {
    try {
      Files.createDirectories(folder);
      try (FileChannel file = openLockFile()) {
        awaitLock(file);
        Optional<NatsServerBinary> present = server();
        return present.isPresent() ? present.get() : fetchFromFirstOf(sources);
      }
    } catch (IOException e) {
      throw new NatsServerException(howToGetOne(List.of(folder + ": " + e)), e);
    }
  }

  /** The message for whoever has no server. */
  static String howToGetOne(List<String> whyNot) {
    return """
        No nats-server of version %s or newer is here.%s
        Install one (https://github.com/nats-io/nats-server/releases, or your distribution's \
        package if it is new enough), put it on the PATH or point to it with %s=/path/to/nats-server, \
        then try again. With network access, ./holdfast up fetches one by itself."""
        .formatted(
            NatsServerVersion.MINIMUM,
            whyNot.isEmpty() ? "" : "\nFetching one failed:\n  " + String.join("\n  ", whyNot),
            NatsServerBinary.VARIABLE);
  }

  private NatsServerBinary fetchFromFirstOf(List<ServerSource> sources) throws IOException {
    deletePrivateFolders();
    var whyNot = new ArrayList<String>();
    for (ServerSource source : sources) {
      Path own = Files.createTempDirectory(folder, PRIVATE_PREFIX);
      try {
        progress.accept("Fetching nats-server: " + source.name() + " ...");
        NatsServerBinary taken = take(source.unpackInto(own, progress));
        progress.accept("Fetched nats-server %s to %s".formatted(taken.version(), taken.path()));
        return taken;
      } catch (IOException e) {
        progress.accept("That did not work: " + e.getMessage());
        whyNot.add(source.name() + ": " + e.getMessage());
      } finally {
        delete(own);
      }
    }
    throw new NatsServerException(howToGetOne(whyNot));
  }

  /** One rename brings it to its name, so nobody ever sees half of it there. */
  private NatsServerBinary take(Path unpacked) throws IOException {
    NatsServerBinary binary =
        NatsServerBinary.at(unpacked)
            .orElseThrow(() -> new IOException("what it delivered does not run here"));
    if (!binary.version().isNewEnough()) {
      throw new IOException("what it delivered is version " + binary.version());
    }
    Path target = folder.resolve(NatsServerBinary.NAME);
    Files.move(
        unpacked, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return new NatsServerBinary(target, binary.version());
  }

  private Optional<NatsServerBinary> server() {
    return NatsServerBinary.at(folder.resolve(NatsServerBinary.NAME))
        .filter(binary -> binary.version().isNewEnough());
  }

  private FileChannel openLockFile() throws IOException {
    return FileChannel.open(
        folder.resolve("fetch.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /** Returns with the lock held; to close the file gives it back. */
  private void awaitLock(FileChannel file) throws IOException {
    if (lock(file)) {
      return;
    }
    progress.accept("Another process is fetching nats-server; waiting for it ...");
    long deadline = System.nanoTime() + LOCK_TIMEOUT.toNanos();
    while (!lock(file)) {
      if (System.nanoTime() > deadline) {
        throw new IOException(
            "another process has been fetching for %d minutes".formatted(LOCK_TIMEOUT.toMinutes()));
      }
      Pause.briefly();
    }
  }

  private static boolean lock(FileChannel file) throws IOException {
    try {
      return file.tryLock() != null;
    } catch (OverlappingFileLockException anotherThreadHasIt) {
      return false;
    }
  }

  /** Left by fetches that were killed; whoever holds the lock is the only one fetching. */
  private void deletePrivateFolders() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path left : all.filter(ToolsFolder::isPrivate).toList()) {
        delete(left);
      }
    }
  }

  private static boolean isPrivate(Path file) {
    return Files.isDirectory(file) && file.getFileName().toString().startsWith(PRIVATE_PREFIX);
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
