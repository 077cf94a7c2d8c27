package io.holdfast.notifications.preferences;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: a file is taken whole or not at all, and no complaint about it tells an address. */
class PreferencesTest {

  private static final Set<String> ALL = Set.of("log", "smtp", "webhook");

  @Test
  void each_customer_has_what_the_file_says_and_the_others_nothing() {
    Preferences preferences =
        parse(
            """
            {"CUST-1": {"channel": "smtp", "to": "a@example.org"},
             "CUST-2": {"channel": "webhook"},
             "CUST-3": {"to": "c@example.org"},
             "CUST-4": {}}
            """);

    assertThat(preferences.size()).isEqualTo(4);
    assertThat(preferences.of("CUST-1").channel()).contains("smtp");
    assertThat(preferences.of("CUST-1").to()).contains("a@example.org");
    assertThat(preferences.of("CUST-2").channel()).contains("webhook");
    assertThat(preferences.of("CUST-3").channel()).isEmpty();
    assertThat(preferences.of("CUST-3").to()).contains("c@example.org");
    assertThat(preferences.of("CUST-4")).isEqualTo(Preference.NONE);
    assertThat(preferences.of("CUST-5")).isEqualTo(Preference.NONE);
  }

  static Stream<Arguments> what_is_wrong() {
    return Stream.of(
        arguments("", "one JSON object"),
        arguments("[]", "one JSON object"),
        arguments("{\"C\": {\"to\": \"a@secret.org\"}", "fault in line 1"),
        arguments("{}\n{\"C\": {\"to\": \"a@secret.org\"}}", "one JSON object, no more"),
        arguments("{\"C\":{},\n\"C\":{}}", "fault in line 2"),
        arguments("{\"C\": a@secret.org}", "fault in line 1"),
        arguments("{\"a@secret.org\": {}}", "entry 1 is for no customer"),
        arguments("{\"C\": \"a@secret.org\"}", "customer C must be"),
        arguments("{\"C\": {\"a@secret.org\": 1}}", "customer C has a field"),
        arguments("{\"C\": {\"channel\": \"pigeon\"}}", "customer C has a channel"),
        arguments("{\"C\": {\"channel\": 1}}", "customer C has a \"channel\" that is no text"),
        arguments("{\"C\": {\"channel\": null}}", "customer C has a \"channel\" that is no text"),
        arguments("{\"C\": {\"channel\": \"smtp\"}}", "customer C has channel smtp and no \"to\""),
        arguments("{\"C\": {\"to\": [\"a@secret.org\"]}}", "customer C has a \"to\""));
  }

  @ParameterizedTest
  @MethodSource("what_is_wrong")
  void what_is_wrong_is_said_without_an_address(String file, String complaint) {
    assertThatThrownBy(() -> parse(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(complaint)
        .hasMessageNotContaining("secret.org");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a@secret.org\\r\\nBcc: b@secret.org",
        "a@secret.org\\nBcc: b@secret.org",
        "a@secret.org\\n",
        "Anna <a@secret.org>",
        "a@secret.org (Anna)",
        "a@secret.org, b@secret.org",
        "\\\"a b\\\"@secret.org",
        "a@secret.org> SIZE=1",
        "a b@secret.org",
        "a@@secret.org",
        "@secret.org",
        "a@",
        "a@-secret.org",
        "a@secret..org",
        "ä@secret.org",
        ""
      })
  void an_address_that_could_become_something_else_is_refused(String to) {
    assertThatThrownBy(() -> parse("{\"C\": {\"to\": \"" + to + "\"}}"))
        .hasMessageContaining("customer C has a \"to\" that is no plain e-mail address")
        .hasMessageNotContaining("secret.org");
  }

  @Test
  void a_channel_that_is_not_set_up_is_refused() {
    assertThatThrownBy(
            () ->
                Preferences.parse(
                    "{\"C\": {\"channel\": \"webhook\"}}".getBytes(StandardCharsets.UTF_8),
                    Set.of("log", "smtp")))
        .hasMessageContaining("there is log, smtp");
  }

  @Test
  void a_preference_does_not_print_its_address() {
    assertThat(parse("{\"C\": {\"to\": \"a@secret.org\"}}").of("C").toString())
        .doesNotContain("secret.org");
  }

  private static Preferences parse(String file) {
    return Preferences.parse(file.getBytes(StandardCharsets.UTF_8), ALL);
  }
}
