package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.JksOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: mails, the password and webhooks go to nobody but the server whose certificate holds.
 * Method: real TLS, with a certificate for localhost alone that no JDK knows; apart from it, every
 * server would take what comes.
 */
class TlsTest {

  private static final String USER = "shop@shop.example";
  private static final String PASSWORD = "hunter2-hunter2";

  @TempDir static Path keys;
  private static Path keystore;
  private static Path authority;

  @TempDir Path folder;
  private final Notifications notifications = new Notifications();

  @BeforeAll
  static void certify() throws Exception {
    keystore = keys.resolve("server.p12");
    authority = keys.resolve("server.pem");
    keytool(
        "-genkeypair",
        "-alias",
        "mail",
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-validity",
        "2",
        "-ext",
        "san=dns:localhost",
        "-storetype",
        "PKCS12",
        "-keystore",
        keystore.toString());
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "mail",
        "-file",
        authority.toString(),
        "-keystore",
        keystore.toString());
    System.setProperty("greenmail.tls.keystore.file", keystore.toString());
    System.setProperty("greenmail.tls.keystore.password", "changeit");
  }

  @BeforeEach
  void prefer() throws IOException {
    Path preferences = folder.resolve("preferences.json");
    Files.writeString(
        preferences, "{\"customer-7\": {\"channel\": \"smtp\", \"to\": \"a@b.example\"}}");
    notifications
        .with("NOTIFICATION_PREFERENCES", preferences)
        .with("SMTP_HOST", "localhost")
        .with("SMTP_FROM", "orders@shop.example")
        .with("SMTP_USER", USER)
        .with("SMTP_PASSWORD", PASSWORD)
        .with("BREAKER_FAILURES", 2);
  }

  @AfterEach
  void close() {
    assertThat(notifications.logged()).noneMatch(line -> line.contains(PASSWORD));
    notifications.close();
  }

  @Test
  void a_server_with_tls_from_the_first_byte_takes_the_mail_after_a_login() throws Exception {
    try (MailServer server = MailServer.startedWithTls().onlyFor(USER, PASSWORD)) {
      tls(server.port(), authority);
      notifications.confirmed("o1");

      notifications.sent("o1");

      assertThat(server.mails()).hasSize(1);
    }
  }

  @Test
  void with_starttls_neither_login_nor_mail_goes_out_in_clear() throws Exception {
    try (MailServer server = MailServer.started().onlyFor(USER, PASSWORD)) {
      StartTlsFront front =
          new StartTlsFront(notifications.vertx(), keystore, "changeit", server.port());
      notifications
          .with("SMTP_TLS", "starttls")
          .with("SMTP_TLS_CA", authority)
          .with("SMTP_PORT", front.port())
          .start();
      notifications.confirmed("o1");

      notifications.sent("o1");

      assertThat(server.mails()).hasSize(1);
      assertThat(front.inClear()).containsExactly("EHLO shop.example", "STARTTLS");
    }
  }

  @Test
  void with_starttls_a_certificate_that_nobody_vouches_for_gets_no_mail() throws Exception {
    try (MailServer server = MailServer.started().onlyFor(USER, PASSWORD)) {
      StartTlsFront front =
          new StartTlsFront(notifications.vertx(), keystore, "changeit", server.port());
      notifications.with("SMTP_TLS", "starttls").with("SMTP_PORT", front.port()).start();
      assertNothingGoesOutAndNothingIsGivenUp(server);
      assertThat(front.inClear()).contains("STARTTLS").noneMatch(line -> line.contains("AUTH"));
    }
  }

  @Test
  void with_starttls_a_certificate_for_another_host_gets_no_mail() throws Exception {
    try (MailServer server = MailServer.started().onlyFor(USER, PASSWORD)) {
      StartTlsFront front =
          new StartTlsFront(notifications.vertx(), keystore, "changeit", server.port());
      notifications
          .with("SMTP_HOST", "127.0.0.1")
          .with("SMTP_TLS", "starttls")
          .with("SMTP_TLS_CA", authority)
          .with("SMTP_PORT", front.port())
          .start();
      assertNothingGoesOutAndNothingIsGivenUp(server);
      assertThat(front.inClear()).contains("STARTTLS").noneMatch(line -> line.contains("AUTH"));
    }
  }

  @Test
  void a_certificate_that_nobody_vouches_for_gets_no_mail() throws Exception {
    try (MailServer server = MailServer.startedWithTls().onlyFor(USER, PASSWORD)) {
      tls(server.port(), null);
      assertNothingGoesOutAndNothingIsGivenUp(server);
    }
  }

  @Test
  void a_certificate_for_another_host_gets_no_mail() throws Exception {
    try (MailServer server = MailServer.startedWithTls().onlyFor(USER, PASSWORD)) {
      notifications.with("SMTP_HOST", "127.0.0.1");
      tls(server.port(), authority);
      assertNothingGoesOutAndNothingIsGivenUp(server);
    }
  }

  @Test
  void a_wrong_password_is_an_outage_and_not_the_customers_fault() throws Exception {
    try (MailServer server = MailServer.startedWithTls().onlyFor(USER, "another")) {
      tls(server.port(), authority);
      assertNothingGoesOutAndNothingIsGivenUp(server);
    }
  }

  @Test
  void a_webhooks_receiver_whom_nobody_vouches_for_gets_nothing() {
    Queue<String> calls = new ConcurrentLinkedQueue<>();
    HttpServer receiver =
        get(
            notifications
                .vertx()
                .createHttpServer(
                    new HttpServerOptions()
                        .setSsl(true)
                        .setKeyCertOptions(
                            new JksOptions().setPath(keystore.toString()).setPassword("changeit")))
                .requestHandler(
                    request -> {
                      calls.add(request.uri());
                      request.response().end();
                    })
                .listen(0, "localhost"));
    notifications
        .with("NOTIFICATION_CHANNEL", "webhook")
        .with("WEBHOOK_URL", "https://localhost:" + receiver.actualPort())
        .with("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .start();
    notifications.confirmed("o1", "customer-8");

    eventually("it was tried", () -> SmtpTest.counted(notifications.metrics(), "unavailable") >= 1);
    assertThat(calls).isEmpty();
    assertThat(notifications.streams().facts("NOTIFICATIONS")).isEmpty();
  }

  private void tls(int port, Path ca) {
    notifications.with("SMTP_TLS", "tls").with("SMTP_PORT", port);
    if (ca != null) {
      notifications.with("SMTP_TLS_CA", ca);
    }
    notifications.start();
  }

  private void assertNothingGoesOutAndNothingIsGivenUp(MailServer server) {
    notifications.confirmed("o1");
    eventually(
        "the breaker has opened",
        () ->
            SmtpTest.counted(notifications.metrics(), "unavailable") >= 1
                && SmtpTest.counted(notifications.metrics(), "not_tried") >= 1);
    assertThat(server.mails()).isEmpty();
    assertThat(notifications.streams().messages("DEADLETTERS")).isEmpty();
    assertThat(notifications.streams().facts("NOTIFICATIONS")).isEmpty();
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("-storepass", "changeit"));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    assertThat(keytool.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).as(() -> text(keytool)).isZero();
  }

  private static String text(Process process) {
    try {
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
