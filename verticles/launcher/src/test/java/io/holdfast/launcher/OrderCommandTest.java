package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.holdfast.launcher.OrderCommand.Story;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: what {@code order} says of an order's end is what happened. Method: timelines as audit
 * gives them, longer at each look.
 */
class OrderCommandTest {

  @TempDir Path folder;

  private final JsonArray events = new JsonArray();
  private final Story story = new Story();

  @Test
  void an_order_ends_when_it_is_confirmed_and_not_when_its_customer_is_told() {
    happened("OrderCreated", 0);
    happened("InventoryReserved", 4);
    happened("PaymentProcessed", 8);
    happened("OrderConfirmed", 10);
    look();
    look();
    assertThat(story.ended(true)).isFalse();
    assertThat(story.ended(false)).isTrue();

    happened("NotificationSent", 495);
    look();
    look();

    assertThat(story.ended(true)).isTrue();
    assertThat(story.owesRelease()).isFalse();
    assertThat(story.conclusion()).isEqualTo("confirmed after 10 ms: 5 events, one trace");
  }

  @Test
  void a_declined_order_owes_its_stock_until_that_is_free_again() {
    happened("OrderCreated", 0);
    happened("InventoryReserved", 4);
    happened("PaymentFailed", 8);
    happened("OrderCancelled", 12);
    happened("NotificationSent", 20);
    look();
    look();
    assertThat(story.ended(true)).isTrue();
    assertThat(story.owesRelease()).isTrue();

    happened("InventoryReleased", 30);
    look();
    look();

    assertThat(story.owesRelease()).isFalse();
    assertThat(story.conclusion()).isEqualTo("cancelled after 12 ms: 6 events, one trace");
  }

  @Test
  void an_order_for_which_nothing_was_reserved_owes_nothing() {
    happened("OrderCreated", 0);
    happened("InventoryRejected", 3);
    happened("OrderCancelled", 5);
    happened("NotificationSent", 9);
    look();
    look();

    assertThat(story.owesRelease()).isFalse();
    assertThat(story.conclusion()).startsWith("cancelled after 5 ms: 4 events");
  }

  @Test
  void events_are_told_in_order_of_their_time_however_they_are_found() {
    happened("OrderCreated", 0);
    happened("NotificationSent", 21);
    happened("InventoryRejected", 3);
    String told = toldBy(this::look);
    happened("OrderCancelled", 12); // its stream was read before it was stored
    told += toldBy(this::look);
    assertThat(story.ended(true)).isTrue();
    told += toldBy(this::look);

    assertThat(told.lines().map(line -> line.strip().split(" +", -1)[2]))
        .containsExactly("OrderCreated", "InventoryRejected", "OrderCancelled", "NotificationSent");
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void an_order_is_noted_only_where_it_is_of_the_system_that_runs_there(boolean here)
      throws Exception {
    happened("OrderCreated", 0);
    happened("OrderConfirmed", 10);
    happened("NotificationSent", 20);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort();
      String elsewhere = "http://127.0.0.1:1";
      new RunningSystem(
              "nats://127.0.0.1:1",
              "",
              Map.of("orders", here ? url : elsewhere, "audit", here ? url : elsewhere),
              Map.of("orders", ProcessHandle.current().pid()))
          .write(folder);

      Ran ran = Ran.of("order", "--data", folder.toString(), "--url", url + "/");

      assertThat(ran.status()).as(ran.out() + ran.err()).isZero();
      Path noted = folder.resolve(OrderCommand.AcceptedOrders.FILE);
      if (here) {
        assertThat(noted).hasContent("ord_1");
      } else {
        assertThat(noted).doesNotExist();
        assertThat(Ran.of("order", "--data", folder.toString(), "--url", url, "--count", "2").err())
            .contains("--count follows the orders through the streams");
      }
    } finally {
      server.stop(0);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    boolean order = exchange.getRequestMethod().equals("POST");
    JsonObject body =
        order
            ? new JsonObject().put("order_id", "ord_1").put("trace_id", "a".repeat(32))
            : new JsonObject().put("history", events).put("events", events);
    byte[] bytes = body.toBuffer().getBytes();
    exchange.sendResponseHeaders(order ? 202 : 200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private void look() {
    story.tell(events);
  }

  private static String toldBy(Runnable deed) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      deed.run();
      return out.toString(StandardCharsets.UTF_8);
    } finally {
      System.setOut(before);
    }
  }

  private void happened(String type, int millis) {
    events.add(
        new JsonObject()
            .put("type", type)
            .put("event_id", type)
            .put("stream", "S")
            .put("sequence", (long) events.size() + 1)
            .put("trace_id", "a".repeat(32))
            .put("timestamp", Instant.EPOCH.plusMillis(millis).toString()));
  }
}
