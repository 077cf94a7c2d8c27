package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.OrderCommand.Story;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/**
 * Goal: what {@code order} says of an order's end is what happened. Method: timelines as audit
 * gives them, longer at each look.
 */
class OrderCommandTest {

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
