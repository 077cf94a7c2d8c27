package io.holdfast.system.failpoints;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.broker.NatsServer;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.nats.client.Connection;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: an instant is the one that it says: what was to be stored by then is, and the rest is not.
 * Method: a real broker, a client behind the wire, and a look from beside it.
 */
@SuppressWarnings("try") // closing a connection can be interrupted
class NatsWireTest {

  private static final String ORDER = "{\"data\":{\"customer_id\":\"customer-HAPPY\"}}";

  @TempDir Path folder;

  private final Trap trap = new Trap();
  private final AtomicInteger kills = new AtomicInteger();
  private NatsServer broker;
  private Streams streams;
  private NatsWire wire;

  @BeforeEach
  void start() {
    broker = TestBroker.own(folder);
    streams = new Streams(broker.url(), "", Set.of("ORDERS", "INVENTORY"));
    trap.watch(kills::incrementAndGet);
    wire = new NatsWire(broker.port(), trap, new Races(orderId -> {}));
  }

  @AfterEach
  void stop() {
    wire.close();
    streams.close();
    broker.close();
  }

  @Test
  void without_a_point_everything_passes() throws Exception {
    try (Connection service = connect()) {
      publish(service, "orders.created.o1", ORDER);
    }

    assertThat(subjects("ORDERS")).containsExactly("orders.created.o1");
    assertThat(kills).hasValue(0);
  }

  @Test
  void what_has_not_left_is_not_stored_but_what_left_before_is() throws Exception {
    Future<Void> fired = trap.arm(FailPoint.CONFIRMATION_NOT_SENT_YET);
    try (Connection service = connect()) {
      publish(service, "orders.created.o1", ORDER);
      service.publish("orders.created.o2", ORDER.getBytes(StandardCharsets.UTF_8));

      assertThatThrownBy(() -> publish(service, "orders.confirmed.o1", "{}"))
          .isInstanceOf(Exception.class);
    }

    fired.get(10, TimeUnit.SECONDS);
    eventually("both orders are there", () -> subjects("ORDERS").size() == 2);
    assertThat(subjects("ORDERS")).containsExactly("orders.created.o1", "orders.created.o2");
    assertThat(kills).hasValue(1);
  }

  @Test
  void what_is_stored_has_no_answer_and_the_next_life_goes_on() throws Exception {
    Future<Void> fired = trap.arm(FailPoint.ORDER_STORED);
    try (Connection service = connect()) {
      assertThatThrownBy(() -> publish(service, "orders.created.o1", ORDER))
          .isInstanceOf(Exception.class);
    }

    fired.get(10, TimeUnit.SECONDS);
    assertThat(subjects("ORDERS")).containsExactly("orders.created.o1");
    assertThat(trap.recovered()).isNotDone();
    try (Connection next = connect()) {
      publish(next, "orders.created.o2", ORDER);
    }
    assertThat(trap.recovered()).isDone();
    assertThat(kills).hasValue(1);
  }

  @Test
  void a_batch_without_its_commit_stores_nothing() throws Exception {
    Future<Void> fired = trap.arm(FailPoint.RESERVATION_NOT_COMMITTED);
    try (Connection service = connect()) {
      service.publish(member("inventory.reserved.o1", 1, false));
      service.publish(member("stock.level.cup", 2, true));
      fired.get(10, TimeUnit.SECONDS);
    }

    assertThat(subjects("INVENTORY")).isEmpty();
  }

  @Test
  void an_acknowledgement_arrives_if_it_has_left_and_else_not() throws Exception {
    takeAndAcknowledge(FailPoint.ORDER_JUST_ACKNOWLEDGED);
    eventually("it is acknowledged", () -> consumer().getNumAckPending() == 0);

    takeAndAcknowledge(FailPoint.RESERVATION_NOT_ACKNOWLEDGED);
    assertThat(consumer().getNumAckPending()).isEqualTo(1);
  }

  private void takeAndAcknowledge(FailPoint point) throws Exception {
    Future<Void> fired = trap.arm(point);
    try (Connection service = connect()) {
      publish(service, "orders.created.o" + point, ORDER);
      JetStreamSubscription subscription =
          service
              .jetStream()
              .subscribe(
                  "orders.created.*",
                  PullSubscribeOptions.builder()
                      .durable("inventory-reserve")
                      .configuration(
                          ConsumerConfiguration.builder().ackWait(Duration.ofMinutes(1)).build())
                      .build());
      List<Message> taken = subscription.fetch(1, Duration.ofSeconds(10));
      taken.getFirst().ack();
      fired.get(10, TimeUnit.SECONDS);
    }
  }

  private ConsumerInfo consumer() throws Exception {
    try (Connection beside = Nats.connect(broker.url())) {
      return beside.jetStreamManagement().getConsumerInfo("ORDERS", "inventory-reserve");
    }
  }

  private Connection connect() throws Exception {
    return Nats.connect(Options.builder().server(wire.url()).noReconnect().build());
  }

  private static void publish(Connection service, String subject, String body) throws Exception {
    service.jetStream().publish(subject, body.getBytes(StandardCharsets.UTF_8));
  }

  private static Message member(String subject, int number, boolean commit) {
    Headers headers =
        new Headers()
            .put("Nats-Batch-Id", "b1")
            .put("Nats-Batch-Sequence", Integer.toString(number));
    if (commit) {
      headers.put("Nats-Batch-Commit", "1");
    }
    return NatsMessage.builder().subject(subject).headers(headers).data("{}").build();
  }

  private List<String> subjects(String stream) {
    return streams.messages(stream).stream().map(message -> message.subject()).toList();
  }
}
