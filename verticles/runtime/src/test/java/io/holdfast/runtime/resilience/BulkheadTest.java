package io.holdfast.runtime.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Goal: no more at once than allowed, none lost, none begun after it was given up. */
class BulkheadTest {

  private final Vertx vertx = Vertx.vertx();
  private final Context context = vertx.getOrCreateContext();

  private final List<Promise<String>> begun = new ArrayList<>();

  @AfterEach
  void close() throws TimeoutException {
    vertx.close().await(5, TimeUnit.SECONDS);
  }

  @Test
  void who_waits_begins_when_another_has_ended_well_or_not() {
    Bulkhead bulkhead = onLoop(() -> new Bulkhead(vertx, 2, Duration.ofSeconds(30)));
    List<Future<String>> all =
        onLoop(() -> List.of(call(bulkhead), call(bulkhead), call(bulkhead), call(bulkhead)));
    assertThat(onLoop(begun::size)).isEqualTo(2);

    onLoop(() -> begun.get(0).tryComplete("a"));
    assertThat(onLoop(begun::size)).isEqualTo(3);
    onLoop(() -> begun.get(1).tryFail("b"));
    assertThat(onLoop(begun::size)).isEqualTo(4);
    onLoop(() -> begun.get(2).tryComplete("c"));
    onLoop(() -> begun.get(3).tryComplete("d"));

    assertThat(onLoop(() -> all.get(0).result())).isEqualTo("a");
    assertThat(onLoop(() -> all.get(1).cause())).hasMessage("b");
    assertThat(onLoop(() -> all.get(2).result())).isEqualTo("c");
    assertThat(onLoop(() -> all.get(3).result())).isEqualTo("d");
    onLoop(() -> List.of(call(bulkhead), call(bulkhead), call(bulkhead)));
    assertThat(onLoop(begun::size)).as("both places are free again").isEqualTo(6);
  }

  @Test
  void who_waits_too_long_never_begins() throws TimeoutException {
    Bulkhead bulkhead = onLoop(() -> new Bulkhead(vertx, 1, Duration.ofMillis(50)));
    Future<String> first = onLoop(() -> call(bulkhead));
    Future<String> second = onLoop(() -> call(bulkhead));

    Throwable givenUp =
        second
            .<Throwable>transform(done -> Future.succeededFuture(done.cause()))
            .await(5, TimeUnit.SECONDS);

    assertThat(givenUp).isInstanceOf(Bulkhead.Full.class);
    onLoop(() -> begun.get(0).tryComplete("a"));
    assertThat(first.await(5, TimeUnit.SECONDS)).isEqualTo("a");
    assertThat(onLoop(begun::size)).isEqualTo(1);
    onLoop(() -> call(bulkhead));
    assertThat(onLoop(begun::size)).as("the place is free again").isEqualTo(2);
  }

  @Test
  void a_call_that_throws_gives_its_place_back() {
    Bulkhead bulkhead = onLoop(() -> new Bulkhead(vertx, 1, Duration.ofSeconds(30)));
    Future<String> failed =
        onLoop(
            () ->
                bulkhead.<String>enter(
                    () -> {
                      throw new IllegalStateException("at once");
                    }));

    assertThat(onLoop(failed::cause)).hasMessage("at once");
    onLoop(() -> call(bulkhead));
    assertThat(onLoop(begun::size)).isEqualTo(1);
  }

  private Future<String> call(Bulkhead bulkhead) {
    return bulkhead.enter(
        () -> {
          Promise<String> call = Promise.promise();
          begun.add(call);
          return call.future();
        });
  }

  private <T> T onLoop(Supplier<T> what) {
    Promise<T> done = Promise.promise();
    context.runOnContext(v -> done.complete(what.get()));
    try {
      return done.future().await(5, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(e);
    }
  }
}
