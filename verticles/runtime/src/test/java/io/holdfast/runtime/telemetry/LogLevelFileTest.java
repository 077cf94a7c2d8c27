package io.holdfast.runtime.telemetry;

import static io.holdfast.runtime.support.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class LogLevelFileTest {

  private static final Logger OURS = (Logger) LoggerFactory.getLogger("io.holdfast");

  @TempDir Path folder;

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final AppenderBase<ILoggingEvent> kept =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          lines.add(event.getLevel() + " " + event.getFormattedMessage() + " " + pairs(event));
        }

        private static String pairs(ILoggingEvent event) {
          return String.valueOf(event.getKeyValuePairs());
        }
      };
  private Level before;
  private LogLevelFile followed;
  private Path file;

  @BeforeEach
  void follow() {
    before = OURS.getLevel();
    kept.start();
    OURS.addAppender(kept);
    OURS.setLevel(Level.INFO);
    file = folder.resolve("level");
    followed =
        LogLevelFile.follow(
            file,
            "info",
            Duration.ofMillis(10),
            LoggerFactory.getLogger("io.holdfast.orders.Logging"));
  }

  @AfterEach
  void restore() {
    followed.close();
    OURS.detachAppender(kept);
    OURS.setLevel(before);
  }

  private void says(String content) throws IOException {
    Path next = Files.writeString(folder.resolve("next"), content);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void awaitLevel(Level level) {
    eventually("the level is " + level, () -> OURS.getLevel().equals(level));
  }

  @Test
  void what_the_file_says_holds_a_moment_later_and_without_it_what_held_at_the_start()
      throws IOException {
    says("debug\n");
    awaitLevel(Level.DEBUG);
    says("WARN");
    awaitLevel(Level.WARN);
    Files.delete(file);
    awaitLevel(Level.INFO);
    says("trace");
    awaitLevel(Level.TRACE);
    says("");
    awaitLevel(Level.INFO);
  }

  @Test
  void each_change_is_told_also_the_one_after_which_nothing_more_is() throws IOException {
    says("error");
    awaitLevel(Level.ERROR);
    says("info");
    awaitLevel(Level.INFO);
    eventually("both are told", () -> lines.size() == 2);
    assertThat(lines.get(0)).startsWith("INFO Log level changed").contains("error");
    assertThat(lines.get(1)).startsWith("INFO Log level changed").contains("info");
  }

  @Test
  void what_is_no_level_changes_nothing_and_is_told_once_without_its_words() throws IOException {
    says("debug");
    awaitLevel(Level.DEBUG);
    lines.clear();
    says("hush-hush");
    eventually("it is told", () -> !lines.isEmpty());
    says("debug");
    says("error");
    awaitLevel(Level.ERROR);
    assertThat(lines).filteredOn(line -> line.startsWith("WARN")).hasSize(1);
    assertThat(lines).noneMatch(line -> line.contains("hush"));
  }
}
