package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.notifications.channel.smtp.SmtpChannel;
import io.holdfast.notifications.channel.smtp.SmtpSettings;
import io.holdfast.notifications.template.Templates;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.config.Settings;
import io.vertx.core.json.JsonObject;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: every customer gets the mail, one who cannot is parked with the reason, and nobody is given
 * up as the server is away. Method: a real mail server that refuses, hangs, dies and returns.
 */
class SmtpTest {

  private static final String ADDRESS = "anna.secret@mailbox.example";

  @TempDir Path folder;
  private final Notifications notifications = new Notifications();
  private final MailServer server = MailServer.started();
  private Path preferences;

  @BeforeEach
  void prefer() throws IOException {
    preferences = folder.resolve("preferences.json");
    write("customer-7", ADDRESS);
    notifications
        .with("RETRY_BASE_MS", 50)
        .with("RETRY_CAP_MS", 500) // so that none comes again long after an outage
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", server.port())
        .with("SMTP_TLS", "none")
        .with("SMTP_FROM", "orders@shop.example")
        .with("NOTIFICATION_PREFERENCES", preferences);
  }

  @AfterEach
  void close() {
    assertThat(notifications.logged()).noneMatch(line -> line.contains("mailbox.example"));
    assertThat(notifications.streams().messages("DEADLETTERS"))
        .noneMatch(letter -> text(letter.body()).contains("mailbox.example"));
    notifications.close();
    server.close();
  }

  @Test
  void a_confirmed_order_comes_as_a_mail_with_its_total_and_items() throws Exception {
    notifications.start();
    notifications.confirmed("o1");

    assertThat(notifications.sent("o1"))
        .isEqualTo(new NotificationSent("o1", "customer-7", "order_confirmed", "smtp"));
    MimeMessage mail = server.mails(1).getFirst();
    assertThat(mail.getSubject()).isEqualTo("Your order o1 is confirmed: 40.00 EUR");
    assertThat(mail.getFrom()).extracting(Object::toString).containsExactly("orders@shop.example");
    assertThat(mail.getAllRecipients()).extracting(Object::toString).containsExactly(ADDRESS);
    assertThat(mail.getMessageID()).isEqualTo("<notification-sent-o1@shop.example>");
    assertThat(mail.getHeader("Auto-Submitted")).containsExactly("auto-generated");
    assertThat(mail.getHeader("Date")).hasSize(1);
    assertThat((String) mail.getContent())
        .contains("Order:  o1", "Total:  40.00 EUR", "2 x tea-pot at 20.00 EUR");
  }

  @Test
  void a_cancelled_order_comes_with_its_reason() throws Exception {
    notifications.start();
    notifications.cancelled("o2");

    assertThat(notifications.sent("o2").channel()).isEqualTo("smtp");
    MimeMessage mail = server.mails(1).getFirst();
    assertThat(mail.getSubject())
        .isEqualTo("Your order o2 was cancelled: something in it is out of stock");
    assertThat((String) mail.getContent())
        .contains("out of stock")
        .doesNotContain("declined")
        .doesNotContain("none left");
  }

  @Test
  void who_was_mailed_is_in_a_log_line_and_a_count_without_the_address() {
    notifications.start();
    notifications.confirmed("counted");
    notifications.sent("counted");
    notifications.awaitSettled();

    assertThat(notifications.told("counted")).hasSize(1);
    JsonObject line = notifications.told("counted").getFirst();
    assertThat(line.getString("channel")).isEqualTo("smtp");
    assertThat(line.getString("trace_id")).isEqualTo(Notifications.TRACE);
    assertThat(line.getString("service")).isEqualTo("notifications");
    assertThat(notifications.metrics())
        .containsPattern(
            "notifications_sent_total\\{channel=\"smtp\",template=\"order_confirmed\"\\} 1");
  }

  @Test
  void a_server_that_asks_to_try_again_is_tried_again() {
    server.answers(ADDRESS, "451 4.3.0 Try again later, " + ADDRESS);
    notifications.start();
    notifications.confirmed("o1");
    eventually("it was refused twice", () -> server.refusals() >= 2);
    server.answers(ADDRESS, null);

    notifications.sent("o1");
    notifications.awaitSettled();

    assertThat(server.mails()).hasSize(1);
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
    assertThat(notifications.metrics())
        .containsPattern(
            "notification_failures_total\\{channel=\"smtp\",kind=\"unavailable\"\\} [2-9]");
  }

