package io.holdfast.notifications;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.config.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: a setting that cannot be used stops the start with a line that says what is allowed.
 * Method: good ones, one of which is spoilt at a time.
 */
class NotificationSettingsTest {

  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  private static final Map<String, String> GOOD =
      Map.of(
          "NOTIFICATION_CHANNEL", "smtp",
          "SMTP_HOST", "mail.example.org",
          "SMTP_FROM", "orders@shop.example",
          "SMTP_USER", "shop",
          "SMTP_PASSWORD", "hunter2",
          "WEBHOOK_URL", "https://hooks.example.org/orders",
          "WEBHOOK_SECRET", SECRET);

  @TempDir Path folder;

  @Test
  void whoever_sets_nothing_has_the_log_and_nothing_else() {
    NotificationSettings settings = read(Map.of());

    assertThat(settings.channel()).isEqualTo("log");
    assertThat(settings.channels()).containsExactly("log");
    assertThat(settings.smtp()).isEmpty();
    assertThat(settings.webhook()).isEmpty();
  }

  @Test
  void the_usual_port_follows_from_the_kind_of_tls() {
    assertThat(read(GOOD).smtp().orElseThrow().tls()).isEqualTo("starttls");
    assertThat(read(GOOD).smtp().orElseThrow().port()).isEqualTo(587);
    assertThat(read(with("SMTP_TLS", "tls")).smtp().orElseThrow().port()).isEqualTo(465);
    assertThat(
            read(Map.of("SMTP_HOST", "m", "SMTP_FROM", "a@b.c", "SMTP_TLS", "none"))
                .smtp()
                .orElseThrow()
                .port())
        .isEqualTo(25);
  }

