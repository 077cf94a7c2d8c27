package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.TestProcess.failure;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.support.Facts;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a process whose broker comes back without what the process has seen stops, says so, and
 * stores nothing; one whose broker has it goes on. Method: kill -9, and another store in the place
 * of the server's own.
 */
class StoreLostTest {

  @TempDir Path folder;

  private final String namespace = TestServer.newName();
  private NatsServer server;
  private TestProcess process;

  @BeforeEach
  void start() {
    server = TestServer.own(folder.resolve("nats"));
    process = TestProcess.on(server.url(), namespace);
  }

  @AfterEach
  void stop() {
    process.close();
    server.close();
  }

  @Test
  void before_an_empty_store_it_stops_and_creates_nothing() {
    append("o1", "o2");

    comeBackWith(null);

    String problem = awaitProblem("_ORDERS is not there");
    assertThat(problem)
        .contains("stream " + namespace + "_ORDERS is not there, and it held messages up to 2");
    assertRefused("o3");
    try (Wire wire = Wire.to(server.url())) {
      assertThat(wire.api("STREAM.INFO." + namespace + "_ORDERS", "").error()).isEqualTo(10059);
    }
  }

  @Test
  void what_somebody_else_made_in_the_place_of_a_lost_store_is_not_taken_for_it() {
    append("o1", "o2");
    AtomicInteger delivered = new AtomicInteger();
    process.takeOrders(
        delivery -> {
          delivered.incrementAndGet();
          return Future.succeededFuture(Outcome.DONE);
        });
    eventually("both are delivered", () -> delivered.get() == 2);
    comeBackWith(null);
    awaitProblem("is not there");

    try (TestProcess fresh = TestProcess.on(server.url(), namespace)) {
      for (int order = 1; order <= 5; order++) { // more than there were before
        get(fresh.streams().append(Facts.created("new" + order), 0));
      }
      get(
          fresh
              .streams()
              .consume(
                  "inventory-reserve",
                  Reactions.on(
                      OrderCreated.class, delivery -> Future.succeededFuture(Outcome.DONE))));

      awaitProblem("in the place of one from ");
      assertRefused("o3");
      assertThat(delivered).hasValue(2);
      assertThat(get(fresh.streams().reader().state(fresh.stream("ORDERS"))).messages())
          .isEqualTo(5);
    }
  }

  @Test
  void a_process_that_starts_at_an_empty_store_works_there() {
    append("o1");
    comeBackWith(null);
    awaitProblem("is not there");

    try (TestProcess fresh = TestProcess.on(server.url(), namespace)) {
      get(fresh.streams().append(Facts.created("o2"), 0));

      assertThat(fresh.streams().problems()).isEmpty();
    }
  }

  @Test
  void an_older_store_is_refused_even_after_others_have_appended_what_was_missing() {
    append("o1");
    Path older = copyOfStore("older");
    append("o2", "o3");

    comeBackWith(older);

    awaitProblem("_ORDERS ends at 1, and it held messages up to 3");
    assertRefused("o4");
    awaitProblem("up to 3; bring the store back"); // it was looked at often enough to be believed
    try (TestProcess fresh = TestProcess.on(server.url(), namespace)) {
      for (String order : List.of("x2", "x3", "x4")) {
        get(fresh.streams().append(Facts.created(order), 0));
      }

      server.restart();

      eventually("looked at again", () -> fresh.broker().usable());
      awaitProblem("_ORDERS ends at 1, and it held messages up to 3");
      assertRefused("o5");
    }
  }

  @Test
  void when_the_store_is_given_back_it_goes_on_by_itself() {
    append("o1", "o2");
    Path whole = copyOfStore("whole");
    comeBackWith(null);
    awaitProblem("is not there");

    comeBackWith(whole);

    eventually("it goes on", () -> process.streams().problems().isEmpty());
    append("o3");
  }

  @Test
  void a_stream_that_was_trimmed_at_its_front_is_what_it_was() {
    append("o1", "o2", "o3");
    try (Wire wire = Wire.to(server.url())) {
      wire.succeed("STREAM.PURGE." + namespace + "_ORDERS", "{\"seq\":3}");
      assertThat(
              wire.succeed("STREAM.INFO." + namespace + "_ORDERS", "")
                  .at("/state/first_seq")
                  .asLong())
          .isEqualTo(3);
      wire.succeed("STREAM.PURGE." + namespace + "_ORDERS", ""); // to the last one
    }

    server.kill();
    eventually("noticed", () -> !process.broker().usable());
    server.restart();

    eventually("it goes on", () -> process.streams().problems().isEmpty());
    append("o4");
  }

  private void append(String... orders) {
    for (String order : orders) {
      get(process.streams().append(Facts.created(order), 0));
    }
  }

  private void assertRefused(String order) {
    BrokerException refused =
        failure(process.streams().append(Facts.created(order), 0), Duration.ofSeconds(5));
    assertThat(refused.kind()).isEqualTo(BrokerException.Kind.DISCONNECTED);
    assertThat(refused).hasMessageContaining(namespace + "_ORDERS");
  }

  private String awaitProblem(String part) {
    return eventually(
        part,
        () -> String.join("; ", process.streams().problems()),
        problems -> problems.contains(part));
  }

  /** Kill -9, and a start on another store; on an empty one if there is none. */
  private void comeBackWith(Path store) {
    server.kill();
    eventually("noticed", () -> !process.broker().usable());
    Path own = folder.resolve("nats/jetstream");
    delete(own);
    if (store != null) {
      copy(store, own);
    }
    server.restart();
  }

  private Path copyOfStore(String name) {
    server.stop();
    copy(folder.resolve("nats/jetstream"), folder.resolve(name));
    server.restart();
    eventually("it is back", () -> process.streams().problems().isEmpty());
    return folder.resolve(name);
  }

  private static void copy(Path from, Path to) {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path all) {
    try (Stream<Path> paths = Files.walk(all)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
