package io.holdfast.runtime.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.security.Nkey;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Goal: a bad setting stops the start with a line that says all, and never shows a secret. */
class SettingsTest {

  private static final String CANARY = "hunter2-canary";

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          HTTP_PORT             | abc         | must be a whole number from 0 to 65535
          HTTP_PORT             | 65536       | must be a whole number from 0 to 65535
          HTTP_PORT             | -1          | must be a whole number from 0 to 65535
          WORKERS               | 0           | must be a whole number from 1 to 4096
          WORKERS               | 1e3         | must be a whole number from 1 to 4096
          WORKERS               | 99999999999999999999 | must be a whole number from 1 to 4096
          DRAIN_TIMEOUT_SECONDS | 0           | must be a whole number from 1 to 600
          STREAM_REPLICAS       | 6           | must be a whole number from 1 to 5
          STREAM_MAX_BYTES      | 1000        | must be a whole number from 1048576 to 1125899906842624
          RETRY_MAX_ATTEMPTS    | none        | must be a whole number from 1 to 1000
          RETRY_BASE_MS         | 0           | must be a whole number from 1 to 60000
          RETRY_CAP_MS          | 1s          | must be a whole number from 1 to 3600000
          HTTP_MAX_IN_FLIGHT    | 0           | must be a whole number from 1 to 100000
          PROVISION             | yes         | must be false or true
          PROVISION             | TRUE        | must be false or true
          LOG_LEVEL             | verbose     | must be debug or error or info or trace or warn
          NAMESPACE             | Black.Fri   | must be at most 32 lower-case letters, digits or '-'
          NAMESPACE             | redrives    | must be none of audit, deadletters, inventory, notifications, orders, payments, receipts, redrives, stock, timers, with which subjects of a system without a namespace begin
          NATS_URL              | localhost   | must be nats://host:port, several parted by commas, without user or password
          NATS_URL              | http://a:1  | must be nats://host:port, several parted by commas, without user or password
          NATS_URL              | nats://a:1, | must be nats://host:port, several parted by commas, without user or password
          """)
  void a_fault_is_one_line_of_variable_value_and_what_is_allowed(
      String variable, String value, String rule) {
    assertThat(fault(Map.of(variable, value))).isEqualTo(variable + "=" + value + ": " + rule);
  }

  static Stream<String> first_words_of_the_subjects_of_a_system_without_a_namespace() {
    return Stream.concat(StreamCatalog.STREAMS.stream(), StreamCatalog.OPTIONAL_STREAMS.stream())
        .flatMap(stream -> stream.subjects().stream())
        .map(subject -> subject.substring(0, subject.indexOf('.')))
        .distinct();
  }

  @ParameterizedTest
  @MethodSource("first_words_of_the_subjects_of_a_system_without_a_namespace")
  void a_namespace_never_puts_a_system_below_the_subjects_of_one_without(String word) {
    assertThat(fault(Map.of("NAMESPACE", word, "WORKERS", "many")))
        .startsWith("NAMESPACE=" + word + ": must be none of audit, deadletters,")
        .contains("WORKERS=many: must be");
  }

  @Test
  void all_faults_are_told_together_in_one_line() {
    String fault =
        fault(Map.of("WORKERS", "many", "PROVISION", "perhaps", "LOG_LEVEL", "x\ny\u0000z"));

    assertThat(fault)
        .contains("WORKERS=many: must be", "PROVISION=perhaps: must be", "LOG_LEVEL=x?y?z: must be")
        .doesNotContain("\n", "\u0000");
  }

  @Test
  void settings_that_do_not_go_together_are_told_by_their_names() {
    assertThat(fault(Map.of("RETRY_BASE_MS", "500", "RETRY_CAP_MS", "100")))
        .isEqualTo("RETRY_CAP_MS must not be below RETRY_BASE_MS");
    assertThat(fault(Map.of("NATS_USER", "orders")))
        .isEqualTo("NATS_USER and NATS_PASSWORD go together");
  }

  @Test
  void there_is_one_way_to_say_who_one_is() {
    String seed = Nkey.random().seed().reveal();

    assertThat(fault(Map.of("NATS_USER", "orders", "NATS_PASSWORD", "x", "NATS_NKEY_SEED", seed)))
        .isEqualTo("NATS_USER, NATS_NKEY_SEED and NATS_CREDS exclude each other");
    assertThat(read(Map.of("NATS_NKEY_SEED", seed)).nats().nkey().orElseThrow().seed().reveal())
        .isEqualTo(seed);
  }

  @Test
  void a_file_for_the_brokers_connection_is_looked_into_and_a_wrong_one_named() throws Exception {
    String none = folder.resolve("none").toString();
    String other = Files.writeString(folder.resolve("other"), "no PEM").toString();

    assertThat(fault(Map.of("NATS_CREDS", none, "NATS_TLS_CA", other, "WORKERS", "many")))
        .isEqualTo(
            "NATS_CREDS="
                + none
                + ": must name a file that holds a user's credentials; NATS_TLS_CA="
                + other
                + ": must name a file that holds certificates in PEM; "
                + "WORKERS=many: must be a whole number from 1 to 4096");
    assertThat(fault(Map.of("NATS_TLS_CERT", none, "NATS_TLS_KEY", other)))
        .contains("NATS_TLS_CERT=" + none, "NATS_TLS_KEY=" + other);
    assertThat(fault(Map.of("NATS_TLS_KEY", other)))
        .contains("NATS_TLS_CERT=: must be set, as NATS_TLS_CERT and NATS_TLS_KEY go together");
    assertThat(fault(Map.of("NATS_NKEY_SEED", "SUA")))
        .isEqualTo("NATS_NKEY_SEED=***: must be a user's seed, which begins with SU");
  }

  @Test
  void the_connection_is_encrypted_where_an_address_or_a_file_says_so() {
    assertThat(read(Map.of()).nats().tls()).isEmpty();
    assertThat(read(Map.of("NATS_URL", "nats://a:1,tls://b:2")).nats().tls()).isPresent();
  }

  @Test
  void what_is_unset_or_empty_takes_its_default() {
    CommonSettings settings = read(Map.of("WORKERS", "", "NATS_URL", ""));

    assertThat(settings.workers()).isEqualTo(256);
    assertThat(settings.httpPort()).isEqualTo(8099);
    assertThat(settings.nats().urls()).containsExactly("nats://127.0.0.1:4222");
    assertThat(settings.provision()).isTrue();
    assertThat(settings.drainTimeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(settings.retry().maxAttempts()).isEqualTo(6);
  }

  @Test
  void what_is_set_is_taken() {
    CommonSettings settings =
        read(
            Map.of(
                "NATS_URL", "nats://a:1, tls://b:2",
                "NAMESPACE", "cell-7",
                "HTTP_PORT", "0",
                "PROVISION", "false",
                "DRAIN_TIMEOUT_SECONDS", "600"));

    assertThat(settings.nats().urls()).containsExactly("nats://a:1", "tls://b:2");
    assertThat(settings.subjects().stream("ORDERS")).isEqualTo("cell-7_ORDERS");
    assertThat(settings.httpPort()).isZero();
    assertThat(settings.provision()).isFalse();
    assertThat(settings.drainTimeout()).isEqualTo(Duration.ofMinutes(10));
  }

  @Test
  void a_variable_may_be_given_by_a_file_as_secrets_are_mounted() throws Exception {
    Path secret = Files.writeString(folder.resolve("password"), CANARY + "\n");
    Path workers = Files.writeString(folder.resolve("workers"), "17");

    CommonSettings settings =
        read(
            Map.of(
                "NATS_USER", "orders",
                "NATS_PASSWORD_FILE", secret.toString(),
                "WORKERS_FILE", workers.toString()));

    assertThat(settings.nats().password().orElseThrow().reveal()).isEqualTo(CANARY);
    assertThat(settings.workers()).isEqualTo(17);
    assertThat(fault(Map.of("WORKERS_FILE", folder.resolve("gone").toString())))
        .isEqualTo(
            "WORKERS_FILE=" + folder.resolve("gone") + ": must name a file that can be read");
  }

  @Test
  void no_secret_is_shown_by_settings_or_by_what_is_wrong_with_them() {
    CommonSettings settings = read(Map.of("NATS_USER", "orders", "NATS_PASSWORD", CANARY));
    assertThat(settings.toString()).contains("***").doesNotContain(CANARY);
    assertThat(new Secret(CANARY)).hasToString("***");

    for (Map<String, String> env :
        java.util.List.of(
            Map.of("NATS_URL", "nats://orders:" + CANARY + "@broker:4222"),
            Map.of("NATS_URL", "nats://" + CANARY + "@broker:4222,x"),
            Map.of("NATS_NKEY_SEED", CANARY),
            Map.of("NATS_CREDS", CANARY),
            Map.of("WORKERS", "x", "NATS_USER", "orders", "NATS_PASSWORD", CANARY))) {
      assertThat(fault(env)).doesNotContain(CANARY);
    }
    Settings own = new Settings(Map.of("GATEWAY", "https://key:" + CANARY + "@gateway"));
    own.uri("GATEWAY", "http://localhost:1", Set.of("http", "https"));
    assertThat(catchThrowableOfType(SettingsException.class, () -> own.complete(() -> "never")))
        .hasMessageStartingWith("GATEWAY=***: must be an address")
        .message()
        .doesNotContain(CANARY);
  }

  @Test
  void an_address_must_be_absolute_and_of_an_allowed_scheme() {
    Settings settings =
        new Settings(Map.of("A", "https://pay.example:8443", "B", "ftp://x", "C", "/relative"));
    Set<String> web = Set.of("http", "https");

    assertThat(settings.uri("A", "http://localhost:1", web))
        .isEqualTo(URI.create("https://pay.example:8443"));
    settings.uri("B", "http://localhost:1", web);
    settings.uri("C", "http://localhost:1", web);

    assertThat(
            catchThrowableOfType(SettingsException.class, () -> settings.complete(() -> "never")))
        .hasMessage(
            "B=ftp://x: must be an address such as http://host:port or https://host:port; "
                + "C=/relative: must be an address such as http://host:port or https://host:port");
  }

  private static CommonSettings read(Map<String, String> env) {
    return CommonSettings.read(new Settings(env), 8099);
  }

  private static String fault(Map<String, String> env) {
    return catchThrowableOfType(SettingsException.class, () -> read(env)).getMessage();
  }
}
