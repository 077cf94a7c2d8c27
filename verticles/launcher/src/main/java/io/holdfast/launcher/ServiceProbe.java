package io.holdfast.launcher;

import java.time.Duration;
import java.util.Map;

/** Waits for services to be ready. */
final class ServiceProbe {

  private static final long STEP_MILLIS = 100;

  private ServiceProbe() {}

  static void awaitReady(Map<String, String> urls, Duration limit) throws InterruptedException {
    awaitReady(urls, limit, () -> {});
  }

  /**
   * @param alive throws if waiting on makes no sense
   * @throws IllegalStateException if a service is not ready in time, with what it says about that
   */
  static void awaitReady(Map<String, String> urls, Duration limit, Runnable alive)
      throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    for (Map.Entry<String, String> service : urls.entrySet()) {
      String last = "no answer";
      while (true) {
        alive.run();
        try {
          Api.Answer answer = Api.get(service.getValue() + "/ready");
          if (answer.status() == 200) {
            break;
          }
          last = answer.body();
        } catch (Api.Unreachable notYet) {
          last = notYet.getMessage();
        }
        if (System.nanoTime() - deadline > 0) {
          throw new IllegalStateException(
              service.getKey() + " is not ready after " + limit.toSeconds() + " s: " + last);
        }
        Thread.sleep(STEP_MILLIS);
      }
    }
  }
}
