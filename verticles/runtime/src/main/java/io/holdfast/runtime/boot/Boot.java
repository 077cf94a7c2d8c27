package io.holdfast.runtime.boot;

import io.holdfast.runtime.config.SettingsException;
import io.holdfast.runtime.telemetry.Logging;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/**
 * A group's {@code main}: settings from the environment, JSON logs to standard output. SIGTERM and
 * SIGINT drain; the second of them ends the wait for what is in process.
 *
 * <p>Exit status: 0 after a clean drain, 1 after one that was cut off or a start that failed, 2 for
 * settings that cannot be used.
 */
public final class Boot {

  /** Above the longest drain, with its grace, that can be configured. */
  private static final Duration DRAIN_LIMIT = Duration.ofMinutes(11).plusSeconds(10);

  private static final Duration MARGIN = Duration.ofSeconds(10);

  /** What a process that was told twice may still need to give back and to close. */
  private static final Duration HASTE = Duration.ofSeconds(3);

  private Boot() {}

  /** Runs the group until the process is told to stop. */
  @SuppressWarnings("SystemExitOutsideMain") // it is the body of every main
  public static void run(VerticleGroup group) {
    Map<String, String> env = System.getenv();
    Logging.toStdout(group.name(), env);
    Logger log = Logging.of(group.name(), Boot.class);
    Platform platform = Platform.start();
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, group.name()).await(30, TimeUnit.SECONDS);
      StopSignals.listen(
          "drain",
          () -> Runtime.getRuntime().halt(stop(running, platform)),
          () -> hurry(running, log));
      log.atInfo()
          .addKeyValue("port", running.port())
          .addKeyValue("management_port", running.managementPort())
          .log("Listening");
    } catch (SettingsException e) {
      System.err.println(group.name() + ": " + e.getMessage());
      System.exit(2);
    } catch (Exception e) {
      log.atError().addKeyValue("error", e.toString()).log("Could not start");
      Logging.close();
      System.exit(1);
    }
  }

  /** The stop that goes on meanwhile ends the process; if it does not, this does. */
  private static void hurry(RunningGroup running, Logger log) {
    log.atWarn().log("Told to stop once more, waiting for nothing");
    running.hurry();
    try {
      Thread.sleep(HASTE);
    } catch (InterruptedException nobodyDoes) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(1);
  }

  /** On the shutdown hook's thread, so waiting is right here; every wait has a bound. */
  private static int stop(RunningGroup running, Platform platform) {
    boolean clean = false;
    try {
      clean = running.drain().await(DRAIN_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      platform.close().await(MARGIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (Exception e) {
      Logging.of(running.name(), Boot.class).atError().setCause(e).log("Force shutdown");
      clean = false;
    }
    Logging.close();
    return clean ? 0 : 1;
  }
}
