package io.holdfast.runtime.support;

import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.boot.Boot;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;

/**
 * A group that is as small as one can be: it takes orders' time before it is done with them, so
 * many milliseconds as {@code WORK_MS} says, and shows HTTP routes.
 */
public final class TestGroup implements VerticleGroup {

  private final Consumer<Router> routes;
  private final Set<String> streams;

  /** With the broker's streams. */
  public TestGroup(Consumer<Router> routes) {
    this(routes, Set.of("ORDERS", "INVENTORY", "DEADLETTERS", "REDRIVES"));
  }

  public TestGroup(Consumer<Router> routes, Set<String> streams) {
    this.routes = routes;
    this.streams = streams;
  }

  /** A whole process, as a fat JAR's main is one. */
  public static void main(String[] args) {
    Boot.run(new TestGroup(router -> {}));
  }

  @Override
  public String name() {
    return "inventory";
  }

  @Override
  public int defaultPort() {
    return 8081;
  }

  @Override
  public Set<String> streams() {
    return streams;
  }

  @Override
  public Parts assemble(GroupContext context) {
    Duration work = context.settings().millis("WORK_MS", 0, 0, 600_000);
    context.settings().complete(() -> work);
    return new Parts(
        streams.isEmpty() ? List.of() : List.of(new Worker(context.streams(), work)), routes);
  }

  private static final class Worker extends VerticleBase {
    private final Logger log = Logging.of("inventory", Worker.class);
    private final EventStreams streams;
    private final Duration work;

    Worker(EventStreams streams, Duration work) {
      this.streams = streams;
      this.work = work;
    }

    @Override
    public Future<?> start() {
      return streams.consume(
          "inventory-reserve", Reactions.on(OrderCreated.class, delivery -> worked(vertx)));
    }

    private Future<Outcome> worked(Vertx clock) {
      log.atInfo().log("At work");
      if (work.isZero()) {
        return Future.succeededFuture(Outcome.DONE);
      }
      Promise<Outcome> done = Promise.promise();
      clock.setTimer(work.toMillis(), id -> done.complete(Outcome.DONE));
      return done.future();
    }
  }
}
