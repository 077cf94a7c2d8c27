package io.holdfast.system.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Something bad that happens to a store. */
enum Damage {
  BIT_FLIPPED_IN_BLOCK("msgs/[0-9]+\\.blk"),
  BIT_FLIPPED_IN_INDEX("msgs/index\\.db"),
  BIT_FLIPPED_IN_STREAM_META("[^/]*_[A-Z]+/meta\\.(inf|sum)"),
  BIT_FLIPPED_IN_CONSUMER("obs/[^/]+/(o\\.dat|meta\\.inf|meta\\.sum)"),
  BLOCK_TRUNCATED("msgs/[0-9]+\\.blk"),
  BLOCK_REMOVED("msgs/[0-9]+\\.blk"),
  STREAM_REMOVED("[^/]*_[A-Z]+/meta\\.inf"),
  STORE_WIPED(".*/meta\\.inf");

  private final String files;

  Damage(String files) {
    this.files = "(.*/)?" + files;
  }

  /** Does it to a store, as the dice say; tells where. */
  String to(Path store, Random dice) {
    try {
      if (this == STORE_WIPED) {
        Folders.delete(store);
        return "everything";
      }
      List<Path> possible =
          Folders.files(store).stream()
              .filter(file -> store.relativize(file).toString().matches(files))
              .filter(file -> file.toFile().length() > 0)
              .toList();
      Path file = possible.get(dice.nextInt(possible.size()));
      String name = store.relativize(file).toString();
      switch (this) {
        case BLOCK_REMOVED -> {
          Files.delete(file);
          return name;
        }
        case STREAM_REMOVED -> {
          Folders.delete(file.getParent());
          return store.relativize(file.getParent()).toString();
        }
        case BLOCK_TRUNCATED -> {
          byte[] bytes = Files.readAllBytes(file);
          int kept = dice.nextInt(bytes.length);
          Files.write(file, java.util.Arrays.copyOf(bytes, kept));
          return "%s to %d of %d bytes".formatted(name, kept, bytes.length);
        }
        default -> {
          byte[] bytes = Files.readAllBytes(file);
          int at = dice.nextInt(bytes.length);
          int bit = dice.nextInt(8);
          bytes[at] ^= (byte) (1 << bit);
          Files.write(file, bytes);
          return "%s, byte %d of %d, bit %d".formatted(name, at, bytes.length, bit);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
