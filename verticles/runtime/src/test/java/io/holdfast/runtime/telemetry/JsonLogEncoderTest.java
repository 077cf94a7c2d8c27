package io.holdfast.runtime.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.runtime.config.Secret;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

/** Goal: a line of log is one line of sound JSON with the contract's fields, whatever is logged. */
class JsonLogEncoderTest {

  private static final ObjectMapper STRICT =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final LoggerContext context = new LoggerContext();
  private final JsonLogEncoder encoder = new JsonLogEncoder();

  @Test
  void a_line_has_the_fields_that_the_contract_names() throws Exception {
    LoggingEvent event = event("io.holdfast.payments.PaymentVerticle", "Payment processed", null);
    event.addKeyValuePair(new KeyValuePair("order_id", "o1"));
    event.addKeyValuePair(new KeyValuePair("trace_id", "0af7651916cd43dd8448eb211c80319c"));
    event.addKeyValuePair(new KeyValuePair("attempt", 3));
    event.addKeyValuePair(new KeyValuePair("repeated", true));
    event.addKeyValuePair(new KeyValuePair("code", null));

    JsonNode line = line(event);

    assertThat(line.toString())
        .matches(
            "\\{\"level\":\"warn\",\"time\":\"[^\"]+Z\",\"service\":\"payments\",\"order_id\":\"o1\","
                + "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"attempt\":3,"
                + "\"repeated\":true,\"msg\":\"Payment processed\"}");
    assertThat(Duration.between(Instant.parse(line.path("time").asText()), Instant.now()))
        .isLessThan(Duration.ofMinutes(1));
  }

  @Test
  void the_service_is_the_group_whose_code_logged() {
    assertThat(JsonLogEncoder.service("io.holdfast.orders.http.OrderRoutes")).isEqualTo("orders");
    assertThat(JsonLogEncoder.service("io.holdfast.audit")).isEqualTo("audit");
    assertThat(JsonLogEncoder.service("io.vertx.core.impl.Something"))
        .isEqualTo(System.getProperty("holdfast.service", "holdfast"));
  }

  @Test
  void nothing_that_is_logged_can_break_the_line_or_begin_another() throws Exception {
    String evil = "a\"b\\c\nd\r\u0000\u001b[31m\u2028\",\"level\":\"fatal\u007f😀 ü";
    LoggingEvent event = event("io.holdfast.orders.X", evil, new IllegalStateException(evil));
    event.addKeyValuePair(new KeyValuePair("subject", evil));

    JsonNode line = line(event);

    assertThat(line.path("msg").asText()).isEqualTo(evil);
    assertThat(line.path("subject").asText()).isEqualTo(evil);
    assertThat(line.path("level").asText()).isEqualTo("warn");
    assertThat(line.path("error").asText()).endsWith(evil);
  }

  @Test
  void a_text_that_was_cut_in_the_middle_of_a_character_is_logged_all_the_same() throws Exception {
    JsonNode line = line(event("io.holdfast.orders.X", "cut \ud83d", null));

    assertThat(line.path("msg").asText()).startsWith("cut ");
  }

  @Test
  void a_failure_is_told_with_its_cause_and_the_top_of_its_stack() throws Exception {
    Exception failure =
        new IllegalStateException("outer", new IllegalArgumentException("the real reason"));

    JsonNode line = line(event("io.holdfast.orders.X", "Failed", failure));

    assertThat(line.path("error").asText()).isEqualTo("java.lang.IllegalStateException: outer");
    assertThat(line.path("stack").asText())
        .contains("at " + JsonLogEncoderTest.class.getName())
        .contains("caused by java.lang.IllegalArgumentException: the real reason");
    assertThat(line.path("stack").asText().lines()).hasSizeLessThan(20);
  }

  @Test
  void a_secret_that_somebody_logs_is_not_shown() throws Exception {
    Secret secret = new Secret("hunter2-canary");
    LoggingEvent event =
        new LoggingEvent(
            "",
            context.getLogger("io.holdfast.orders.X"),
            Level.WARN,
            "key {}",
            null,
            new Object[] {secret});
    event.addKeyValuePair(new KeyValuePair("key", secret));

    assertThat(line(event).toString()).contains("key ***").doesNotContain("canary");
  }

  private LoggingEvent event(String logger, String message, Throwable failure) {
    return new LoggingEvent("", context.getLogger(logger), Level.WARN, message, failure, null);
  }

  private JsonNode line(LoggingEvent event) throws Exception {
    String text = new String(encoder.encode(event), StandardCharsets.UTF_8);
    assertThat(text).endsWith("}\n");
    assertThat(text.indexOf('\n')).as("one line").isEqualTo(text.length() - 1);
    return STRICT.readTree(text);
  }
}
