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
import io.holdfast.events.Item;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.telemetry.JsonLogEncoder;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import io.nats.client.api.StreamConfiguration;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/**
 * A namespace in which notifications is the real group; the test has the role of orders, and
 * gathers what is logged.
 */
final class Notifications implements AutoCloseable {

  static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  static final Instant ENDED = Instant.parse("2026-11-21T10:00:00.123Z");
  static final BigDecimal AMOUNT = new BigDecimal("40.00");

  private final TestGroups groups = TestGroups.inNewNamespace();
  private final Streams streams =
      new Streams(
          TestBroker.shared().url(),
          groups.namespace(),
          Set.of("ORDERS", "NOTIFICATIONS", "DEADLETTERS"));
  private final Lines lines = new Lines();

  Notifications() {
    groups.with("BREAKER_RESET_MS", "200");
    Logger all = (Logger) LoggerFactory.getLogger("io");
    lines.setContext(all.getLoggerContext());
    lines.start();
    ((Logger) LoggerFactory.getLogger("io.holdfast.notifications")).setLevel(Level.INFO);
    all.addAppender(lines);
  }

  Notifications with(String variable, Object value) {
    groups.with(variable, value.toString());
    return this;
  }

  RunningGroup start() {
    return groups.start(new NotificationsGroup());
  }

  Vertx vertx() {
    return groups.vertx();
  }

  Streams streams() {
    return streams;
  }

  /** What the group counts, in Prometheus's format. */
  String metrics() {
    return groups.platform().meters().scrape();
  }

  void confirmed(String orderId) {
    confirmed(orderId, "customer-7");
  }

  void confirmed(String orderId, String customerId) {
    store(confirmation(orderId, customerId));
  }

  static Envelope<OrderConfirmed> confirmation(String orderId, String customerId) {
    List<Item> items = List.of(new Item("tea-pot", 2, new BigDecimal("20.00")));
    return Envelope.once(
        new OrderConfirmed(orderId, customerId, AMOUNT, "EUR", items, "pm_card_visa"),
        ENDED,
        TRACE);
  }

  void cancelled(String orderId) {
    store(
        Envelope.once(
            new OrderCancelled(orderId, "customer-7", CancelReason.OUT_OF_STOCK, "none left"),
            ENDED,
            TRACE));
  }

  void store(Envelope<? extends Event> fact) {
    assertThat(get(streams.events().append(fact, 0))).isInstanceOf(Appended.class);
  }

  /** The record of it, waited for. */
  NotificationSent sent(String orderId) {
    return eventually(
            "the customer of " + orderId + " is told",
            () ->
                get(streams.events().load(Domain.NOTIFICATIONS, orderId))
                    .find(NotificationSent.class),
            found -> found.isPresent())
        .orElseThrow();
  }

  /** The one dead letter, waited for. */
  MessageDeadLettered parked() {
    eventually("it is parked", () -> !streams.messages("DEADLETTERS").isEmpty());
    assertThat(streams.messages("DEADLETTERS")).hasSize(1);
    return (MessageDeadLettered) streams.facts("DEADLETTERS").getFirst().event();
  }

  /** Lets the broker store so many records and refuse the next; -1 for no bound. */
  @SuppressWarnings("try") // closing a connection can be interrupted
  void takesRecords(long atMost) throws Exception {
    try (Connection administrator = Nats.connect(TestBroker.shared().url())) {
      JetStreamManagement streams = administrator.jetStreamManagement();
      StreamConfiguration now =
          streams.getStreamInfo(this.streams.subjects().stream("NOTIFICATIONS")).getConfiguration();
      streams.updateStream(StreamConfiguration.builder(now).maxMessages(atMost).build());
    }
  }

  void awaitSettled() {
    streams.awaitSettled("ORDERS", "notifications-send");
  }

  /** The lines that say that a customer was told of this order. */
  List<JsonObject> told(String orderId) {
    return lines.lines.stream()
        .filter(line -> orderId.equals(line.getString("order_id")))
        .filter(line -> "Customer notified".equals(line.getString("msg")))
        .toList();
  }

  /** All that was logged, also by libraries and by other tests at the same time. */
  List<String> logged() {
    return lines.lines.stream().map(JsonObject::encode).toList();
  }

  @Override
  public void close() {
    ((Logger) LoggerFactory.getLogger("io")).detachAppender(lines);
    groups.close();
    streams.close();
  }

  private static final class Lines extends AppenderBase<ILoggingEvent> {
    private final JsonLogEncoder encoder = new JsonLogEncoder();
    private final Queue<JsonObject> lines = new ConcurrentLinkedQueue<>();

    @Override
    protected void append(ILoggingEvent event) {
      lines.add(new JsonObject(new String(encoder.encode(event), StandardCharsets.UTF_8)));
    }
  }
}
