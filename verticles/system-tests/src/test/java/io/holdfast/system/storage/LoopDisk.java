package io.holdfast.system.storage;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A disk whose power can be cut: ext4 on a loop device. What has reached the device is in a file;
 * what the kernel still holds back is not.
 */
final class LoopDisk implements AutoCloseable {

  private static final long BYTES = 1L << 30; // sparse

  private final Path folder;
  private final Path mountPoint;
  private final Thread hook = new Thread(this::release, "loop-disk-release");
  private Path image;
  private Path copy;
  private String device;
  private int images;

  /** Makes and mounts one. */
  LoopDisk(Path folder) {
    this.folder = folder;
    this.mountPoint = folder.resolve("disk");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      Files.createDirectories(mountPoint);
      image = folder.resolve("image-0");
      try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
        file.setLength(BYTES);
      }
      Shell.run("mkfs.ext4", "-q", "-F", image.toString());
      mount();
    } catch (IOException e) {
      close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** What this machine lacks for such a disk; empty if it can have one. */
  static Optional<String> lacking(Path scratch) {
    for (String tool : new String[] {"losetup", "mkfs.ext4", "mount", "umount", "cp"}) {
      if (Shell.tryToRun("sh", "-c", "command -v " + tool).status() != 0) {
        return Optional.of(tool + " is not installed");
      }
    }
    String user = Shell.tryToRun("id", "-u").printed();
    if (!user.equals("0")) {
      return Optional.of("only root may mount a loop device, and this is user " + user);
    }
    try (LoopDisk probe = new LoopDisk(scratch)) {
      Files.writeString(probe.path().resolve("probe"), "x");
      return Optional.empty();
    } catch (IOException | UncheckedIOException refused) {
      return Optional.of("no loop device can be had: " + refused.getMessage());
    }
  }

  /** Where files go. */
  Path path() {
    return mountPoint;
  }

  /** Brings everything to the device, as an hour of quiet would. */
  void sync() {
    Shell.run("sync", "-f", mountPoint.toString());
  }

  /**
   * Notes what the device holds at this moment. Whoever writes must stand still meanwhile, or the
   * note is of no moment at all.
   */
  void noteForTheCut() {
    copy = folder.resolve("image-" + ++images);
    Shell.run("cp", "--sparse=always", image.toString(), copy.toString());
  }

  /** Comes back with what was noted, and nothing else. Nobody may have files open. */
  void comeBack() {
    release();
    try {
      Files.delete(image);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    image = copy;
    mount(); // and replays the journal
  }

  private synchronized void mount() {
    device = Shell.run("losetup", "--find", "--show", image.toString());
    Shell.run("mount", "-t", "ext4", device, mountPoint.toString());
  }

  private synchronized void release() {
    if (device == null) {
      return;
    }
    Shell.Result unmounted = Shell.tryToRun("umount", mountPoint.toString());
    if (unmounted.status() != 0) { // somebody has a file open: it goes when that is closed
      Shell.tryToRun("umount", "-l", mountPoint.toString());
    }
    Shell.tryToRun("losetup", "-d", device);
    device = null;
  }

  @Override
  public void close() {
    release();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException endingAnyway) {
      // the hook has done it, or does
    }
  }
}
