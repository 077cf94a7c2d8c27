package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.testkit.Eventually;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: one JAR at a time behaves as an operator expects at start: bad settings, no broker, a late
 * broker.
 */
class OneProcessIT {

  @TempDir Path folder;

  static Stream<Arguments> bad_settings() {
    return Stream.of(
        Arguments.of(
            "orders", "WORKERS", "many", "WORKERS=many: must be a whole number from 1 to 4096"),
        Arguments.of(
            "inventory",
            "HTTP_PORT",
            "99999",
            "HTTP_PORT=99999: must be a whole number from 0 to 65535"),
        Arguments.of(
            "payments",
            "PAYMENT_GATEWAY_URL",
            "nowhere",
            "PAYMENT_GATEWAY_URL=nowhere: must be an address"),
        Arguments.of(
            "notifications",
            "NAMESPACE",
            "Not.Allowed",
            "NAMESPACE=Not.Allowed: must be at most 32"),
        Arguments.of("audit", "PROVISION", "maybe", "PROVISION=maybe: must be false or true"),
        Arguments.of("gateway", "LOG_LEVEL", "loud", "LOG_LEVEL=loud: must be debug or error"));
  }

  @ParameterizedTest
  @MethodSource("bad_settings")
  void a_variable_that_does_not_parse_stops_the_start_with_one_line(
      String group, String variable, String value, String line) {
    try (JarProcess process =
        JarProcess.group(group, FreePorts.one(), Map.of(variable, value), folder)) {
      assertThat(process.exitStatus()).isEqualTo(2);
      assertThat(process.output().strip().lines()).singleElement().asString().contains(line);
    }
  }

  @Test
  void a_password_without_a_user_is_refused_and_not_shown() {
    try (JarProcess process =
        JarProcess.group(
            "orders", FreePorts.one(), Map.of("NATS_PASSWORD", "canary-4711"), folder)) {
      assertThat(process.exitStatus()).isEqualTo(2);
      assertThat(process.output())
          .contains("NATS_USER and NATS_PASSWORD go together")
          .doesNotContain("canary-4711");
    }
  }

  @Test
  void without_a_broker_it_is_alive_and_not_ready_until_the_broker_comes() {
    int natsPort = FreePorts.one();
    Map<String, String> env =
        Map.of(
            "NATS_URL",
            "nats://127.0.0.1:" + natsPort,
            "HOST",
            "127.0.0.1",
            "STREAM_MAX_BYTES",
            Long.toString(64L << 20));
    try (JarProcess orders = JarProcess.group("orders", FreePorts.one(), env, folder)) {
      Eventually.eventually(
          "it answers", () -> Http.get(orders.url() + "/health").status(), status -> status == 200);
      assertThat(Http.get(orders.url() + "/ready").status()).isEqualTo(503);
      Http.Answer refused =
          Http.post(orders.url() + "/orders", "{\"customer_id\":\"c1\",\"amount\":5}");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("Retry-After")).isNotEmpty();

      try (NatsServer late = TestBroker.own(folder.resolve("late"), natsPort)) {
        orders.awaitReady();
        assertThat(
                Http.post(orders.url() + "/orders", "{\"customer_id\":\"c1\",\"amount\":5}")
                    .status())
            .isEqualTo(202);
        assertThat(late.isAlive()).isTrue();
        orders.terminate();
        assertThat(orders.exitStatus()).as(orders.output()).isZero();
      }
    }
  }
}
