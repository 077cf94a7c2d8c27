package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.RawPublisher.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.runtime.support.TestServer;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.impl.ReaderThreadDelivery;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a message needs no thread of a dispatcher, and all else is as with one: a receiver that
 * throws, a drain, a broker that was away. Method: the client library on a real broker, two
 * subscriptions whose messages show on which thread they come.
 */
class ReaderThreadDeliveryTest {

  @TempDir Path folder;

  private final List<Exception> failures = new CopyOnWriteArrayList<>();
  private final List<String> received = new CopyOnWriteArrayList<>();
  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

  private Connection connection;

  private void connect(NatsServer server) throws Exception {
    connection =
        Nats.connect(
            new Options.Builder()
                .server(server.url())
                .reconnectWait(Duration.ofMillis(50))
                .maxReconnects(-1)
                .errorListener(
                    new ErrorListener() {
                      @Override
                      public void exceptionOccurred(Connection connection, Exception failure) {
                        failures.add(failure);
                      }
                    })
                .build());
  }

  @AfterEach
  void disconnect() throws InterruptedException {
    connection.close();
  }

  private void take(Message message) {
    threads.add(Thread.currentThread());
    received.add(new String(message.getData(), StandardCharsets.UTF_8));
    if (received.getLast().equals("bad")) {
      throw new IllegalArgumentException("cannot take it");
    }
    if (received.getLast().equals("worse")) {
      throw new LinkageError("cannot take that either");
    }
  }

  @Test
  void two_dispatchers_messages_come_on_one_thread_in_order() throws Exception {
    connect(TestServer.shared());
    String one = connection.createInbox();
    String other = connection.createInbox();
    ReaderThreadDelivery.subscribe(connection.createDispatcher(), one, this::take);
    ReaderThreadDelivery.subscribe(connection.createDispatcher(), other, this::take);
    for (int i = 0; i < 500; i++) {
      connection.publish(i % 2 == 0 ? one : other, bytes(Integer.toString(i)));
    }
    eventually("all are there", () -> received.size() == 500);
    assertThat(received.stream().map(Integer::parseInt)).isSorted();
    assertThat(threads).hasSize(1);
  }

  @Test
  void a_receiver_that_throws_is_told_of_and_the_connection_lives() throws Exception {
    connect(TestServer.shared());
    String inbox = connection.createInbox();
    ReaderThreadDelivery.subscribe(connection.createDispatcher(), inbox, this::take);
    connection.publish(inbox, bytes("bad"));
    connection.publish(inbox, bytes("worse"));
    connection.publish(inbox, bytes("good"));
    eventually("the next one came", () -> received.equals(List.of("bad", "worse", "good")));
    eventually("the failures are told", () -> failures.size() == 2);
    assertThat(failures.getFirst()).hasMessage("cannot take it");
    assertThat(failures.getLast()).hasRootCauseMessage("cannot take that either");
    assertThat(connection.getStatus()).isEqualTo(Connection.Status.CONNECTED);
    assertThat(connection.getStatistics().getReconnects()).isZero();
  }

  @Test
  void a_drain_ends_it_after_all_that_was_sent_before() throws Exception {
    connect(TestServer.shared());
    String inbox = connection.createInbox();
    Dispatcher dispatcher = connection.createDispatcher();
    ReaderThreadDelivery.subscribe(dispatcher, inbox, this::take);
    for (int i = 0; i < 1_000; i++) {
      connection.publish(inbox, bytes(Integer.toString(i)));
    }
    assertThat(dispatcher.drain(Duration.ofSeconds(10)).get(11, TimeUnit.SECONDS)).isTrue();
    assertThat(received).hasSize(1_000);
    connection.publish(inbox, bytes("late"));
    connection.flush(Duration.ofSeconds(10));
    assertThat(received).doesNotContain("late");
  }

  @Test
  void it_is_there_again_after_the_broker_was_away() throws Exception {
    try (NatsServer server = TestServer.own(folder)) {
      connect(server);
      String inbox = connection.createInbox();
      ReaderThreadDelivery.subscribe(connection.createDispatcher(), inbox, this::take);
      server.kill();
      server.restart();
      eventually(
          "a message came",
          () -> {
            connection.publish(inbox, bytes("again"));
            connection.flush(Duration.ofSeconds(1));
            return !received.isEmpty();
          });
      assertThat(threads).hasSize(1);
    }
  }
}
