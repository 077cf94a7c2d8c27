package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.OrderCommand.AcceptedOrders;
import io.holdfast.launcher.load.LoadEngine;
import io.holdfast.launcher.load.LoadPlan;
import io.holdfast.launcher.load.LoadReport;
import io.holdfast.launcher.load.LoadResult;
import io.vertx.core.Future;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A load as a person follows it. Notes every promise as it comes. */
final class LoadView {

  private static final long LOOK_MILLIS = 100;
  private static final long PLAIN_LINE_NANOS = 5_000_000_000L;

  /** From the event loop to the thread that notes them. */
  private final Queue<String> arrived = new ConcurrentLinkedQueue<>();

  private final Optional<AcceptedOrders> journal;
  private final List<String> accepted = new ArrayList<>();

  /**
   * @param journal of the system that is loaded, if it has one here
   */
  LoadView(Optional<AcceptedOrders> journal) {
    this.journal = journal;
  }

  /** An order was accepted; on any thread. */
  void promised(String orderId) {
    arrived.add(orderId);
  }

  /** Every accepted order, where there is no journal. */
  List<String> accepted() {
    return accepted;
  }

  /**
   * One plan to its end.
   *
   * @param title before each line
   */
  LoadResult follow(LoadEngine engine, LoadPlan plan, String title) throws IOException {
    Future<LoadResult> result = engine.run(plan);
    long begun = System.nanoTime();
    long lastLine = begun;
    while (true) {
      Optional<LoadResult> over = within(result);
      note();
      if (over.isPresent()) {
        Terminal.progressDone();
        return over.get();
      }
      long now = System.nanoTime();
      String line = title + LoadReport.status(engine.progress(), plan, (now - begun) / 1e9);
      if (Terminal.live()) {
        Terminal.progress(line);
      } else if (now - lastLine > PLAIN_LINE_NANOS) {
        lastLine = now;
        say("%s", "  " + line);
      }
    }
  }

  private static Optional<LoadResult> within(Future<LoadResult> result) {
    try {
      return Optional.of(result.await(LOOK_MILLIS, TimeUnit.MILLISECONDS));
    } catch (TimeoutException notYet) {
      return Optional.empty();
    }
  }

  /** At once, as neither the system nor this command may live to the end. */
  private void note() throws IOException {
    List<String> news = new ArrayList<>();
    for (String id = arrived.poll(); id != null; id = arrived.poll()) {
      news.add(id);
    }
    if (journal.isEmpty()) {
      accepted.addAll(news);
    } else if (!news.isEmpty()) {
      journal.get().addAll(news);
    }
  }
}
