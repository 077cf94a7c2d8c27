package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.runtime.support.Facts;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.holdfast.runtime.support.Wire;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: streams are what the promises need, or the group is not ready and says why; what exists is
 * never changed. Method: streams made by somebody else over the bare wire, and read back.
 */
class TopologyTest {

  private static final String CONSUMER = "inventory-reserve";

  private final String namespace = TestServer.newName();
  private Wire wire;
  private TestProcess process;

  @BeforeEach
  void connect() {
    wire = Wire.to(TestServer.shared().url());
  }

  @AfterEach
  void close() {
    wire.close();
    if (process != null) {
      process.close();
    }
  }

  @Test
  void what_is_missing_is_created_as_the_promises_need_it() {
    process = TestProcess.on(TestServer.shared().url(), namespace);

    JsonNode orders = config("ORDERS");
    assertThat(orders.path("subjects").toString()).isEqualTo("[\"" + namespace + ".orders.*.*\"]");
    assertThat(orders.path("storage").asText()).isEqualTo("file");
    assertThat(orders.path("retention").asText()).isEqualTo("limits");
    assertThat(orders.path("discard").asText()).isEqualTo("new");
    assertThat(orders.path("max_bytes").asLong()).isEqualTo(64L << 20);
    assertThat(orders.path("max_age").asLong()).isZero();
    assertThat(orders.path("duplicate_window").asLong()).isEqualTo(120_000_000_000L);
    for (String option : List.of("allow_atomic", "allow_direct", "deny_delete")) {
      assertThat(orders.path(option).asBoolean()).as(option).isTrue();
    }
    assertThat(process.streams().problems()).isEmpty();
  }

