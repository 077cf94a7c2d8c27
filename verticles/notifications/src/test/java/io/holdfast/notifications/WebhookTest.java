package io.holdfast.notifications;

import static io.holdfast.notifications.Receiver.silence;
import static io.holdfast.notifications.Receiver.status;
import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.notifications.Receiver.Call;
import io.holdfast.runtime.boot.RunningGroup;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the receiver can trust what it gets, gets it until it says so, and only its final word
 * parks anything. Method: a real receiver that checks the signature as the standard says.
 */
class WebhookTest {

  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  private static final String OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

  private final Notifications notifications = new Notifications();
  private final Receiver receiver = new Receiver(notifications.vertx());

  @BeforeEach
  void prefer() {
    notifications
        .with("NOTIFICATION_CHANNEL", "webhook")
        .with("RETRY_BASE_MS", 50)
        .with("WEBHOOK_URL", receiver.url())
        .with("WEBHOOK_SECRET", SECRET);
  }

  @AfterEach
  void close() {
    assertThat(notifications.logged())
        .noneMatch(line -> line.contains(SECRET.substring(6)) || line.contains("tenant=1"));
    notifications.close();
  }

  @Test
  void a_confirmed_order_is_posted_with_what_a_receiver_needs() {
    notifications.start();
    notifications.confirmed("o1");

    assertThat(notifications.sent("o1"))
        .isEqualTo(new NotificationSent("o1", "customer-7", "order_confirmed", "webhook"));
    Call call = receiver.calls(1).getFirst();
    assertThat(call.path()).isEqualTo("/hooks?tenant=1");
    assertThat(call.header("Content-Type")).isEqualTo("application/json");
    assertThat(call.header("Webhook-Id")).isEqualTo("notification-sent-o1");
    assertThat(new JsonObject(call.body()))
        .isEqualTo(
            new JsonObject()
                .put("id", "notification-sent-o1")
                .put("type", "order.confirmed")
                .put("order_id", "o1")
                .put("customer_id", "customer-7")
                .put("status", "confirmed")
                .put("occurred_at", "2026-11-21T10:00:00.123Z"));
    assertThat(notifications.told("o1"))
        .extracting(line -> line.getString("channel"))
        .contains("webhook");
  }

  @Test
  void a_cancelled_order_is_posted_with_its_reason() {
    notifications.start();
    notifications.cancelled("o1");

    JsonObject body = new JsonObject(receiver.calls(1).getFirst().body());
    assertThat(body.getString("type")).isEqualTo("order.cancelled");
    assertThat(body.getString("status")).isEqualTo("cancelled");
    assertThat(body.getString("reason")).isEqualTo("out_of_stock");
  }

