package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestGroups;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: each customer is told as they prefer, and a change counts without a restart. Method: the
 * file is changed while the group runs, also to something that is no file of preferences.
 */
class PreferencesReloadTest {

  @TempDir Path folder;
  private final Notifications notifications = new Notifications();
  private final MailServer server = MailServer.started();
  private final Receiver receiver = new Receiver(notifications.vertx());
  private Path file;

  @BeforeEach
  void prefer() throws IOException {
    file = folder.resolve("preferences.json");
    write(
        """
        {"mailed": {"channel": "smtp", "to": "mailed@mailbox.example"},
         "hooked": {"channel": "webhook"},
         "logged": {"channel": "log", "to": "logged@mailbox.example"},
         "usual": {"to": "usual@mailbox.example"}}
        """);
    notifications
        .with("NOTIFICATION_CHANNEL", "smtp")
        .with("NOTIFICATION_PREFERENCES", file)
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", server.port())
        .with("SMTP_TLS", "none")
        .with("SMTP_FROM", "orders@shop.example")
        .with("WEBHOOK_URL", receiver.url())
        .with("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  }

  @AfterEach
  void close() {
    notifications.close();
    server.close();
  }

  @Test
  void every_customer_is_told_by_the_channel_of_their_choice() {
    String url = TestGroups.url(notifications.start());
    for (String customer : new String[] {"mailed", "hooked", "logged", "usual", "unknown"}) {
      notifications.confirmed("for-" + customer, customer);
    }

    assertThat(notifications.sent("for-mailed").channel()).isEqualTo("smtp");
    assertThat(notifications.sent("for-hooked").channel()).isEqualTo("webhook");
    assertThat(notifications.sent("for-logged").channel()).isEqualTo("log");
    assertThat(notifications.sent("for-usual").channel()).isEqualTo("smtp");
    assertThat(notifications.sent("for-unknown").channel()).isEqualTo("log");
    notifications.awaitSettled();
    assertThat(server.mails()).hasSize(2);
    assertThat(receiver.calls()).hasSize(1);
    assertThat(Http.get(url + "/metrics").body())
        .containsPattern("notifications_without_address_total\\{channel=\"smtp\"\\} 1")
        .containsPattern(
            "notifications_sent_total\\{channel=\"log\",template=\"order_confirmed\"\\} 2");
  }

  @Test
  void a_change_counts_for_the_orders_after_it() throws IOException {
    notifications.start();
    notifications.confirmed("before", "hooked");
    assertThat(notifications.sent("before").channel()).isEqualTo("webhook");

    replace("{\"hooked\": {\"channel\": \"log\"}, \"one\": {}, \"two\": {}}");
    awaitKnown(3);
    notifications.confirmed("after", "hooked");

    assertThat(notifications.sent("after").channel()).isEqualTo("log");
  }

  @Test
  void a_change_that_cannot_be_used_changes_nothing_until_it_is_repaired() throws IOException {
    notifications.start();
    write("{\"hooked\": {\"channel\": \"log\"}, \"one\": {\"to\": \"x@hidden.example");
    awaitRejected(1);
    notifications.confirmed("meanwhile", "hooked");
    assertThat(notifications.sent("meanwhile").channel()).isEqualTo("webhook");
    Files.delete(file);
    awaitRejected(2);
    notifications.confirmed("without", "hooked");
    assertThat(notifications.sent("without").channel()).isEqualTo("webhook");

    write("{\"hooked\": {\"channel\": \"log\"}}");
    awaitKnown(1);
    notifications.confirmed("repaired", "hooked");

    assertThat(notifications.sent("repaired").channel()).isEqualTo("log");
    assertThat(notifications.logged())
        .anyMatch(line -> line.contains("the ones before hold") && line.contains("fault in line 1"))
        .noneMatch(line -> line.contains("hidden.example"));
  }

  private void awaitKnown(int customers) {
    eventually(
        "the change is read",
        () ->
            notifications
                .metrics()
                .contains("notification_preferences{state=\"known\"} " + customers + ".0"));
  }

  private void awaitRejected(int times) {
    eventually(
        "the change is refused",
        () ->
            notifications
                .metrics()
                .contains("notification_preferences_rejected_total " + times + ".0"));
  }

  private void write(String content) throws IOException {
    Files.writeString(file, content);
  }

  /** As a careful editor does, and Kubernetes. */
  private void replace(String content) throws IOException {
    Path next = folder.resolve("next.json");
    Files.writeString(next, content);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
