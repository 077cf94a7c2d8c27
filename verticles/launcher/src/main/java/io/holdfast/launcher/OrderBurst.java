package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.OrderCommand.AcceptedOrders;
import io.holdfast.launcher.bench.Usage;
import io.holdfast.launcher.load.LoadEngine;
import io.holdfast.launcher.load.LoadPlan;
import io.holdfast.launcher.load.LoadReport;
import io.holdfast.launcher.load.LoadResult;
import io.holdfast.launcher.load.StreamEnds;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One order, many times, as fast as it goes: a closed loop with a number of requests under way,
 * then a wait until every accepted order is at its end. A first look at throughput; {@code load}
 * tells what customers see.
 */
final class OrderBurst {

  private OrderBurst() {}

  static int run(
      String orders,
      JsonObject order,
      int count,
      int concurrency,
      Duration limit,
      RunningSystem system,
      AcceptedOrders journal)
      throws Exception {
    Buffer body = order.toBuffer();
    LoadPlan plan =
        LoadPlan.answered(concurrency, limit).most(count).answerLimit(limit).endLimit(limit);
    LoadView view = new LoadView(Optional.of(journal));
    Vertx vertx = Vertx.vertx();
    try (StreamAccess streams = StreamAccess.open(system.natsUrl(), system.namespace());
        LoadEngine engine =
            new LoadEngine(
                vertx,
                URI.create(orders),
                () -> body,
                new StreamEnds(vertx, streams.reader(), streams.subjects()),
                view::promised,
                Api.token())) {
      Map<String, Double> cpuBefore = Usage.cpuSeconds(system.pids());
      say("Placing %,d orders, %d at a time ...", count, concurrency);
      LoadResult result = view.follow(engine, plan, "");
      LoadReport.lines(result).forEach(line -> say("%s", line));
      if (!result.unfinished().isEmpty()) {
        say(
            "%s",
            Terminal.bad(
                "%,d orders were not at their end in time".formatted(result.unfinished().size())));
      }
      CpuTime.report(cpuBefore, Usage.cpuSeconds(system.pids()), (int) result.accepted());
      return result.accepted() == count && result.unfinished().isEmpty() ? 0 : 1;
    } finally {
      vertx.close().await(10, TimeUnit.SECONDS);
    }
  }
}