  @Test
  void the_signature_holds_for_this_id_this_time_and_this_body_alone() throws Exception {
    notifications.start();
    notifications.confirmed("o1");

    Call call = receiver.calls(1).getFirst();
    String id = call.header("Webhook-Id");
    String time = call.header("Webhook-Timestamp");
    String signature = call.header("Webhook-Signature");
    assertThat(Instant.ofEpochSecond(Long.parseLong(time)))
        .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(1));
    assertThat(verifies(SECRET, id, time, call.body(), signature)).isTrue();
    assertThat(verifies(OLD_SECRET, id, time, call.body(), signature)).isFalse();
    assertThat(verifies(SECRET, id + "x", time, call.body(), signature)).isFalse();
    assertThat(verifies(SECRET, id, time + "0", call.body(), signature)).isFalse();
    assertThat(verifies(SECRET, id, time, call.body() + " ", signature)).isFalse();
  }

  @Test
  void while_secrets_change_it_is_signed_with_each() throws Exception {
    notifications.with("WEBHOOK_SECRET", SECRET + " " + OLD_SECRET).start();
    notifications.confirmed("o1");

    Call call = receiver.calls(1).getFirst();
    for (String secret : List.of(SECRET, OLD_SECRET)) {
      assertThat(
              verifies(
                  secret,
                  call.header("Webhook-Id"),
                  call.header("Webhook-Timestamp"),
                  call.body(),
                  call.header("Webhook-Signature")))
          .isTrue();
    }
  }

  @Test
  void a_receiver_that_fails_is_tried_again_with_the_same_id_and_body() {
    receiver.answers(status(500), status(503), status(409), status(425), status(408));
    notifications.start();
    notifications.confirmed("o1");

    notifications.sent("o1");
    notifications.awaitSettled();

    assertThat(receiver.calls()).hasSize(6);
    assertThat(receiver.calls())
        .extracting(Call::body)
        .containsOnly(receiver.calls().get(0).body());
    assertThat(receiver.calls())
        .extracting(call -> call.header("Webhook-Id"))
        .containsOnly("notification-sent-o1");
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 404, 410, 422})
  void a_receiver_that_refuses_for_good_parks_it_and_takes_the_next_one(int refusal) {
    receiver.answers(status(refusal));
    notifications.start();
    notifications.confirmed("o1");

    MessageDeadLettered letter = notifications.parked();
    assertThat(letter.reason()).isEqualTo("rejected");
    assertThat(letter.error()).contains("status " + refusal);
    notifications.confirmed("o2");
    notifications.sent("o2");
    notifications.awaitSettled();
    assertThat(receiver.calls()).hasSize(2);
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
  }

  @Test
  void a_receiver_that_asks_for_time_gets_it_and_that_spends_no_attempt() {
    String inTwoSeconds =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            Instant.now().plusSeconds(2).atOffset(ZoneOffset.UTC));
    receiver.answers(status(429, "Retry-After", "1"), status(503, "Retry-After", inTwoSeconds));
    notifications.with("RETRY_MAX_ATTEMPTS", 3).with("BREAKER_FAILURES", 3).start();
    notifications.confirmed("o1");

    notifications.sent("o1");

    List<Call> calls = receiver.calls();
    assertThat(calls).hasSize(3);
    assertThat(Duration.ofNanos(calls.get(1).atNanos() - calls.get(0).atNanos()))
        .isGreaterThan(Duration.ofMillis(990));
    assertThat(notifications.metrics())
        .doesNotContainPattern("event_retries_total\\{consumer=\"notifications-send\".*\\} [1-9]");
  }

  @Test
  void a_redirect_is_not_followed_and_is_no_end() {
    receiver.answers(status(307, "Location", "/elsewhere"), status(303, "Location", "/elsewhere"));
    notifications.start();
    notifications.confirmed("o1");

    notifications.sent("o1");

    assertThat(receiver.calls()).hasSize(3);
    assertThat(receiver.calls()).extracting(Call::path).containsOnly("/hooks?tenant=1");
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void a_receiver_that_is_silent_is_not_waited_for() {
    receiver.answers(silence(), silence());
    notifications.with("WEBHOOK_TIMEOUT_MS", 1_000).start();
    notifications.confirmed("o1");

    notifications.sent("o1");

    assertThat(receiver.calls()).hasSize(3);
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void a_receiver_that_does_not_believe_the_signature_is_an_outage() {
    receiver.otherwise(status(401));
    notifications.start();
    notifications.confirmed("o1");
    receiver.calls(8); // more than there are attempts
    receiver.otherwise(status(200));

    notifications.sent("o1");

    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void an_outage_of_the_receiver_parks_nothing_and_all_are_told_after_it() {
    receiver.stop();
    notifications.with("WEBHOOK_CONNECTIONS", 2).start();
    for (int i = 0; i < 20; i++) {
      notifications.confirmed("o" + i);
    }
    eventually(
        "the outage outlives several probes",
        () -> SmtpTest.counted(notifications.metrics(), "not_tried") > 18);
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
    receiver.startAgain();

    for (int i = 0; i < 20; i++) {
      notifications.sent("o" + i);
    }
    notifications.awaitSettled();
    assertThat(receiver.calls())
        .extracting(call -> call.header("Webhook-Id"))
        .hasSize(20)
        .doesNotHaveDuplicates();
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void what_is_told_again_after_a_lost_record_differs_in_its_timestamp_alone() {
    RunningGroup group = notifications.start();
    notifications.confirmed("o1");
    notifications.sent("o1");
    notifications.awaitSettled();
    assertThat(get(group.drain())).isTrue();
    // A consumer that was made anew calls it a first delivery, which nobody looks up.
    notifications.streams().forgetConsumer("ORDERS", "notifications-send");

    notifications.start();
    List<Call> calls = receiver.calls(2);
    notifications.awaitSettled();

    assertThat(calls.get(1).body()).isEqualTo(calls.get(0).body());
    assertThat(calls.get(1).header("Webhook-Id")).isEqualTo(calls.get(0).header("Webhook-Id"));
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
  }

  @Test
  void while_the_broker_takes_no_record_nobody_is_told_again_by_the_same_process()
      throws Exception {
    notifications.start();
    notifications.confirmed("first");
    notifications.sent("first");
    notifications.takesRecords(1);
    notifications.confirmed("o1");
    eventually(
        "the record was refused several times",
        () ->
            notifications
                .metrics()
                .lines()
                .anyMatch(
                    line ->
                        line.matches(
                            "event_retries_total\\{consumer=\"notifications-send\"\\} [3-9].*")));
    notifications.takesRecords(-1);

    assertThat(notifications.sent("o1").channel()).isEqualTo("webhook");
    notifications.awaitSettled();

    assertThat(receiver.calls())
        .extracting(call -> call.header("Webhook-Id"))
        .containsExactly("notification-sent-first", "notification-sent-o1");
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(2);
  }

  /** Written from the standard's text, with nothing of ours. */
  private static boolean verifies(
      String secret, String id, String timestamp, String body, String header)
      throws GeneralSecurityException {
    byte[] key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    byte[] expected =
        mac.doFinal((id + "." + timestamp + "." + body).getBytes(StandardCharsets.UTF_8));
    return Arrays.stream(header.split(" "))
        .filter(signature -> signature.startsWith("v1,"))
        .map(signature -> Base64.getDecoder().decode(signature.substring(3)))
        .anyMatch(given -> MessageDigest.isEqual(expected, given));
  }
}
