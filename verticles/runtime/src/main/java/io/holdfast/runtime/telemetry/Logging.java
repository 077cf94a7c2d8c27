package io.holdfast.runtime.telemetry;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sets up logging by code, as every group wants the same: JSON lines, written by a thread of their
 * own.
 */
public final class Logging {

  private static final int QUEUE = 16_384;
  private static final Duration LEVEL_INTERVAL = Duration.ofSeconds(2);

  private static LogLevelFile levelFile;
  private static boolean setUp;

  private Logging() {}

  /** JSON lines to standard output, as {@code LOG_LEVEL} and {@code LOG_LEVEL_FILE} say. */
  public static void toStdout(String service, Map<String, String> env) {
    // The process's own stream, unbuffered: each line leaves in one write.
    to(new java.io.FileOutputStream(java.io.FileDescriptor.out), service, env);
  }

  /** JSON lines to a file, which is begun if it is not there. */
  public static void toFile(Path file, String service, Map<String, String> env) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    to(
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
        service,
        env);
  }

  /**
   * For a command that tells a person in its own words what happens: nothing is written, unless
   * logging was set up before.
   */
  public static synchronized void quiet() {
    if (!setUp) {
      to(OutputStream.nullOutputStream(), "holdfast", Map.of("LOG_LEVEL", "off"));
    }
  }

  /** A group's logger for one of the runtime's classes, so that the line names the group. */
  public static Logger of(String group, Class<?> source) {
    return LoggerFactory.getLogger("io.holdfast." + group + "." + source.getSimpleName());
  }

  /** Writes out what is queued; at the end of the process. */
  public static synchronized void close() {
    if (levelFile != null) {
      levelFile.close();
      levelFile = null;
    }
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.stop();
    }
  }

  private static synchronized void to(
      OutputStream stream, String service, Map<String, String> env) {
    String level = env.getOrDefault("LOG_LEVEL", "");
    level = level.isEmpty() ? "info" : level;
    System.setProperty("holdfast.service", service);
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    setUp = true;

    JsonLogEncoder encoder = new JsonLogEncoder();
    encoder.setContext(context);
    encoder.start();

    OutputStreamAppender<ILoggingEvent> lines = new OutputStreamAppender<>();
    lines.setContext(context);
    lines.setName("json");
    lines.setEncoder(encoder);
    lines.setOutputStream(stream);
    lines.start();

    // An event loop must never wait for whoever reads our output: a full queue drops what is below
    // warning first.
    AsyncAppender async = new AsyncAppender();
    async.setContext(context);
    async.setName("async");
    async.setQueueSize(QUEUE);
    async.setNeverBlock(true);
    async.setMaxFlushTime(2_000);
    async.addAppender(lines);
    async.start();

    ch.qos.logback.classic.Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(async);
    root.setLevel(Level.WARN);
    // It warns whenever Vert.x asks twice for one of its own gauges.
    context.getLogger("io.micrometer").setLevel(Level.ERROR);
    // A level that is none stops the start a moment later.
    context
        .getLogger("io.holdfast")
        .setLevel(Level.toLevel(level.toUpperCase(Locale.ROOT), Level.INFO));
    OthersLines.take();
    String file = env.getOrDefault("LOG_LEVEL_FILE", "");
    if (!file.isEmpty()) {
      levelFile =
          LogLevelFile.follow(Path.of(file), level, LEVEL_INTERVAL, of(service, Logging.class));
    }
  }
}
