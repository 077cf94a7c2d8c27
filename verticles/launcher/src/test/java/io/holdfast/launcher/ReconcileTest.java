package io.holdfast.launcher;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: {@code reconcile} names what was done to a real store, and nothing else. Method: every
 * service in this JVM, some orders to their ends, then one deed of somebody who has the rights for
 * it.
 */
class ReconcileTest {

  /** All has settled before, and what is taken away then needs no waiting for. */
  private static final String[] AT_ONCE = {"--wait", "1"};

  @TempDir Path folder;

  private final Map<String, String> urls = new HashMap<>();
  private TestGroups groups;
  private Streams streams;

  @BeforeEach
  void start() {
    groups =
        TestGroups.inNewNamespace()
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("AUDIT_INTERVAL_MS", "20");
    for (VerticleGroup group : Groups.ALL) { // the gateway is the first
      RunningGroup running = groups.start(group);
      urls.put(group.name(), TestGroups.url(running));
      groups.with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
    }
    streams = new Streams(TestBroker.shared().url(), groups.namespace(), StreamCatalog.AUDITED);
    Http.post(
        urls.get("inventory") + "/stock/cup/receipts",
        new JsonObject().put("quantity", 100),
        "Idempotency-Key",
        "first");
    place("o-confirmed", "pm_card_visa");
    place("o-declined", "pm_card_chargeDeclined");
    place("o-other", "pm_card_visa");
    assertThat(reconcile()).as("before").isEmpty();
  }

  @AfterEach
  void stop() {
    streams.close();
    groups.close();
  }

  @Test
  void a_second_charge_is_named() {
    String form =
        "amount=2500&currency=eur&confirm=true&payment_method=pm_card_visa&metadata[order_id]="
            + orders.get("o-confirmed");
    Http.Answer charged =
        Http.post(
            urls.get("gateway") + "/v1/payment_intents",
            form,
            "Content-Type",
            "application/x-www-form-urlencoded",
            "Authorization",
            "Bearer sk_test_holdfast",
            "Idempotency-Key",
            "by-hand");
    assertThat(charged.status()).as(charged.body()).isEqualTo(200);

    assertThat(reconcile())
        .singleElement()
        .asString()
        .startsWith("I3 " + orders.get("o-confirmed"))
        .contains("2 charges", charged.json().getString("id"));
  }