  @Test
  void a_recipient_who_does_not_exist_is_parked_at_once_and_the_next_one_is_mailed()
      throws Exception {
    write("gone", "gone@mailbox.example", "customer-7", ADDRESS);
    server.answers("gone@mailbox.example", "550 5.1.1 <gone@mailbox.example>: no such user");
    notifications.with("BREAKER_FAILURES", 1).start(); // a refusal is none of the server's
    notifications.confirmed("o1", "gone");
    notifications.confirmed("o2");

    MessageDeadLettered letter = notifications.parked();
    assertThat(letter.reason()).isEqualTo("rejected");
    assertThat(letter.aggregateId()).isEqualTo("o1");
    assertThat(letter.attempts()).isEqualTo(1);
    assertThat(letter.error()).contains("refused it for good: 550 5.1.1");
    notifications.sent("o2");
    notifications.awaitSettled();
    assertThat(server.refusals()).isEqualTo(1);
    assertThat(server.mails()).hasSize(1);
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
    assertThat(notifications.metrics())
        .containsPattern("circuit_breaker_state\\{name=\"notification-smtp\"\\} 0");
  }

  @Test
  void a_recipient_put_off_every_time_is_parked_after_the_last_attempt_while_others_get_theirs()
      throws Exception {
    write("full", "full@mailbox.example", "customer-7", ADDRESS);
    server.answers("full@mailbox.example", "452 4.2.2 <full@mailbox.example>: over quota");
    notifications.with("RETRY_MAX_ATTEMPTS", 4).with("BREAKER_FAILURES", 4).start();
    notifications.confirmed("o0", "full");
    for (int tried = 1; tried < 4; tried++) { // a mail that goes out between two that do not
      int refused = tried;
      eventually("it was tried", () -> server.refusals() >= refused);
      notifications.confirmed("o" + tried);
      notifications.sent("o" + tried);
    }

    MessageDeadLettered letter = notifications.parked();
    assertThat(letter.aggregateId()).isEqualTo("o0");
    assertThat(letter.reason()).isEqualTo("attempts_exhausted");
    assertThat(letter.attempts()).isEqualTo(4);
    assertThat(letter.error()).contains("did not take it: 452 4.2.2");
    assertThat(server.refusals()).isEqualTo(4);
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(3);
  }

