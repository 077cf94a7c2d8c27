package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.holdfast.events.CancelReason;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.notifications.channel.LogChannel;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.telemetry.JsonLogEncoder;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Goal: a customer is told once how the order ended, and nothing stands in the way of the next one.
 * Method: the test has the role of orders; the log channel's lines are gathered as they would be
 * printed.
 */
class NotifyCustomerTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final BigDecimal AMOUNT = new BigDecimal("40.00");

  private final TestGroups groups = TestGroups.inNewNamespace();
  private final Streams streams =
      new Streams(
          TestBroker.shared().url(),
          groups.namespace(),
          Set.of("ORDERS", "NOTIFICATIONS", "DEADLETTERS"));
  private final Lines lines = new Lines();

  @BeforeEach
  void listen() {
    Logger channel = (Logger) LoggerFactory.getLogger(LogChannel.class);
    lines.setContext(channel.getLoggerContext());
    lines.start();
    channel.setLevel(Level.INFO);
    channel.addAppender(lines);
  }

  @AfterEach
  void close() {
    ((Logger) LoggerFactory.getLogger(LogChannel.class)).detachAppender(lines);
    groups.close();
    streams.close();
  }

  @Test
  void each_final_order_is_told_once_and_that_is_recorded() {
    groups.start(new NotificationsGroup());
    confirmed("o1");
    cancelled("o2");

    assertThat(sent("o1"))
        .isEqualTo(new NotificationSent("o1", "customer-7", "order_confirmed", "log"));
    assertThat(sent("o2"))
        .isEqualTo(new NotificationSent("o2", "customer-7", "order_cancelled", "log"));
    awaitSettled();
    assertThat(streams.facts("NOTIFICATIONS"))
        .hasSize(2)
        .allSatisfy(fact -> assertThat(fact.traceId()).isEqualTo(TRACE));
    assertThat(streams.messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void the_log_line_names_order_and_trace_and_says_nothing_about_the_customer() {
    groups.start(new NotificationsGroup());
    confirmed("o1");
    sent("o1");

    JsonObject line = lines.of("o1").getFirst();
    assertThat(line.getString("level")).isEqualTo("info");
    assertThat(line.getString("service")).isEqualTo("notifications");
    assertThat(line.getString("order_id")).isEqualTo("o1");
    assertThat(line.getString("trace_id")).isEqualTo(TRACE);
    assertThat(line.getString("template")).isEqualTo("order_confirmed");
    assertThat(line.getString("msg")).isEqualTo("Customer notified");
    assertThat(Instant.parse(line.getString("time"))).isBefore(Instant.now());
    assertThat(line.encode()).doesNotContain("customer-7").doesNotContain("pm_card");
  }

  @Test
  void what_is_delivered_again_is_told_and_recorded_no_second_time() throws Exception {
    RunningGroup group = groups.start(new NotificationsGroup());
    for (int i = 0; i < 20; i++) {
      confirmed("o" + i);
    }
    awaitSettled();
    for (int round = 0; round < 2; round++) {
      assertThat(group.drain().await(15, TimeUnit.SECONDS)).isTrue();
      streams.forgetConsumer("ORDERS", "notifications-send");
      group = groups.start(new NotificationsGroup());
      awaitSettled();
    }

    // A consumer that was made anew calls all of it a first delivery, and then only the fact is
    // safe from repetition.
    assertThat(streams.facts("NOTIFICATIONS")).hasSize(20);
    assertThat(streams.facts("NOTIFICATIONS")).extracting(Envelope::id).doesNotHaveDuplicates();
    assertThat(streams.messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void a_customer_who_was_told_before_a_replica_died_is_not_told_again() throws Exception {
    RunningGroup first = groups.start(new NotificationsGroup());
    assertThat(first.drain().await(15, TimeUnit.SECONDS)).isTrue();
    confirmed("told");
    confirmed("untold");
    store(new NotificationSent("told", "customer-7", "order_confirmed", "log"));
    streams.takeAndLose("ORDERS", "notifications-send", 2);

    groups.start(new NotificationsGroup());
    sent("untold");
    awaitSettled();

    assertThat(lines.of("told")).isEmpty();
    assertThat(lines.of("untold")).hasSize(1);
    assertThat(streams.facts("NOTIFICATIONS")).hasSize(2);
    assertThat(streams.messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void a_message_that_cannot_be_read_is_parked_and_the_next_one_is_told() {
    String url = TestGroups.url(groups.start(new NotificationsGroup()));
    confirmed("before");
    String bad = streams.subjects().subject("orders.confirmed.bad");
    byte[] body = "{\"not\":\"an event\"}".getBytes(StandardCharsets.UTF_8);
    assertThat(get(streams.reader().appendNext(bad, Map.of(), body, 1))).isPresent();
    confirmed("after");

    sent("before");
    sent("after");
    awaitSettled();

    List<Envelope<?>> parked = streams.facts("DEADLETTERS");
    assertThat(parked).hasSize(1);
    MessageDeadLettered letter = (MessageDeadLettered) parked.getFirst().event();
    assertThat(letter.consumer()).isEqualTo("notifications-send");
    assertThat(letter.subject()).isEqualTo(bad);
    assertThat(letter.payload()).contains("not").contains("an event");
    assertThat(streams.messages("DEADLETTERS").getFirst().subject())
        .isEqualTo(streams.subjects().deadLetter("notifications", bad));
    assertThat(streams.facts("NOTIFICATIONS")).hasSize(2);
    assertThat(Http.get(url + "/metrics").body())
        .containsPattern("dead_letters_total\\{consumer=\"notifications-send\",.*\\} 1");
    assertThat(Http.get(url + "/ready").status()).isEqualTo(200);
  }

  private void confirmed(String orderId) {
    store(new OrderConfirmed(orderId, "customer-7", AMOUNT, "EUR", List.of(), "pm_card_visa"));
  }

  private void cancelled(String orderId) {
    store(new OrderCancelled(orderId, "customer-7", CancelReason.OUT_OF_STOCK, "none left"));
  }

  private void store(Event fact) {
    assertThat(get(streams.events().append(Envelope.once(fact, Instant.now(), TRACE), 0)))
        .isInstanceOf(Appended.class);
  }

  /** The record of it, waited for. */
  private NotificationSent sent(String orderId) {
    return eventually(
            "the customer of " + orderId + " is told",
            () ->
                get(streams.events().load(Domain.NOTIFICATIONS, orderId))
                    .find(NotificationSent.class),
            found -> found.isPresent())
        .orElseThrow();
  }

  private void awaitSettled() {
    streams.awaitSettled("ORDERS", "notifications-send");
  }

  /** What the log channel writes, as JSON. */
  private static final class Lines extends AppenderBase<ILoggingEvent> {
    private final JsonLogEncoder encoder = new JsonLogEncoder();
    private final Queue<JsonObject> lines = new ConcurrentLinkedQueue<>();

    @Override
    protected void append(ILoggingEvent event) {
      lines.add(new JsonObject(new String(encoder.encode(event), StandardCharsets.UTF_8)));
    }

    List<JsonObject> of(String orderId) {
      return lines.stream().filter(line -> orderId.equals(line.getString("order_id"))).toList();
    }
  }
}