  @Test
  void a_gateway_that_does_not_answer_is_no_violation_and_no_clean_verdict() {
    Ran ran = Ran.of(arguments("http://127.0.0.1:1"));

    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.out())
        .contains("I3 could not be checked: the gateway's ledger cannot be read: nobody answers at")
        .contains("All others hold, but I3 could not be checked")
        .doesNotContain("violation");
  }

  @Test
  void a_lost_reservation_is_named() {
    streams.purge("INVENTORY", "inventory.reserved." + orders.get("o-confirmed"));

    assertThat(reconcile(AT_ONCE))
        .satisfiesExactlyInAnyOrder(
            v -> assertThat(v).startsWith("I4  ").contains("stock.level.cup", "reserved"),
            v ->
                assertThat(v)
                    .startsWith("I7 " + orders.get("o-confirmed"))
                    .contains("payments.processed", "without InventoryReserved"),
            v -> assertThat(v).startsWith("I6 ").contains("INVENTORY"));
  }

  @Test
  void a_removed_end_is_named() {
    streams.purge("ORDERS", "orders.confirmed." + orders.get("o-other"));

    assertThat(reconcile(AT_ONCE))
        .satisfiesExactlyInAnyOrder(
            v -> assertThat(v).startsWith("I2 " + orders.get("o-other")).contains("no final state"),
            v -> assertThat(v).startsWith("I6 ").contains("ORDERS"));
  }

  @Test
  void a_forged_level_is_named() {
    long last = Streams.get(streams.events().load(Domain.STOCK, "cup")).lastSequence();
    StockLevelChanged forged = new StockLevelChanged("cup", 1_100, 1_096, 4);
    Streams.get(
        streams
            .events()
            .append(Envelope.repeated(forged, "forged", Instant.now(), "f".repeat(32)), last));

    assertThat(reconcile())
        .singleElement()
        .asString()
        .startsWith("I4 ")
        .contains("stock.level.cup", "says received 1100, the receipts are 100");
  }

  @Test
  void a_timer_and_a_redrive_that_nobody_takes_are_named_with_the_consumer_of_deadlines() {
    groups
        .with("RESERVATION_TTL", "1s")
        .with("PAYMENT_GATEWAY_TIMEOUT_MS", "500")
        .with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
    RunningGroup withDeadlines = groups.start(new PaymentsGroup());
    assertThat(reconcile()).as("the consumer has nothing to do").isEmpty();
    assertThat(Streams.get(withDeadlines.drain())).isTrue();
    RawMessage reservation =
        Streams.get(
                streams
                    .reader()
                    .last(
                        streams.subjects().stream("INVENTORY"),
                        streams.subjects().subject("inventory.reserved." + orders.get("o-other"))))
            .orElseThrow();
    long inTimers = timers();
    publish("timers.due.inventory.reserved." + orders.get("o-other"), reservation, inTimers);
    publish(
        "redrives.payments.payments-expire.timers.due.inventory.reserved." + orders.get("o-other"),
        reservation,
        0);

    assertThat(reconcile(AT_ONCE))
        .satisfiesExactlyInAnyOrder(
            v ->
                assertThat(v)
                    .startsWith("I7  consumer payments-expire ")
                    .contains("1 messages wait, 0 are not acknowledged", "RESERVATION_TTL"),
            v ->
                assertThat(v)
                    .startsWith("I7  consumer payments-expire-redriven ")
                    .contains("1 messages wait"));

    groups.start(new PaymentsGroup());
    assertThat(reconcile("--wait", "30")).as("somebody takes them").isEmpty();
  }

  private long timers() {
    return Streams.get(streams.reader().state(streams.subjects().stream("TIMERS"))).lastSequence();
  }

  private void publish(String subject, RawMessage like, long expectedLast) {
    assertThat(
            Streams.get(
                streams
                    .reader()
                    .appendNext(
                        streams.subjects().subject(subject), Map.of(), like.body(), expectedLast)))
        .isPresent();
  }

  @Test
  void a_verdict_is_given_while_orders_come_in() throws Exception {
    Thread customer =
        Thread.ofVirtual()
            .start(
                () -> {
                  while (!Thread.currentThread().isInterrupted()) {
                    try {
                      Http.post(urls.get("orders") + "/orders", order("pm_card_visa"));
                    } catch (IllegalStateException interrupted) {
                      return;
                    }
                  }
                });
    try {
      assertThat(reconcile("--wait", "20")).isEmpty();
    } finally {
      customer.interrupt();
      customer.join();
    }
  }

  private final Map<String, String> orders = new HashMap<>();

  private void place(String name, String paymentMethod) {
    Http.Answer answer =
        Http.post(urls.get("orders") + "/orders", order(paymentMethod), "Idempotency-Key", name);
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    String orderId = answer.json().getString("order_id");
    orders.put(name, orderId);
    eventually(
        name + " is final",
        () -> Http.get(urls.get("orders") + "/orders/" + orderId).json().getString("status"),
        status -> !status.equals("pending"));
  }

  private static JsonObject order(String paymentMethod) {
    return new JsonObject()
        .put("customer_id", "c-1")
        .put("currency", "EUR")
        .put("payment_method", paymentMethod)
        .put(
            "items",
            new JsonArray()
                .add(
                    new JsonObject().put("sku", "cup").put("quantity", 2).put("unit_price", 12.5)));
  }

  private String[] arguments(String gateway, String... more) {
    return Stream.concat(
            Stream.of(
                "reconcile",
                "--data",
                folder.toString(),
                "--nats",
                TestBroker.shared().url(),
                "--namespace",
                groups.namespace(),
                "--gateway",
                gateway),
            Stream.of(more))
        .toArray(String[]::new);
  }

  /** The violations that the command reports, a line each: invariant, order, subject, problem. */
  private List<String> reconcile(String... more) {
    Path report = folder.resolve("report.json");
    String[] args =
        arguments(
            urls.get("gateway"),
            Stream.concat(Stream.of("--wait", "3", "--json", report.toString()), Stream.of(more))
                .toArray(String[]::new));
    int status = LauncherMain.commandLine().setOverwrittenOptionsAllowed(true).execute(args);
    try {
      List<String> lines = new ArrayList<>();
      JsonObject json = new JsonObject(Files.readString(report));
      for (Object violation : json.getJsonArray("violations")) {
        JsonObject v = (JsonObject) violation;
        lines.add(
            "%s %s %s %s"
                .formatted(
                    v.getString("invariant"),
                    v.getString("order_id"),
                    v.getString("subject"),
                    v.getString("problem")));
      }
      assertThat(status).isEqualTo(lines.isEmpty() ? 0 : 1);
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
