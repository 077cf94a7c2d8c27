package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the six JARs, each a process, do what the README promises. Method: real HTTP from outside,
 * real kill -9, and at the end {@code reconcile} over everything that happened in all of these
 * tests.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PackagedJarsIT {

  @TempDir static Path folder;

  private static SystemUnderTest system;
  private static final List<String> accepted = Collections.synchronizedList(new ArrayList<>());

  @BeforeAll
  static void start() {
    system = new SystemUnderTest(folder);
    system.start();
    system.receive("cup", 100_000);
    system.receive("rare", 1);
  }

  @AfterAll
  static void stop() {
    system.close();
  }

  @Test
  @Order(1)
  void an_order_reaches_confirmed_through_five_events_of_one_trace() {
    String orderId = place(order("cup", 2));

    JsonArray events = timeline(orderId, 5);

    assertThat(types(events))
        .containsExactly(
            "OrderCreated",
            "InventoryReserved",
            "PaymentProcessed",
            "OrderConfirmed",
            "NotificationSent");
    Set<String> traces = new TreeSet<>();
    events.forEach(event -> traces.add(((JsonObject) event).getString("trace_id")));
    assertThat(traces).hasSize(1);
    JsonObject order = Http.get(system.url("orders") + "/orders/" + orderId).json();
    assertThat(order.getString("status")).isEqualTo("confirmed");
    assertThat(order.getString("trace_id")).isEqualTo(traces.iterator().next());
  }

  @Test
  @Order(2)
  void a_declined_card_cancels_the_order_and_frees_its_stock() {
    long before = available("cup");

    String orderId = place(order("cup", 3).put("payment_method", "pm_card_chargeDeclined"));

    JsonObject order = awaitFinal(orderId);
    assertThat(order.getString("status")).isEqualTo("cancelled");
    assertThat(order.getString("reason")).isEqualTo("payment_declined");
    eventually("the stock is free again", () -> available("cup") == before);
  }

  @Test
  @Order(3)
  void an_order_for_more_than_there_is_is_cancelled() {
    String orderId = place(order("rare", 2));

    JsonObject order = awaitFinal(orderId);

    assertThat(order.getString("status")).isEqualTo("cancelled");
    assertThat(order.getString("reason")).isEqualTo("out_of_stock");
    assertThat(available("rare")).isEqualTo(1);
  }

  @Test
  @Order(4)
  void one_key_sent_forty_times_at_once_is_one_order() throws Exception {
    List<Http.Answer> answers =
        inParallel(
            40, () -> Http.post(orders(), order("cup", 1), "Idempotency-Key", "forty-times"));

    assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(202));
    assertThat(answers.stream().map(Http.Answer::body).distinct()).hasSize(1);
    accepted.add(answers.getFirst().json().getString("order_id"));
    Http.Answer other = Http.post(orders(), order("cup", 2), "Idempotency-Key", "forty-times");
    assertThat(other.status()).isEqualTo(422);
    assertThat(other.json().getString("type"))
        .isEqualTo("urn:holdfast:problem:idempotency-key-reused");
  }

  @Test
  @Order(5)
  void a_wrong_body_is_answered_with_every_bad_field() {
    Http.Answer answer =
        Http.post(
            orders(),
            new JsonObject().put("customer_id", "c 1").put("amount", "12").put("curency", "EUR"));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    List<String> fields =
        answer.json().getJsonArray("errors").stream()
            .map(error -> ((JsonObject) error).getString("field"))
            .toList();
    assertThat(fields).containsExactlyInAnyOrder("customer_id", "amount", "curency");
  }

  @Test
  @Order(6)
  void the_event_stream_of_an_order_ends_with_its_final_state() {
    String orderId = place(order("cup", 1));

    Http.Answer events = Http.get(orders() + "/" + orderId + "/events");

    assertThat(events.header("Content-Type")).startsWith("text/event-stream");
    assertThat(events.body()).contains("event: OrderCreated\n").contains("event: OrderConfirmed\n");
  }

  @Test
  @Order(7)
  void every_service_may_be_killed_under_load_and_so_may_the_broker() throws Exception {
    try (ExecutorService load = Executors.newSingleThreadExecutor()) {
      Future<Integer> placed = load.submit(() -> placeFor(Duration.ofSeconds(12)));
      for (String victim : List.of("inventory", "payments", "orders", "notifications", "audit")) {
        system.process(victim).kill();
        system.launch(victim).awaitReady();
      }
      system.broker().kill();
      system.broker().restart();
      system.process("orders").awaitReady();
      assertThat(placed.get()).as("orders accepted meanwhile").isGreaterThan(100);
    }
  }

  @Test
  @Order(8)
  void all_invariants_hold_over_everything_that_happened() throws IOException {
    Path list = Files.write(folder.resolve("accepted.log"), accepted);

    SystemUnderTest.Reconciled result = system.reconcile(list);

    assertThat(result.status()).as(result.output()).isZero();
    assertThat(result.output()).contains("All invariants hold");
  }

  @Test
  @Order(9)
  void an_order_that_was_accepted_and_is_not_stored_is_found() throws IOException {
    Path list = Files.write(folder.resolve("invented.log"), List.of("ord_neverstored"));

    SystemUnderTest.Reconciled result = system.reconcile(list);

    assertThat(result.status()).as(result.output()).isEqualTo(1);
    assertThat(result.output()).contains("I1").contains("ord_neverstored");
  }

  @Test
  @Order(10)
  void every_process_ends_with_status_0_when_told_to_stop() {
    for (String group : SystemUnderTest.GROUPS.reversed()) {
      system.process(group).terminate();
      assertThat(system.process(group).exitStatus())
          .as(group + ": " + system.process(group).output())
          .isZero();
    }
  }

  private static int placeFor(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    int placed = 0;
    while (System.nanoTime() - end < 0) {
      try {
        Http.Answer answer = Http.post(orders(), order("cup", 1));
        if (answer.status() == 202) {
          accepted.add(answer.json().getString("order_id"));
          placed++;
        }
      } catch (java.io.UncheckedIOException notThere) {
        Thread.onSpinWait(); // orders is the one that was killed
      }
    }
    return placed;
  }

  private static JsonObject order(String sku, int quantity) {
    return new JsonObject()
        .put("customer_id", "customer-1")
        .put("currency", "EUR")
        .put(
            "items",
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("sku", sku)
                        .put("quantity", quantity)
                        .put("unit_price", 12.5)));
  }

  private static String orders() {
    return system.url("orders") + "/orders";
  }

  private static String place(JsonObject order) {
    Http.Answer answer = Http.post(orders(), order);
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    String orderId = answer.json().getString("order_id");
    assertThat(answer.header("Location")).isEqualTo("/orders/" + orderId);
    accepted.add(orderId);
    return orderId;
  }

  private static JsonObject awaitFinal(String orderId) {
    return eventually(
        orderId + " is final",
        () -> Http.get(orders() + "/" + orderId).json(),
        order -> !order.getString("status").equals("pending"));
  }

  private static JsonArray timeline(String orderId, int events) {
    return eventually(
        orderId + " has " + events + " events",
        () ->
            Http.get(system.url("audit") + "/audit/orders/" + orderId)
                .json()
                .getJsonArray("events"),
        found -> found != null && found.size() >= events);
  }

  private static List<String> types(JsonArray events) {
    return events.stream().map(event -> ((JsonObject) event).getString("type")).toList();
  }

  private static long available(String sku) {
    return Http.get(system.url("inventory") + "/stock/" + sku).json().getLong("available");
  }

  private static <T> List<T> inParallel(int times, Callable<T> task) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<T>> running =
          IntStream.range(0, times).mapToObj(i -> threads.submit(task)).toList();
      List<T> results = new ArrayList<>();
      for (Future<T> future : running) {
        results.add(future.get());
      }
      return results;
    }
  }
}
