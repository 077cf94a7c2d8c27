package io.holdfast.system.simulation;

import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.inventory.InventoryVerticle;
import io.holdfast.inventory.StockDesk;
import io.holdfast.inventory.domain.StockRequest.Receive;
import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Channels;
import io.holdfast.notifications.NotificationVerticle;
import io.holdfast.notifications.channel.LogChannel;
import io.holdfast.notifications.preferences.Preferences;
import io.holdfast.orders.OrderDesk;
import io.holdfast.orders.OrderDesk.CancelResult;
import io.holdfast.orders.OrderDesk.Placed;
import io.holdfast.orders.OrderVerticle;
import io.holdfast.payments.PaymentVerticle;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.system.simulation.Scenario.Customer;
import io.micrometer.core.instrument.config.MeterFilter;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * One schedule: the real flows of all services, their customers, and the models of the broker and
 * the gateway, all on one thread and one timeline. The same choices give the same run, to the last
 * bit.
 */
final class World {

  /** Far more than any schedule takes that comes to rest at all. */
  private static final int MAX_STEPS = 4_000;

  private static final List<String> SERVICES =
      List.of("orders", "inventory", "payments", "notifications");
  private static final Duration ALONE = Duration.ofSeconds(15);
  private static final long RESTART = 40;
  private static final int MAX_CANCEL_CALLS = 4;
  private static final Meters METERS = silent();
  private static final Channel LOG = new LogChannel();
  private static final Channels CHANNELS =
      new Channels(List.of(LOG), LOG, LOG, () -> Preferences.NONE, METERS);

  private static final String[] TRACES = new String[64];

  static {
    for (int i = 0; i < TRACES.length; i++) {
      TRACES[i] = "%032x".formatted(i + 1);
    }
  }

  private final Scenario scenario;
  private final Choices choices;
  private final Wiring wiring;
  private final Faults faults;
  private final Timeline timeline;
  private final Clock clock;
  private final ModelBroker broker;
  private final ModelGateway gateway;
  private final Deliveries deliveries;
  private final Map<String, List<Replica>> living = new HashMap<>();
  private final List<Replica> processes = new ArrayList<>();
  private final Map<String, String> acceptedTraces = new HashMap<>();
  private final Set<String> toldCancelled = new HashSet<>();
  private final List<String> surprises = new ArrayList<>();
  private int traces;

  World(Scenario scenario, Choices choices, Wiring wiring) {
    this.scenario = scenario;
    this.choices = choices;
    this.wiring = wiring;
    this.faults = new Faults(choices, scenario.kinds(), scenario.faults(), scenario.in());
    this.timeline = new Timeline(choices, faults);
    this.clock = timeline.clock();
    this.broker = new ModelBroker(timeline::instant, scenario.knowsIds());
    this.gateway = new ModelGateway(timeline);
    this.deliveries =
        new Deliveries(
            timeline, choices, faults, wiring, service -> living.getOrDefault(service, List.of()));
  }

  Scenario scenario() {
    return scenario;
  }

  Timeline timeline() {
    return timeline;
  }

  Faults faults() {
    return faults;
  }

  ModelBroker broker() {
    return broker;
  }

  ModelGateway gateway() {
    return gateway;
  }

  Deliveries deliveries() {
    return deliveries;
  }

  /** The orders that somebody got a 202 for, with the trace that they were told. */
  Map<String, String> accepted() {
    return acceptedTraces;
  }

  /** The orders that somebody was told are cancelled. */
  Set<String> toldCancelled() {
    return toldCancelled;
  }

  /** What a service did that it should not even in such a world. */
  List<String> surprises() {
    return surprises;
  }

  /** Runs until nothing is left to do; false if that does not come. */
  boolean run() {
    broker.onStored(deliveries::stored);
    stockUp();
    for (String service : SERVICES) {
      living.put(service, new ArrayList<>(2));
      for (int replica = 1; replica <= scenario.replicas(); replica++) {
        start(service, service + "-" + replica);
      }
    }
    scenario.customers().forEach(this::act);
    if (scenario.receipt() > 0) {
      Receive receive =
          new Receive(scenario.sku(0), scenario.receipt(), scenario.name() + "r2", newTrace());
      timeline.after(choices.next(40), () -> deliverGoods(receive));
    }
    while (timeline.step()) {
      if (timeline.steps() > MAX_STEPS) {
        return false;
      }
      if (faults.happensRarely(Fault.CRASH) && !processes.isEmpty()) {
        crash(processes.get(choices.next(processes.size())));
      }
    }
    return true;
  }

  private void stockUp() {
    for (int i = 0; i < scenario.stock().size(); i++) {
      int pieces = scenario.stock().get(i);
      if (pieces > 0) {
        String sku = scenario.sku(i);
        String trace = newTrace();
        StockReceived receipt = new StockReceived(sku, pieces, scenario.name() + "r1" + sku);
        StockLevelChanged level = new StockLevelChanged(sku, pieces, pieces, 0);
        broker.appendTogether(
            List.of(
                new Guarded(Envelope.once(receipt, timeline.instant(), trace), 0),
                new Guarded(Envelope.repeated(level, "1", timeline.instant(), trace), 0)));
      }
    }
  }

