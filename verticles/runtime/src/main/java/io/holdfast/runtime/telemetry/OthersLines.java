package io.holdfast.runtime.telemetry;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.slf4j.LoggerFactory;

/**
 * What libraries log by the JDK's own logging, as OpenTelemetry does when its receiver is away,
 * becomes lines of ours. Left alone it would go to standard error, in two lines of plain text.
 */
final class OthersLines extends Handler {

  private static final SimpleFormatter TEXT = new SimpleFormatter();

  private OthersLines() {}

  /** From now on. */
  static void take() {
    LogManager.getLogManager().reset();
    Logger root = Logger.getLogger("");
    root.setLevel(Level.WARNING);
    root.addHandler(new OthersLines());
  }

  @Override
  public void publish(LogRecord record) {
    String name = record.getLoggerName() == null ? "jdk" : record.getLoggerName();
    LoggerFactory.getLogger(name)
        .atLevel(
            record.getLevel().intValue() >= Level.SEVERE.intValue()
                ? org.slf4j.event.Level.ERROR
                : org.slf4j.event.Level.WARN)
        .setCause(record.getThrown())
        .log(TEXT.formatMessage(record));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