  static Stream<Arguments> bad() {
    return Stream.of(
        arguments("NOTIFICATION_CHANNEL", "pigeon", "must be log or smtp or webhook"),
        arguments("SMTP_HOST", "", "SMTP_HOST=: must be set where NOTIFICATION_CHANNEL is smtp"),
        arguments("SMTP_HOST", "a b", "must be a host's name"),
        arguments("SMTP_PORT", "0", "must be a whole number from 1 to 65535"),
        arguments("SMTP_FROM", "", "must be an e-mail address"),
        arguments("SMTP_FROM", "shop", "SMTP_FROM=shop: must be an e-mail address"),
        arguments("SMTP_FROM", "a@b.c\r\nBcc: d@e.f", "must be an e-mail address"),
        arguments("SMTP_TLS", "ssl", "must be none or starttls or tls"),
        arguments("SMTP_TLS", "none", "the password would go out in clear"),
        arguments("SMTP_TLS_CA", "/does/not/exist", "must name a file of certificates in PEM"),
        arguments("SMTP_TLS_CA", "/dev/null", "must name a file of certificates in PEM"),
        arguments("SMTP_TLS_CA", "pom.xml", "must name a file of certificates in PEM"),
        arguments("SMTP_PASSWORD", "", "SMTP_USER and SMTP_PASSWORD go together"),
        arguments("SMTP_TIMEOUT_MS", "99", "must be a whole number from 100 to 60000"),
        arguments("SMTP_CONNECTIONS", "0", "must be a whole number from 1 to 256"),
        arguments("WEBHOOK_URL", "ftp://example.org", "WEBHOOK_URL=***: must be an address"),
        arguments("WEBHOOK_URL", "example.org/T0/token", "WEBHOOK_URL=***: must be an address"),
        arguments("WEBHOOK_URL", "https://u:p@example.org", "WEBHOOK_URL=***: must be an address"),
        arguments("WEBHOOK_SECRET", "", "must be whsec_ and 24 to 64 bytes in base64"),
        arguments("WEBHOOK_SECRET", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WEBHOOK_SECRET=***:"),
        arguments("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqr", "WEBHOOK_SECRET=***:"),
        arguments("WEBHOOK_SECRET", "whsec_MfKQ9r8G!!qrTwjUPD8ILPZIo2LaLaSw", "=***:"),
        arguments("WEBHOOK_SECRET", SECRET + " whsec_", "WEBHOOK_SECRET=***:"),
        arguments("WEBHOOK_TIMEOUT_MS", "soon", "must be a whole number from 100 to 60000"),
        arguments("WEBHOOK_CONNECTIONS", "1025", "must be a whole number from 1 to 1024"),
        arguments("NOTIFICATION_PREFERENCES", "/does/not/exist", "must name a file"),
        arguments("NOTIFICATION_PREFERENCES", "a\u0000b", "must be a path"),
        arguments("NOTIFICATION_TEMPLATES", "/does/not/exist", "must be a folder"),
        arguments("BREAKER_FAILURES", "7", "must not exceed RETRY_MAX_ATTEMPTS"),
        arguments("BREAKER_RESET_MS", "99", "must be a whole number from 100 to 600000"));
  }

  @ParameterizedTest
  @MethodSource("bad")
  void a_bad_value_stops_the_start_in_one_line_that_tells_no_secret(
      String name, String value, String complaint) {
    assertThatThrownBy(() -> read(with(name, value)))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(complaint)
        .hasMessageNotContaining("\n")
        .hasMessageNotContaining("hunter2")
        .hasMessageNotContaining("MfKQ9r8G");
  }

  @Test
  void a_webhook_without_a_receiver_stops_the_start() {
    assertThatThrownBy(() -> read(Map.of("NOTIFICATION_CHANNEL", "webhook")))
        .isInstanceOf(SettingsException.class)
        .hasMessage("WEBHOOK_URL=: must be set where NOTIFICATION_CHANNEL is webhook");
  }

  @Test
  void all_faults_are_in_the_one_line() {
    Map<String, String> env = new HashMap<>(GOOD);
    env.put("SMTP_PORT", "x");
    env.put("WEBHOOK_TIMEOUT_MS", "y");
    env.put("BREAKER_RESET_MS", "z");

    assertThatThrownBy(() -> read(env))
        .hasMessageContainingAll("SMTP_PORT=x", "WEBHOOK_TIMEOUT_MS=y", "BREAKER_RESET_MS=z");
  }

  @Test
  void preferences_that_were_given_for_their_path_are_not_shown() throws IOException {
    Path file = folder.resolve("preferences.json");
    Files.writeString(file, "{\"C\": {\"channel\": \"smtp\", \"to\": \"a@secret.org\"}}");

    assertThatThrownBy(() -> read(with("NOTIFICATION_PREFERENCES_FILE", file.toString())))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("NOTIFICATION_PREFERENCES=***: must name a file")
        .hasMessageNotContaining("secret.org");
  }

  @Test
  void preferences_that_are_wrong_stop_the_start_naming_the_customer() throws IOException {
    Path file = folder.resolve("preferences.json");
    Files.writeString(file, "{\"C\": {\"channel\": \"smtp\", \"to\": \"a at secret.org\"}}");

    assertThatThrownBy(() -> read(with("NOTIFICATION_PREFERENCES", file.toString())))
        .hasMessage(
            "NOTIFICATION_PREFERENCES="
                + file
                + ": customer C has a \"to\" that is no plain e-mail address");
  }

  @Test
  void secrets_may_be_files() throws IOException {
    Path password = folder.resolve("password");
    Files.writeString(password, "hunter2\n");
    Map<String, String> env = with("SMTP_PASSWORD", "");
    env.put("SMTP_PASSWORD_FILE", password.toString());

    assertThat(read(env).smtp().orElseThrow().password().orElseThrow().reveal())
        .isEqualTo("hunter2");
  }

  @Test
  void settings_do_not_print_their_secrets() {
    assertThat(read(GOOD).toString()).doesNotContain("hunter2").doesNotContain("MfKQ9r8G");
  }

  private static NotificationSettings read(Map<String, String> env) {
    return NotificationSettings.read(new Settings(env), 6);
  }

  private static Map<String, String> with(String name, String value) {
    Map<String, String> env = new HashMap<>(GOOD);
    env.put(name, value);
    return env;
  }
}
