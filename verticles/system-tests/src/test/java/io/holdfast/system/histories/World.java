package io.holdfast.system.histories;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.audit.AuditGroup;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.launcher.reconcile.Books;
import io.holdfast.launcher.reconcile.GatewayLedger;
import io.holdfast.launcher.reconcile.Until;
import io.holdfast.launcher.reconcile.Violation;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.system.histories.Step.Cancel;
import io.holdfast.system.histories.Step.Crash;
import io.holdfast.system.histories.Step.Gateway;
import io.holdfast.system.histories.Step.Place;
import io.holdfast.system.histories.Step.Receive;
import io.holdfast.system.histories.Step.Rest;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Two replicas of every service over a real broker, and what was asked of them. */
final class World implements AutoCloseable {

  private static final Duration QUIET = Duration.ofSeconds(60);
  private static final Map<String, VerticleGroup> SERVICES =
      Map.of(
          "orders", new OrdersGroup(),
          "inventory", new InventoryGroup(),
          "payments", new PaymentsGroup(),
          "notifications", new NotificationsGroup());

  private final String namespace = TestBroker.newNamespace();
  private final Path folder;
  private final Making making;
  private final Duration quiet;
  private final TestGroups gateway;
  private final String gatewayUrl;
  private final Map<String, List<Replica>> replicas = new LinkedHashMap<>();
  private final Replica audit;
  private final Streams streams;

  private final Map<Integer, Place> placed = new TreeMap<>();
  private final Map<Integer, String> orderIds = new HashMap<>();
  private final Set<String> acceptedIds = new HashSet<>();
  private final Set<Integer> cancelTried = new HashSet<>();
  private final Set<Integer> cancelAccepted = new HashSet<>();
  private final List<String> wrongAnswers = new ArrayList<>();

  private record Replica(TestGroups groups, String url) {}

  World(Path folder) {
    this(folder, new Making(), 2, QUIET);
  }

  /** What the services are made of; a test may break it on purpose. */
  static class Making {

    /** The streams as a service gets to see them. */
    EventStreams streams(EventStreams streams) {
      return streams;
    }

    /** Where payments finds the gateway. */
    String gatewayUrl(String url) {
      return url;
    }

    /** Settings besides the usual ones. */
    Map<String, String> settings() {
      return Map.of();
    }
  }

  /**
   * @param quiet how long may pass from the end of the faults to the end of all orders
   */
  World(Path folder, Making making, int replicasOfEach, Duration quiet) {
    this.folder = folder;
    this.making = making;
    this.quiet = quiet;
    this.gateway = settings(TestGroups.on(TestBroker.shared().url(), namespace));
    this.gatewayUrl = TestGroups.url(gateway.start(new GatewayGroup()));
    this.audit = replica(new AuditGroup());
    SERVICES.forEach(
        (name, group) -> {
          replicas.put(name, new ArrayList<>());
          for (int i = 0; i < replicasOfEach; i++) {
            replicas.get(name).add(replica(group));
          }
        });
    this.streams = new Streams(TestBroker.shared().url(), namespace, StreamCatalog.AUDITED);
  }

  private TestGroups settings(TestGroups groups) {
    return groups
        .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
        .with("ACK_WAIT_MS", "1000")
        .with("PAYMENT_GATEWAY_TIMEOUT_MS", "400")
        .with("RETRY_MAX_ATTEMPTS", "1000") // faults end here, and no message may be parked
        .with("BREAKER_RESET_MS", "200")
        .with("AUDIT_INTERVAL_MS", "20");
  }

  private Replica replica(VerticleGroup group) {
    TestGroups groups =
        settings(TestGroups.on(TestBroker.shared().url(), namespace))
            .with("PAYMENT_GATEWAY_URL", making.gatewayUrl(gatewayUrl));
    making.settings().forEach(groups::with);
    return new Replica(groups, TestGroups.url(groups.start(new Made(group, making))));
  }

  /** A group that sees the streams as the making says. */
  private record Made(VerticleGroup group, Making making) implements VerticleGroup {
    @Override
    public int defaultPort() {
      return group.defaultPort();
    }

    @Override
    public String name() {
      return group.name();
    }

    @Override
    public Set<String> streams() {
      return group.streams();
    }

    @Override
    public Parts assemble(GroupContext context) {
      return group.assemble(
          new GroupContext(
              context.vertx(),
              context.settings(),
              context.common(),
              making.streams(context.streams()),
              context.reader(),
              context.meters(),
              context.tracing(),
              context.access()));
    }
  }

  void take(Step step, int at) {
    switch (step) {
      case Place place -> place(place, at);
      case Cancel cancel -> cancel(cancel, at);
      case Receive receive -> receive(receive, at);
      case Gateway faults -> faults(faults);
      case Crash crash -> crash(crash.group(), at);
      case Rest rest -> rest(rest.millis());
    }
  }

  /** Faults stop; then everything must come to its end by itself. */
  List<String> settleAndCheck() {
    faults(new Gateway(0, 0, 0, 0, false));
    List<String> wrong = new ArrayList<>(wrongAnswers);
    try {
      eventually(
          "every order is final and everything settled",
          quiet,
          () -> books().underWay(Until.theEnd()) + unsettled() + unsealed(),
          left -> left == 0);
    } catch (AssertionError notQuiet) {
      wrong.add(notQuiet.getMessage()); // the books say below which orders that are
    }
    Books books = books();
    books.check(Until.theEnd()).stream().map(Violation::toString).forEach(wrong::add);
    byte[] ledger =
        Http.get(gatewayUrl + "/simulator/ledger").body().getBytes(StandardCharsets.UTF_8);
    books
        .checkCharges(new GatewayLedger(() -> new ByteArrayInputStream(ledger)), Until.theEnd())
        .forEach(violation -> wrong.add(violation.toString()));
    if (books.deadLetters() > 0) {
      wrong.add(books.deadLetters() + " messages were parked, and nothing called for that");
    }
    wrong.addAll(unexpectedEnds());
    String verdict =
        Http.get(audit.url() + "/audit/verify").body().lines().reduce((a, b) -> b).orElse("");
    if (!new JsonObject(verdict).getBoolean("valid")) {
      wrong.add("I6 " + verdict);
    }
    return wrong;
  }