  @Test
  void a_second_start_finds_what_the_first_one_made_and_leaves_it_as_it_is() {
    try (TestProcess first = TestProcess.on(TestServer.shared().url(), namespace)) {
      get(first.streams().append(Facts.created("o1"), 0));
      consume(first);
    }
    String before = config("ORDERS").toString() + consumerConfig();

    process = TestProcess.on(TestServer.shared().url(), namespace, "STREAM_MAX_BYTES", "2097152");
    consume(process);

    assertThat(config("ORDERS").toString() + consumerConfig()).isEqualTo(before);
    assertThat(get(process.streams().reader().state(process.stream("ORDERS"))).messages())
        .isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"max_age\":86400000000000",
        "\"discard\":\"old\"",
        "\"max_msgs\":1000000",
        "\"max_msgs_per_subject\":1",
        "\"storage\":\"memory\"",
        "\"retention\":\"workqueue\"",
        "\"allow_atomic\":false",
        "\"deny_delete\":false",
        "\"allow_direct\":false",
        "\"allow_rollup_hdrs\":true",
        "\"allow_msg_ttl\":true",
        "\"max_bytes\":-1",
        "\"no_ack\":true",
        "\"max_msg_size\":100"
      })
  void a_stream_that_would_break_a_promise_keeps_the_group_not_ready_and_is_not_changed(
      String difference) {
    String option = difference.substring(1, difference.indexOf('"', 1));
    createOrders(difference);
    String before = config("ORDERS").toString();

    process = TestProcess.starting(TestServer.shared().url(), namespace);
    Future<Void> ready = process.streams().whenReady();

    List<String> problems =
        eventually(
            "found out",
            () -> process.streams().problems(),
            found -> found.stream().anyMatch(p -> p.contains("ORDERS")));
    assertThat(problems)
        .singleElement()
        .asString()
        .startsWith("stream " + namespace + "_ORDERS has " + option)
        .contains("needed is");
    assertThat(ready.isComplete()).isFalse();
    assertThat(config("ORDERS").toString()).isEqualTo(before);
  }

  @Test
  void what_need_not_be_there_is_wrong_only_if_it_is_there_and_not_as_it_must_be() {
    process = TestProcess.on(TestServer.shared().url(), namespace);
    String timers = namespace + "_TIMERS";

    Provisioned without = get(process.streams().provision(false, created -> {}));
    assertThat(without.absent())
        .containsExactly(
            "stream "
                + timers
                + " with consumer payments-expire (optional, made when RESERVATION_TTL is set)");
    assertThat(without.problems())
        .isNotEmpty()
        .noneMatch(problem -> problem.contains("TIMERS") || problem.contains("payments-expire"));

    wire.succeed(
        "STREAM.CREATE." + timers,
        "{\"name\":\"%s\",\"subjects\":[\"%s.timers.>\"]}".formatted(timers, namespace));

    Provisioned different = get(process.streams().provision(false, created -> {}));
    assertThat(different.absent()).isEmpty();
    assertThat(different.problems())
        .anyMatch(problem -> problem.startsWith("stream " + timers + " has allow_msg_schedules"))
        .contains("consumer payments-expire of stream " + timers + " is not there");
  }

  @Test
  void a_difference_that_somebody_mends_makes_the_group_ready_without_a_restart() {
    createOrders("\"max_age\":86400000000000");
    process = TestProcess.starting(TestServer.shared().url(), namespace);
    Future<Void> ready = process.streams().whenReady();
    eventually(
        "found out",
        () -> process.streams().problems().stream().anyMatch(p -> p.contains("max_age")));

    wire.succeed("STREAM.UPDATE." + namespace + "_ORDERS", orders("\"max_age\":0"));

    get(ready);
    assertThat(process.streams().problems()).isEmpty();
  }

  @Test
  void a_consumer_that_would_give_messages_up_is_refused_and_not_changed() {
    process = TestProcess.on(TestServer.shared().url(), namespace);
    wire.succeed(
        "CONSUMER.CREATE." + namespace + "_ORDERS." + CONSUMER,
        ("{\"stream_name\":\"%s_ORDERS\",\"config\":{\"durable_name\":\"%s\","
                + "\"ack_policy\":\"explicit\",\"max_deliver\":5,\"ack_wait\":1000000000,"
                + "\"filter_subjects\":[\"%s.orders.created.*\"]}}")
            .formatted(namespace, CONSUMER, namespace));
    String before = consumerConfig();

    assertThatThrownBy(() -> consume(process))
        .isInstanceOf(BrokerException.class)
        .hasMessageContaining("consumer " + CONSUMER + " of stream " + namespace + "_ORDERS has")
        .hasMessageContaining("max_deliver 5, needed is -1")
        .hasMessageContaining("ack_wait PT1S, needed is PT30S");
    assertThat(consumerConfig()).isEqualTo(before);
  }

  @Test
  void without_the_right_to_provision_what_is_missing_is_named_and_not_created() {
    process = TestProcess.starting(TestServer.shared().url(), namespace, "PROVISION", "false");
    Future<Void> ready = process.streams().whenReady();

    eventually("found out", () -> process.streams().problems(), found -> found.size() == 4);
    assertThat(process.streams().problems())
        .contains("stream " + namespace + "_ORDERS is not there");
    assertThat(wire.api("STREAM.INFO." + namespace + "_ORDERS", "").error()).isEqualTo(10059);

    try (TestProcess provisioner = TestProcess.on(TestServer.shared().url(), namespace)) {
      assertThat(provisioner.streams().problems()).isEmpty();
      get(ready);
      assertThatThrownBy(() -> consume(process))
          .hasMessage("consumer " + CONSUMER + " of stream " + namespace + "_ORDERS is not there");
    }
  }

  @Test
  void a_stream_that_vanished_is_not_replaced_by_an_empty_one() {
    String url = TestServer.shared().url();
    try (var line = io.holdfast.runtime.support.Line.to(url)) {
      process = TestProcess.on(line.url(), namespace);
      wire.succeed("STREAM.DELETE." + namespace + "_ORDERS", "");

      line.cut();

      eventually(
          "noticed at the reconnect",
          () -> process.streams().problems(),
          found -> found.equals(List.of("stream " + namespace + "_ORDERS is not there")));
      assertThat(wire.api("STREAM.INFO." + namespace + "_ORDERS", "").error()).isEqualTo(10059);
      process.close();
      process = null;
    }
  }

  @Test
  void a_server_that_is_too_old_is_refused_by_its_version_alone() throws IOException {
    // Its greeting is all that is needed: an old server would take what it does not know, silently.
    try (ServerSocket old = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> greetAs("2.12.6", old));
      process = TestProcess.starting("nats://127.0.0.1:" + old.getLocalPort(), namespace);
      process.streams().whenReady();

      eventually(
          "told",
          () -> process.streams().problems(),
          found ->
              found.equals(List.of("nats-server 2.12.6 is too old: 2.12.7 or newer is needed")));
      assertThat(process.broker().usable()).isFalse();
    }
  }

  private static void greetAs(String version, ServerSocket door) {
    try {
      while (true) {
        Socket client = door.accept();
        Thread.ofVirtual().start(() -> speak(version, client));
      }
    } catch (IOException closed) {
      // at the end of the test
    }
  }

  private static void speak(String version, Socket client) {
    try (client) {
      OutputStream out = client.getOutputStream();
      String info =
          "INFO {\"server_id\":\"x\",\"version\":\"%s\",\"proto\":1,\"headers\":true,\"max_payload\":1048576}\r\n"
              .formatted(version);
      out.write(info.getBytes(StandardCharsets.US_ASCII));
      var in =
          new java.io.BufferedReader(
              new java.io.InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("PING")) {
          out.write("PONG\r\n".getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (IOException gone) {
      // at the end of the test
    }
  }

  private void consume(TestProcess by) {
    get(
        by.streams()
            .consume(
                CONSUMER,
                Reactions.on(
                    io.holdfast.events.OrderEvent.OrderCreated.class,
                    delivery -> Future.succeededFuture(Outcome.DONE))));
  }

  private void createOrders(String difference) {
    wire.succeed("STREAM.CREATE." + namespace + "_ORDERS", orders(difference));
  }

  /** As it must be, but for one option. */
  private String orders(String difference) {
    String key = difference.substring(0, difference.indexOf(':') + 1);
    StringBuilder config = new StringBuilder("{" + difference);
    for (String option :
        List.of(
            "\"name\":\"" + namespace + "_ORDERS\"",
            "\"subjects\":[\"" + namespace + ".orders.*.*\"]",
            "\"storage\":\"file\"",
            "\"retention\":\"limits\"",
            "\"discard\":\"new\"",
            "\"max_bytes\":67108864",
            "\"duplicate_window\":120000000000",
            "\"allow_direct\":true",
            "\"allow_atomic\":true",
            "\"deny_delete\":true")) {
      if (!option.startsWith(key)) {
        config.append(',').append(option);
      }
    }
    return config.append('}').toString();
  }

  private JsonNode config(String stream) {
    return wire.succeed("STREAM.INFO." + namespace + "_" + stream, "").path("config");
  }

  private String consumerConfig() {
    return wire.succeed("CONSUMER.INFO." + namespace + "_ORDERS." + CONSUMER, "")
        .path("config")
        .toString();
  }
}
