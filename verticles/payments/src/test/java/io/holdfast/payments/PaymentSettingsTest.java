package io.holdfast.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.config.SettingsException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a misspelt deadline comes to at the start, and not at the first order. */
class PaymentSettingsTest {

  @Test
  void nothing_expires_by_default_and_a_key_is_trusted_for_less_than_a_day() {
    PaymentSettings settings = read(Map.of());

    assertThat(settings.reservationTtl()).isEmpty();
    assertThat(settings.keyLife()).isEqualTo(Duration.ofHours(23));
    assertThat(read(Map.of("RESERVATION_TTL", "off")).reservationTtl()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"90s,PT90S", "15m,PT15M", "2h,PT2H", "3d,PT72H"})
  void a_deadline_is_a_number_and_a_unit(String value, Duration ttl) {
    assertThat(read(Map.of("RESERVATION_TTL", value)).reservationTtl()).contains(ttl);
    assertThat(read(Map.of("PAYMENT_KEY_LIFE", value)).keyLife()).isEqualTo(ttl);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "15",
        "0m",
        "-1h",
        "15 m",
        "1.5h",
        "m",
        "31d",
        "OFF",
        "99999999999h",
        "1w",
        "PT1M"
      })
  void one_that_is_not_stops_the_start_with_a_sentence(String value) {
    assertThatThrownBy(() -> read(Map.of("RESERVATION_TTL", value)))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("RESERVATION_TTL=" + value)
        .hasMessageContaining("such as 90s or 15m")
        .hasMessageContaining("or off");
    assertThatThrownBy(() -> read(Map.of("PAYMENT_KEY_LIFE", value)))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("PAYMENT_KEY_LIFE=" + value);
  }

  @Test
  void a_deadline_leaves_time_for_one_attempt() {
    assertThatThrownBy(
            () -> read(Map.of("RESERVATION_TTL", "5s", "PAYMENT_GATEWAY_TIMEOUT_MS", "5000")))
        .hasMessageContaining("RESERVATION_TTL must exceed PAYMENT_GATEWAY_TIMEOUT_MS");
  }

  private static PaymentSettings read(Map<String, String> env) {
    return PaymentSettings.read(new Settings(env), 6);
  }
}
