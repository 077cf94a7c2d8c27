package io.holdfast.launcher;

import io.holdfast.broker.NatsServerException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Notices when a child process ends, says so, and starts it again. */
final class ChildWatch {

  private static final long LOOK_MILLIS = 50;
  private static final int KILLED = 128 + 9;
  private static final Map<Integer, String> SIGNALS =
      Map.of(1, "SIGHUP", 2, "SIGINT", 6, "SIGABRT", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");

  /** A process that should run all the time. */
  interface Child {
    String name();

    boolean isAlive();

    /** Of the process that was started last. */
    long pid();

    /** Of the process that has ended; empty if it cannot be known. */
    OptionalInt exitStatus();

    /** What it printed, over all its starts. */
    Path log();

    /** Starts it again, after it ended; may wait until it answers. */
    void start() throws IOException;
  }

  private final boolean restart;
  private final Runnable restarted;
  private final Consumer<String> tell;
  private final List<Keeper> keepers = new CopyOnWriteArrayList<>();
  private volatile boolean stopping;

  /**
   * @param restart else it only says that a child has ended
   * @param restarted runs after each start, when the child has another process id
   * @param tell gets a line for a person
   */
  ChildWatch(boolean restart, Runnable restarted, Consumer<String> tell) {
    this.restart = restart;
    this.restarted = restarted;
    this.tell = tell;
  }

  /** From now on, on a thread of its own. */
  void watch(Child child) {
    Keeper keeper = new Keeper(child);
    keepers.add(keeper);
    Thread.ofPlatform().daemon().name("watch-" + child.name()).start(keeper::keep);
  }

  /** When this returns nothing is being started, nor will be: the children may be stopped. */
  void stop() {
    stopping = true;
    keepers.forEach(Keeper::wake);
  }

  /** How a process ended, by its exit status as Java tells it. */
  static String inWords(int exitStatus) {
    int signal = exitStatus - 128;
    return signal > 0
        ? SIGNALS.getOrDefault(signal, "signal " + signal)
        : "exit status " + exitStatus;
  }

  /** Holds its monitor except while it waits, so that a stop comes before or after a start. */
  private final class Keeper {
    private final Child child;
    private final RestartPolicy policy = new RestartPolicy();
    private long begun = System.nanoTime();

    Keeper(Child child) {
      this.child = child;
    }

    synchronized void wake() {
      notifyAll();
    }

    synchronized void keep() {
      try {
        while (true) {
          while (child.isAlive() && !stopping) {
            wait(LOOK_MILLIS);
          }
          if (stopping || !again()) {
            return;
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    /** Whether it goes on. */
    private boolean again() throws InterruptedException {
      OptionalInt status = child.exitStatus();
      String end = child.name() + " ended";
      if (status.isPresent()) {
        end += " (" + inWords(status.getAsInt()) + ")";
      }
      boolean byItself = status.isPresent() && status.getAsInt() != KILLED;
      Duration lived = Duration.ofNanos(System.nanoTime() - begun);
      while (true) {
        if (!restart) {
          tell.accept(end + ", and stays so (--no-restart). Its log: " + child.log());
          return false;
        }
        Optional<Duration> pause = policy.afterEnd(lived, byItself);
        if (pause.isEmpty()) {
          tell.accept(
              "%s, at once for the %dth time in a row; it is not started again. Its log: %s"
                  .formatted(end, RestartPolicy.MAX_AT_ONCE, child.log()));
          return false;
        }
        if (!sleep(pause.get())) {
          return false;
        }
        begun = System.nanoTime();
        try {
          child.start();
          restarted.run();
          tell.accept(end + ", started again, pid " + child.pid());
          return true;
        } catch (IOException | NatsServerException failure) {
          end = child.name() + " does not start: " + failure.getMessage();
          byItself = true;
          lived = Duration.ZERO;
        }
      }
    }

    /** False if a stop came meanwhile. */
    private boolean sleep(Duration pause) throws InterruptedException {
      long until = System.nanoTime() + pause.toNanos();
      long left = pause.toMillis();
      while (left > 0 && !stopping) {
        wait(left);
        left = Duration.ofNanos(until - System.nanoTime()).toMillis();
      }
      return !stopping;
    }
  }
}
