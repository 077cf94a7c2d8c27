package io.holdfast.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntFunction;

/** The same blocking call many times at once, each on a thread of its own. */
public final class Together {

  private Together() {}

  /**
   * @param call is given its number, from 0
   * @return all results, by number; waited for at most 20 s
   */
  public static <T> List<T> atOnce(int times, IntFunction<T> call) {
    CountDownLatch go = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<T>> running = new ArrayList<>(times);
      for (int i = 0; i < times; i++) {
        int number = i;
        running.add(
            threads.submit(
                () -> {
                  go.await();
                  return call.apply(number);
                }));
      }
      go.countDown();
      List<T> results = new ArrayList<>(times);
      for (Future<T> one : running) {
        results.add(one.get(20, TimeUnit.SECONDS));
      }
      return results;
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