  private Books books() {
    Books books = new Books(streams.subjects());
    acceptedIds.forEach(books::accepted);
    for (String stream : StreamCatalog.AUDITED) {
      for (RawMessage message : streams.messages(stream)) {
        books.read(message.subject(), message.sequence(), message.body());
      }
    }
    return books;
  }

  private long unsettled() {
    return StreamCatalog.CONSUMERS.stream()
        .map(
            consumer ->
                Streams.get(
                    streams
                        .reader()
                        .consumer(streams.subjects().stream(consumer.stream()), consumer.name())))
        .mapToLong(state -> state.pending() + state.unacknowledged())
        .sum();
  }

  private long unsealed() {
    String verdict =
        Http.get(audit.url() + "/audit/verify").body().lines().reduce((a, b) -> b).orElse("{}");
    return new JsonObject(verdict).getLong("unsealed", 0L);
  }

  private List<String> unexpectedEnds() {
    Map<String, String> ends = new HashMap<>();
    for (Envelope<?> envelope : streams.facts("ORDERS")) {
      Event fact = envelope.event();
      if (fact instanceof OrderConfirmed) {
        ends.put(fact.aggregateId(), "confirmed");
      } else if (fact instanceof OrderCancelled cancelled) {
        ends.put(fact.aggregateId(), "cancelled:" + cancelled.reason().wireName());
      }
    }
    List<String> wrong = new ArrayList<>();
    orderIds.forEach(
        (number, orderId) -> {
          Set<String> right =
              Expectation.endsOf(
                  placed.get(number),
                  cancelTried.contains(number),
                  cancelAccepted.contains(number));
          if (!right.contains(ends.getOrDefault(orderId, "not at an end"))) {
            wrong.add(
                "order %d (%s) is %s, right would be %s"
                    .formatted(number, orderId, ends.get(orderId), right));
          }
        });
    return wrong;
  }

  private void place(Place place, int at) {
    placed.put(place.order(), place);
    JsonObject body =
        new JsonObject()
            .put("customer_id", "customer-" + place.order())
            .put("currency", "EUR")
            .put("payment_method", place.card())
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", place.sku())
                            .put("quantity", place.quantity())
                            .put("unit_price", 10)));
    Answer answer = post("orders", at, "/orders", body, "order-" + namespace + place.order());
    if (answer == null) {
      return;
    }
    if (answer.status() == 202) {
      String orderId = answer.json().getString("order_id");
      String before = orderIds.put(place.order(), orderId);
      acceptedIds.add(orderId);
      if (before != null && !before.equals(orderId)) {
        wrongAnswers.add("one key gave two orders: " + before + " and " + orderId);
      }
    } else if (answer.status() != 503) {
      wrongAnswers.add("an order was answered with " + answer.status() + " " + answer.body());
    }
  }

  private void cancel(Cancel cancel, int at) {
    String orderId = orderIds.get(cancel.order());
    if (orderId == null) {
      return; // it was never accepted
    }
    cancelTried.add(cancel.order());
    Answer answer = post("orders", at, "/orders/" + orderId + "/cancel", new JsonObject(), null);
    if (answer != null && answer.status() == 202) {
      cancelAccepted.add(cancel.order());
    } else if (answer != null && answer.status() != 409 && answer.status() != 503) {
      wrongAnswers.add("a cancel was answered with " + answer.status() + " " + answer.body());
    }
  }

  private void receive(Receive receive, int at) {
    JsonObject body = new JsonObject().put("quantity", receive.quantity());
    String key = "receipt-%s-%d-%d".formatted(namespace, receive.receipt(), receive.quantity());
    Answer answer = post("inventory", at, "/stock/" + receive.sku() + "/receipts", body, key);
    if (answer != null && answer.status() >= 400 && answer.status() != 503) {
      wrongAnswers.add("a receipt was answered with " + answer.status() + " " + answer.body());
    }
  }

  /** Null if the replica was cut off before it answered. */
  private Answer post(String group, int at, String path, JsonObject body, String key) {
    List<Replica> two = replicas.get(group);
    try {
      String url = two.get(at % two.size()).url() + path;
      return key == null ? Http.post(url, body) : Http.post(url, body, "Idempotency-Key", key);
    } catch (UncheckedIOException cutOff) {
      return null;
    }
  }

  private void faults(Gateway faults) {
    Http.put(
        gatewayUrl + "/simulator/faults",
        new JsonObject()
            .put("error_rate", faults.errors() / 100.0)
            .put("drop_after_charge_rate", faults.drops() / 100.0)
            .put("refund_error_rate", faults.refundErrors() / 100.0)
            .put("latency_ms", faults.latencyMillis())
            .put("outage", faults.outage()));
  }

  private void crash(String group, int at) {
    List<Replica> two = replicas.get(group);
    int victim = at % two.size();
    two.get(victim).groups().crash();
    two.set(victim, replica(SERVICES.get(group)));
  }

  private static void rest(int millis) {
    try {
      Thread.sleep(millis); // a step of the history itself, not a wait for something
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    streams.close();
    replicas.values().forEach(two -> two.forEach(replica -> replica.groups().close()));
    audit.groups().close();
    gateway.close();
  }
}
