package io.holdfast.runtime.boot;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Hears SIGTERM and SIGINT: the first begins to end the process, each one after it asks for haste.
 *
 * <p>A JVM that runs its shutdown hooks listens to no further signal by itself, and the JDK has no
 * API for signals but {@code sun.misc.Signal} of its module {@code jdk.unsupported}. That one is
 * looked up at run time: the compiler warns of it, and a JDK may come without it. Then the first
 * signal is heard as ever, and the others are not.
 */
public final class StopSignals {

  private static final List<String> SIGNALS = List.of("TERM", "INT");

  /** As a shell tells that a process ended by a signal. */
  private static final int STATUS_OF_SIGNALS = 128;

  private StopSignals() {}

  /**
   * From now on.
   *
   * @param thread name of the shutdown hook's
   * @param stop runs once, as a shutdown hook, whatever ends the JVM; may halt it with a status
   * @param hurry runs at each signal after the one that began the stop, on a thread of its own;
   *     perhaps before {@code stop} has got anywhere
   */
  public static void listen(String thread, Runnable stop, Runnable hurry) {
    AtomicBoolean told = new AtomicBoolean();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  told.set(true);
                  stop.run();
                },
                thread));
    for (String signal : SIGNALS) {
      handle(signal, number -> heard(number, told, hurry));
    }
  }

  @SuppressWarnings("SystemExitOutsideMain") // it is what the JVM itself would do
  private static void heard(int number, AtomicBoolean told, Runnable hurry) {
    if (told.getAndSet(true)) {
      hurry.run();
    } else {
      System.exit(STATUS_OF_SIGNALS + number);
    }
  }

  private interface Handler {
    void handle(int number);
  }

  private static void handle(String name, Handler handler) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> signalHandler = Class.forName("sun.misc.SignalHandler");
      Method number = signal.getMethod("getNumber");
      Object proxy =
          Proxy.newProxyInstance(
              StopSignals.class.getClassLoader(),
              new Class<?>[] {signalHandler},
              (self, method, arguments) ->
                  switch (method.getName()) {
                    case "handle" -> {
                      handler.handle((int) number.invoke(arguments[0]));
                      yield null;
                    }
                    case "equals" -> self == arguments[0];
                    case "hashCode" -> System.identityHashCode(self);
                    default -> StopSignals.class.getName();
                  });
      signal
          .getMethod("handle", signal, signalHandler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
    } catch (ReflectiveOperationException withoutIt) {
      // no such class, or a JVM that was told (-Xrs) to leave signals alone: the hook remains
      if (withoutIt instanceof InvocationTargetException refused
          && refused.getCause() instanceof Error error) {
        throw error;
      }
    }
  }
}
