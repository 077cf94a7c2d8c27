package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;

import io.holdfast.broker.NatsServer;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: nothing that is on its way to a process which drains has to wait out its ack_wait. Method:
 * three brokers, a process at each by turns that stops taking while messages flow to it, and one
 * that stays; ack_wait is longer than anybody waits here. {@code -Dholdfast.drains=N}; without the
 * wait for the last pull 66 messages were lost to who had left within a few drains.
 */
class ClusteredDrainTest {

  private static final int DRAINS = Integer.getInteger("holdfast.drains", 4);

  @TempDir Path folder;
  private List<NatsServer> brokers;
  private TestProcess stays;
  private Thread publisher;
  private final AtomicBoolean open = new AtomicBoolean(true);

  @AfterEach
  void close() throws InterruptedException {
    open.set(false);
    publisher.join();
    stays.close();
    brokers.forEach(NatsServer::close);
  }

  @Test
  void what_is_delivered_to_who_drains_comes_to_somebody_else_at_once() {
    brokers = TestServer.cluster(folder);
    String namespace = TestServer.newName();
    stays = consuming(brokers.getFirst(), namespace);
    publisher = Thread.ofVirtual().start(this::publish);

    for (int i = 0; i < DRAINS; i++) {
      TestProcess leaves = consuming(brokers.get(i % brokers.size()), namespace);
      long before = settled().ackFloor();
      eventually("both are at work", this::settled, state -> state.ackFloor() > before + 200);
      get(leaves.streams().drain());
      leaves.close();
    }
    open.set(false);

    eventually(
        "all is settled, long before ack_wait is over",
        this::settled,
        state -> state.pending() == 0 && state.unacknowledged() == 0);
  }

  private static TestProcess consuming(NatsServer broker, String namespace) {
    TestProcess process =
        TestProcess.on(
            broker.url(),
            namespace,
            "STREAM_REPLICAS",
            "3",
            "ACK_WAIT_MS",
            "120000",
            "STREAM_MAX_BYTES",
            Long.toString(1L << 30));
    process.takeOrders(delivery -> Future.succeededFuture(Outcome.DONE));
    return process;
  }

  private StreamReader.ConsumerState settled() {
    return get(stays.streams().reader().consumer(stays.stream("ORDERS"), "inventory-reserve"));
  }

  /** A hundred at a time, each hundred when the one before is stored. */
  private void publish() {
    for (int i = 0; open.get(); i++) {
      List<Future<?>> stored = new ArrayList<>();
      for (int k = 0; k < 100; k++) {
        stored.add(stays.streams().append(created("o" + i + "-" + k), 0));
      }
      get(Future.join(stored));
    }
  }
}
