package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolsFolderTest {

  @TempDir Path tools;
  private final List<String> told = new ArrayList<>();

  @Test
  void the_next_source_is_asked_when_one_fails_and_nothing_of_it_stays() throws IOException {
    ServerSource breaksOff =
        source(
            "breaks off",
            own -> {
              Files.writeString(own.resolve(NatsServerBinary.NAME), "half of");
              throw new IOException("connection lost");
            });
    ServerSource tooOld = source("too old", own -> FakeServer.in(own, "2.9.10"));
    ServerSource doesNotRun = source("does not run", own -> FakeServer.script(own, "exit 1"));
    ServerSource good = source("good", own -> FakeServer.in(own, "2.15.1"));

    NatsServerBinary fetched =
        new ToolsFolder(tools, told::add).fetch(List.of(breaksOff, tooOld, doesNotRun, good));

    assertThat(fetched.path()).isEqualTo(tools.resolve("nats-server"));
    assertThat(fetched.version()).hasToString("2.15.1");
    assertThat(names()).containsExactlyInAnyOrder("nats-server", "fetch.lock");
    assertThat(told).contains("That did not work: connection lost");
  }

  @Test
  void when_all_sources_fail_the_message_says_why_and_what_to_do() {
    ServerSource down =
        source(
            "the mirror",
            own -> {
              throw new IOException("no network");
            });

    assertThatThrownBy(() -> new ToolsFolder(tools, told::add).fetch(List.of(down)))
        .isInstanceOf(NatsServerException.class)
        .hasMessageContaining("2.12.7 or newer")
        .hasMessageContaining("the mirror: no network")
        .hasMessageContaining("NATS_SERVER=/path/to/nats-server");
    assertThat(names()).containsExactly("fetch.lock");
  }

  @Test
  void what_killed_fetches_left_goes_and_a_server_too_old_is_replaced() throws IOException {
    FakeServer.in(tools, "2.9.10");
    FakeServer.in(tools.resolve("fetch-123/deep/down"), "2.15.0");

    new ToolsFolder(tools, told::add)
        .fetch(List.of(source("good", own -> FakeServer.in(own, "2.15.1"))));

    assertThat(names()).containsExactlyInAnyOrder("nats-server", "fetch.lock");
    assertThat(NatsServerBinary.at(tools.resolve("nats-server")).orElseThrow().version())
        .hasToString("2.15.1");
  }

  /** Goal: one download. Method: the first does not deliver before the second says it waits. */
  @Test
  void of_two_at_once_one_fetches_and_the_other_takes_what_it_brought() throws Exception {
    var fetches = new AtomicInteger();
    var secondWaits = new CountDownLatch(1);
    var firstIsIn = new CountDownLatch(1);
    ServerSource slow =
        source(
            "slow",
            own -> {
              fetches.incrementAndGet();
              firstIsIn.countDown();
              assertThat(awaited(secondWaits)).isTrue();
              return FakeServer.in(own, "2.15.1");
            });

    try (var threads = Executors.newCachedThreadPool()) {
      var first = threads.submit(() -> fetch(slow, line -> {}));
      assertThat(awaited(firstIsIn)).isTrue();
      var second = threads.submit(() -> fetch(slow, line -> secondWaits.countDown()));
      assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo(second.get(20, TimeUnit.SECONDS));
    }
    assertThat(fetches).hasValue(1);
  }

  private NatsServerBinary fetch(ServerSource source, Consumer<String> progress) {
    return new ToolsFolder(tools, progress).fetch(List.of(source));
  }

  private static boolean awaited(CountDownLatch latch) {
    try {
      return latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private List<String> names() {
    try (Stream<Path> files = Files.list(tools)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private interface Unpacking {
    Path into(Path folder) throws IOException;
  }

  private static ServerSource source(String name, Unpacking unpacking) {
    return new ServerSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Path unpackInto(Path folder, Consumer<String> progress) throws IOException {
        return unpacking.into(folder);
      }
    };
  }
}
