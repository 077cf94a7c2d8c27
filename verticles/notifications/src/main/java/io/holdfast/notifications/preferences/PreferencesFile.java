package io.holdfast.notifications.preferences;

import io.holdfast.runtime.telemetry.Meters;
import io.micrometer.core.instrument.Counter;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks every second whether the file has changed, and reads it again if it has. One that cannot be
 * used changes nothing: what was read before holds.
 */
public final class PreferencesFile extends VerticleBase implements Supplier<Preferences> {

  private static final long LOOK_MILLIS = 1_000;
  private static final Logger log = LoggerFactory.getLogger(PreferencesFile.class);

  private final Path file;
  private final Set<String> channels;
  private final Counter rejected;
  private volatile Preferences current;
  private volatile boolean looking;
  private volatile Stamp lookedAt;

  /** What differs once a file was written or replaced; also if a link to it was moved. */
  private record Stamp(FileTime modified, long size, Object key) {
    static final Stamp GONE = new Stamp(FileTime.fromMillis(0), -1, null);

    static Stamp of(Path file) {
      try {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        return new Stamp(found.lastModifiedTime(), found.size(), found.fileKey());
      } catch (IOException gone) {
        return GONE;
      }
    }
  }

  /**
   * @param channels the names that a preference may have
   * @param first as read at the start
   */
  public PreferencesFile(Path file, Set<String> channels, Preferences first, Meters meters) {
    this.file = file;
    this.channels = Set.copyOf(channels);
    this.current = first;
    this.rejected =
        Counter.builder("notification_preferences_rejected")
            .description("Changes to the preferences that could not be used")
            .register(meters.registry());
    meters.gauge(
        "notification_preferences",
        "Customers of whom a preference is known",
        "state",
        "known",
        () -> current.size());
  }

  /** As they stand now. */
  @Override
  public Preferences get() {
    return current;
  }

  @Override
  public Future<?> start() {
    vertx.setPeriodic(0, LOOK_MILLIS, id -> look());
    return Future.succeededFuture();
  }

  private void look() {
    if (looking) {
      return; // a slow disk; the next time will do
    }
    looking = true;
    vertx
        .executeBlocking(this::readIfChanged, false)
        .onComplete(
            done -> {
              looking = false;
              if (done.failed()) {
                rejected.increment();
                log.atWarn()
                    .addKeyValue("file", file)
                    .addKeyValue("error", done.cause().getMessage())
                    .log("Preferences cannot be used, the ones before hold");
              }
            });
  }

  private Void readIfChanged() {
    Stamp stamp = Stamp.of(file);
    if (stamp.equals(lookedAt)) {
      return null;
    }
    boolean first = lookedAt == null;
    lookedAt = stamp; // before reading: what is written meanwhile shows at the next look
    Preferences read = Preferences.read(file, channels);
    current = read;
    if (!first) {
      log.atInfo().addKeyValue("customers", read.size()).log("Preferences read again");
    }
    return null;
  }
}
