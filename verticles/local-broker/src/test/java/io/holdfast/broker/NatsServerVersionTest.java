package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NatsServerVersionTest {

  @ParameterizedTest
  @CsvSource({
    "nats-server: v2.15.1, 2.15.1, true",
    "v2.15.1, 2.15.1, true",
    "2.15.0-dev, 2.15.0, true",
    "nats-server: v2.14.0-RC.1, 2.14.0, true",
    "2.12.7, 2.12.7, true",
    "2.12.6, 2.12.6, false",
    "nats-server: v2.9.10, 2.9.10, false",
    "1.99.99, 1.99.99, false",
    "3.0.0, 3.0.0, true"
  })
  void reads_what_servers_say_and_knows_which_are_new_enough(
      String text, String version, boolean newEnough) {
    var parsed = NatsServerVersion.parse(text + "\n");
    assertThat(parsed).hasToString(version);
    assertThat(parsed.isNewEnough()).isEqualTo(newEnough);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "nats-server", "2.15", "2.15.1.4", "v2.x.1", "postgres 16.2.1 (Debian)"})
  void refuses_what_is_no_version(String text) {
    assertThatThrownBy(() -> NatsServerVersion.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void compares_numbers_not_letters() {
    assertThat(NatsServerVersion.parse("2.9.10")).isLessThan(NatsServerVersion.parse("2.10.9"));
    assertThat(NatsServerVersion.parse("2.12.10")).isGreaterThan(NatsServerVersion.MINIMUM);
  }
}
