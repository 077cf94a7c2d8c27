package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;

import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.vertx.core.Future;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Goal: a message that was given up counts as lag until somebody has dealt with it, not longer. */
class ParkedTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  @Test
  void dead_letters_count_until_they_are_resolved_also_for_who_starts_later() {
    String namespace = TestServer.newName();
    try (TestProcess process = TestProcess.on(TestServer.shared().url(), namespace)) {
      consume(process);
      for (String id : new String[] {"o1", "o2", "o3", "o4"}) {
        get(process.streams().append(created(id), 0));
      }
      await(process, "consumer_parked", 4);
      await(process, "consumer_lag", 4);

      DeadLetterDesk desk = process.streams().deadLetterDesk();
      long first = get(desk.page(1)).letters().getFirst().sequence();
      get(desk.discard(first, "a test order", "erika"));
      await(process, "consumer_parked", 3);

      try (TestProcess later = TestProcess.on(TestServer.shared().url(), namespace)) {
        consume(later);
        await(later, "consumer_parked", 3);
      }

      // It fails again: one is resolved, and another one is there for it.
      get(desk.redrive(first + 1, null, "erika"));
      eventually(
          "parked again", SOON, () -> get(desk.page(1)).letters().size(), letters -> letters == 5);
      await(process, "consumer_parked", 3);
    }
  }

  private static void consume(TestProcess process) {
    process.takeOrders(
        delivery -> Future.succeededFuture(new Outcome.Reject(new IllegalStateException("never"))));
  }

  private static void await(TestProcess process, String name, int expected) {
    String line = name + "{consumer=\"inventory-reserve\"} " + expected + ".0";
    eventually(
        line, SOON, () -> process.platform().meters().scrape(), text -> text.contains(line + "\n"));
  }
}