  @Test
  void a_server_that_does_not_let_us_send_is_an_outage_and_not_the_customers_fault() {
    server.answers(ADDRESS, "554 5.7.1 <" + ADDRESS + ">: relay access denied");
    notifications.start();
    notifications.confirmed("o1");
    eventually("the breaker opens and is probed", () -> server.refusals() >= 8);
    server.answers(ADDRESS, null);

    notifications.sent("o1");

    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void an_outage_of_the_server_parks_nothing_and_all_are_mailed_once_after_it() throws Exception {
    server.stop();
    notifications.start();
    for (int i = 0; i < 20; i++) {
      notifications.confirmed("o" + i);
    }
    eventually(
        "the outage outlives several probes",
        () -> notifications.metrics(),
        metrics -> counted(metrics, "not_tried") > 18);
    assertThat(notifications.metrics())
        .containsPattern("circuit_breaker_state\\{name=\"notification-smtp\"\\} [12]");
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
    server.start();

    for (int i = 0; i < 20; i++) {
      notifications.sent("o" + i);
    }
    notifications.awaitSettled();
    assertThat(ids(server.mails())).hasSize(20).doesNotHaveDuplicates();
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(20);
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void who_was_not_told_in_time_is_counted_until_he_is() throws Exception {
    server.stop();
    notifications.with("ORDER_DEADLINE_SECONDS", 1).start();
    notifications.confirmed("o1");
    notifications.cancelled("o2");

    eventually("two wait too long", notifications::metrics, metrics -> late(metrics) == 2);
    server.start();
    notifications.sent("o1");
    notifications.sent("o2");

    eventually("nobody waits", notifications::metrics, metrics -> late(metrics) == 0);
  }

  private static double late(String metrics) {
    return metrics
        .lines()
        .filter(line -> line.startsWith("orders_past_deadline{state=\"final_untold\""))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void a_server_that_accepts_and_is_silent_is_not_waited_for() throws Exception {
    int port;
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      port = silent.getLocalPort();
      notifications.with("SMTP_PORT", port).with("SMTP_TIMEOUT_MS", 200).start();
      notifications.confirmed("o1");
      eventually(
          "nobody waits any more",
          () -> counted(notifications.metrics(), "unavailable") + tries() >= 3);
    }
    try (MailServer returned = MailServer.stoppedAt(port).start()) {
      notifications.sent("o1");
      assertThat(returned.mails(1)).hasSize(1);
    }
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  @Test
  void a_mail_that_is_repeated_after_a_crash_bears_the_same_id_and_is_recorded_once()
      throws Exception {
    RunningGroup first = notifications.start();
    assertThat(get(first.drain())).isTrue();
    notifications.confirmed("o1");
    notifications.streams().takeAndLose("ORDERS", "notifications-send", 1);
    mailAsAReplicaThatDies("o1");

    notifications.start();
    notifications.sent("o1");
    notifications.awaitSettled();

    List<MimeMessage> mails = server.mails(2);
    assertThat(ids(mails))
        .containsExactly(
            "<notification-sent-o1@shop.example>", "<notification-sent-o1@shop.example>");
    assertThat(mails.get(0).getContent()).isEqualTo(mails.get(1).getContent());
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(1);
  }

  @Test
  void who_was_mailed_and_recorded_before_a_crash_gets_no_second_mail() throws Exception {
    RunningGroup first = notifications.start();
    assertThat(get(first.drain())).isTrue();
    notifications.confirmed("told");
    notifications.confirmed("untold");
    notifications.store(
        Envelope.once(
            new NotificationSent("told", "customer-7", "order_confirmed", "smtp"),
            Notifications.ENDED,
            Notifications.TRACE));
    notifications.streams().takeAndLose("ORDERS", "notifications-send", 2);

    notifications.start();
    notifications.sent("untold");
    notifications.awaitSettled();

    assertThat(ids(server.mails())).containsExactly("<notification-sent-untold@shop.example>");
    assertThat(notifications.streams().facts("NOTIFICATIONS")).hasSize(2);
  }

  @Test
  void an_order_whose_customer_would_be_another_header_is_parked_and_nothing_is_mailed() {
    notifications.start();
    String subject = notifications.streams().subjects().subject("orders.confirmed.o1");
    String body =
        text(new EventCodec().encode(Notifications.confirmation("o1", "evil")))
            .replace("\"evil\"", "\"x\\r\\nBcc: all@mailbox.test\"");
    assertThat(body).contains("Bcc:");
    assertThat(
            get(
                notifications
                    .streams()
                    .reader()
                    .appendNext(subject, Map.of(), body.getBytes(StandardCharsets.UTF_8), 0)))
        .isPresent();

    assertThat(notifications.parked().reason()).isEqualTo("invalid");
    notifications.awaitSettled();
    assertThat(server.mails()).isEmpty();
    assertThat(notifications.streams().facts("NOTIFICATIONS")).isEmpty();
  }

  @Test
  void a_lone_dot_and_long_lines_and_umlauts_arrive_as_they_were_written() throws Exception {
    Path templates = Files.createDirectory(folder.resolve("templates"));
    String text = "Grüße,\n.\n..\n" + "lang ".repeat(300) + "\nEnde {{order_id}}";
    Files.writeString(
        templates.resolve("order_confirmed.txt"),
        "Subject: Bestätigt: {{order_id}} für {{amount}} {{currency}}\r\n\r\n" + text);
    notifications.with("NOTIFICATION_TEMPLATES", templates).start();
    notifications.confirmed("o1");

    MimeMessage mail = server.mails(1).getFirst();
    assertThat(mail.getSubject()).isEqualTo("Bestätigt: o1 für 40.00 EUR");
    assertThat(((String) mail.getContent()).replace("\r\n", "\n").strip())
        .isEqualTo(text.replace("{{order_id}}", "o1"));
  }

  @Test
  void starttls_is_never_left_out_where_the_server_has_none() {
    notifications.with("SMTP_TLS", "starttls").start();
    notifications.confirmed("o1");

    eventually("it was tried", () -> counted(notifications.metrics(), "unavailable") >= 2);
    assertThat(server.mails()).isEmpty();
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
  }

  /** Sends the mail exactly as a replica does that dies before it can record that. */
  private void mailAsAReplicaThatDies(String orderId) {
    Settings settings =
        new Settings(
            Map.of(
                "SMTP_HOST", "127.0.0.1",
                "SMTP_PORT", Integer.toString(server.port()),
                "SMTP_TLS", "none",
                "SMTP_FROM", "orders@shop.example"));
    get(
        new SmtpChannel(
                notifications.vertx(),
                SmtpSettings.read(settings).get(),
                Templates.read(Optional.empty()))
            .send(Notification.of(Notifications.confirmation(orderId, "customer-7")), ADDRESS));
    assertThat(server.mails(1)).hasSize(1);
  }

  private double tries() {
    return counted(notifications.metrics(), "not_tried");
  }

  static double counted(String metrics, String kind) {
    return metrics
        .lines()
        .filter(line -> line.startsWith("notification_failures_total"))
        .filter(line -> line.contains("kind=\"" + kind + "\""))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  private void write(String... customersAndAddresses) throws IOException {
    JsonObject all = new JsonObject();
    for (int i = 0; i < customersAndAddresses.length; i += 2) {
      all.put(
          customersAndAddresses[i],
          new JsonObject().put("channel", "smtp").put("to", customersAndAddresses[i + 1]));
    }
    Files.writeString(preferences, all.encode());
  }

  private static List<String> ids(List<MimeMessage> mails) throws MessagingException {
    List<String> ids = new ArrayList<>();
    for (MimeMessage mail : mails) {
      ids.add(mail.getMessageID());
    }
    return ids;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
