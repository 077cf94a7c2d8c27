package io.holdfast.runtime.telemetry;

import ch.qos.logback.classic.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log's level while the process runs: one word in a file that is read again every few seconds.
 * There is no request for it, as whoever reaches the HTTP port could make it then.
 *
 * <p>A file that is missing or empty means the level that the process began with. One that says
 * anything else than a level changes nothing, and a warning says so once.
 */
public final class LogLevelFile implements AutoCloseable {

  static final Set<String> LEVELS = Set.of("trace", "debug", "info", "warn", "error");

  private static final int LONGEST = 64;

  private final Path file;
  private final String usual;
  private final ch.qos.logback.classic.Logger logger;
  private final Logger log;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("log-level").factory());

  private String seen;

  private LogLevelFile(Path file, String usual, Logger log) {
    this.file = file;
    this.usual = usual;
    this.log = log;
    this.logger = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger("io.holdfast");
  }

  /**
   * Reads it now, and from now on again and again.
   *
   * @param usual the level without it
   * @param log where a change is told
   */
  static LogLevelFile follow(Path file, String usual, Duration interval, Logger log) {
    LogLevelFile level = new LogLevelFile(file, usual, log);
    level.thread.scheduleWithFixedDelay(level::look, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    return level;
  }

  private void look() {
    String now = content();
    if (now.equals(seen)) {
      return;
    }
    seen = now;
    String wanted = now.isEmpty() ? usual : now;
    if (!LEVELS.contains(wanted)) {
      // Not what it says: whoever mixed the files up may have named one with secrets.
      log.atWarn()
          .addKeyValue("file", file)
          .log("The file of the log's level holds none of error, warn, info, debug, trace");
      return;
    }
    Level next = Level.toLevel(wanted.toUpperCase(Locale.ROOT));
    Level before = logger.getLevel();
    if (next.equals(before)) {
      return;
    }
    // Told at the more talkative of the two, so that the log itself says why it falls silent.
    if (before != null && before.isGreaterOrEqual(next)) {
      logger.setLevel(next);
    }
    log.atInfo().addKeyValue("log_level", wanted).log("Log level changed");
    logger.setLevel(next);
  }

  private String content() {
    try (var in = Files.newInputStream(file)) {
      return new String(in.readNBytes(LONGEST), java.nio.charset.StandardCharsets.UTF_8)
          .strip()
          .toLowerCase(Locale.ROOT);
    } catch (IOException missing) {
      return "";
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