  private void start(String service, String name) {
    Replica process = new Replica(service, name, timeline);
    EventStreams streams =
        wiring.streams(new ModelStreams(process, broker, timeline, choices, faults));
    Future<?> started =
        switch (service) {
          case "orders" -> {
            process.orders = new OrderDesk(streams, clock);
            yield started(() -> new OrderVerticle(streams, METERS, clock).start());
          }
          case "inventory" -> {
            process.stock = new StockDesk(streams, clock, 100, new SameThread(process), random());
            yield started(() -> new InventoryVerticle(streams, process.stock, ALONE).start());
          }
          case "payments" -> {
            GatewayClient client = new GatewayClient(process, gateway, timeline, choices, faults);
            yield started(
                () -> new PaymentVerticle(streams, wiring.gateway(client), METERS, clock).start());
          }
          default ->
              started(() -> new NotificationVerticle(streams, CHANNELS, METERS, clock).start());
        };
    if (!started.succeeded()) {
      throw new IllegalStateException(name + " did not start", started.cause());
    }
    living.get(service).add(process);
    processes.add(process);
  }

  private interface Start {
    Future<?> start() throws Exception;
  }

  private static Future<?> started(Start start) {
    try {
      return start.start();
    } catch (Exception e) {
      return Future.failedFuture(e);
    }
  }

  private void crash(Replica process) {
    if (timeline.told()) {
      timeline.note(process.name, "!! dies");
    }
    process.die();
    living.get(process.service).remove(process);
    processes.remove(process);
    deliveries.lost(process);
    process.openCalls.forEach(timeline::soon);
    timeline.after(RESTART, () -> start(process.service, process.name));
    timeline.soon(() -> {}); // even if this was the last thing to do
  }

  private void act(Customer customer) {
    OrderCreated order = customer.order();
    timeline.soon(() -> place(order));
    if (customer.placesTwice()) {
      timeline.soon(() -> place(order));
    }
    if (customer.cancelsAt() >= 0) {
      timeline.after(customer.cancelsAt(), () -> cancel(order.orderId(), 1));
    }
  }

  /** Again and again until there is an answer, with the same key and so the same id. */
  private void place(OrderCreated order) {
    String trace = newTrace();
    call(
        "orders",
        "places " + order.orderId(),
        process -> process.orders.place(order, trace),
        placed -> {
          switch (placed) {
            case Placed.Accepted accepted -> {
              String before = acceptedTraces.put(order.orderId(), accepted.traceId());
              if (before != null && !before.equals(accepted.traceId())) {
                surprises.add(order.orderId() + " was accepted under two traces");
              }
            }
            case Placed.KeyReused reused ->
                surprises.add(order.orderId() + ": the same order again was taken for another");
          }
        },
        () -> place(order));
  }

  private void cancel(String orderId, int calls) {
    call(
        "orders",
        "cancels " + orderId,
        process -> process.orders.cancel(orderId),
        result -> {
          if (result == CancelResult.CANCELLED) {
            toldCancelled.add(orderId);
          }
        },
        () -> {
          if (calls < MAX_CANCEL_CALLS) {
            cancel(orderId, calls + 1);
          }
        });
  }

  private void deliverGoods(Receive receive) {
    call(
        "inventory",
        "brings " + receive.quantity() + " of " + receive.sku(),
        process -> process.stock.submit(receive),
        settled -> {},
        () -> deliverGoods(receive));
  }

  /** A request over HTTP to some replica, and its answer; what fails is tried again a bit later. */
  private <T> void call(
      String service,
      String what,
      Function<Replica, Future<T>> request,
      Consumer<T> onAnswer,
      Runnable again) {
    List<Replica> replicas = living.get(service);
    if (replicas.isEmpty()) {
      timeline.after(50, again);
      return;
    }
    Replica process = replicas.get(choices.next(replicas.size()));
    if (timeline.told()) {
      timeline.note("customer", what + " at " + process.name);
    }
    Runnable reset = () -> timeline.after(50, again);
    process.openCalls.add(reset);
    request
        .apply(process)
        .onComplete(
            done -> {
              process.openCalls.remove(reset);
              if (done.failed() || faults.happens(Fault.HTTP_ANSWER_LOST)) {
                reset.run();
                return;
              }
              timeline.soon(
                  () -> {
                    if (timeline.told()) {
                      timeline.note("customer", what + ": " + done.result());
                    }
                    onAnswer.accept(done.result());
                  });
            });
  }

  /** Millions of verticles count nothing. */
  private static Meters silent() {
    Meters meters = new Meters();
    meters.registry().config().meterFilter(MeterFilter.deny());
    return meters;
  }

  private String newTrace() {
    return traces < TRACES.length ? TRACES[traces++] : "%032x".formatted(++traces);
  }

  /** Repeats like everything else. */
  private RandomGenerator random() {
    long replica = processes.size() + 31L * timeline.steps() + 1;
    return new RandomGenerator() {
      private long state = replica << 32;

      @Override
      public long nextLong() {
        return ++state * 0x9E3779B97F4A7C15L;
      }
    };
  }

  /** A desk's loop without a hop. */
  private record SameThread(Replica process) implements StockDesk.Loop {

    @Override
    public void run(Runnable work) {
      work.run();
    }

    @Override
    public Executor caller() {
      return Runnable::run;
    }

    @Override
    public Future<Void> pause(Duration length) {
      Promise<Void> over = Promise.promise();
      process.after(length.toMillis(), over::complete);
      return over.future();
    }
  }
}
