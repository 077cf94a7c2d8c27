package io.holdfast.notifications.channel.smtp;

import io.holdfast.notifications.preferences.MailAddress;
import io.holdfast.runtime.config.Secret;
import io.holdfast.runtime.config.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * @param from the address that mails come from
 * @param tls {@code none}, {@code starttls} or {@code tls}
 * @param authority certificates in PEM that the server's is held against, if not those of the JDK
 * @param timeout how long it may take to send one mail
 * @param connections to the server, at most
 */
public record SmtpSettings(
    String host,
    int port,
    String from,
    Optional<String> user,
    Optional<Secret> password,
    String tls,
    Optional<Path> authority,
    Duration timeout,
    int connections) {

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.:-]{1,253}");
  private static final Pattern FROM = Pattern.compile(".+");

  public SmtpSettings {
    if (user.isPresent() != password.isPresent()) {
      throw new IllegalArgumentException("SMTP_USER and SMTP_PASSWORD go together");
    }
    if (user.isPresent() && tls.equals("none")) {
      throw new IllegalArgumentException(
          "SMTP_TLS=none: must be starttls or tls where there is an SMTP_USER, as the password"
              + " would go out in clear");
    }
  }

  /** Whether there is a mail server at all. */
  public static boolean given(Settings settings) {
    return settings.optional("SMTP_HOST").isPresent();
  }

  /** What is wrong alone is noted now; what does not go together shows when it is made. */
  public static Supplier<SmtpSettings> read(Settings settings) {
    String host = settings.text("SMTP_HOST", "localhost", HOST, "must be a host's name");
    String tls = settings.choice("SMTP_TLS", "starttls", Set.of("none", "starttls", "tls"));
    int usual =
        switch (tls) {
          case "none" -> 25;
          case "starttls" -> 587;
          default -> 465;
        };
    int port = settings.integer("SMTP_PORT", usual, 1, 65_535);
    String from = settings.text("SMTP_FROM", "-", FROM, MailAddress.RULE);
    if (!MailAddress.valid(from)) {
      settings.fault("SMTP_FROM", from.equals("-") ? "" : from, MailAddress.RULE);
    }
    Optional<Path> authority = authority(settings);
    Optional<String> user = settings.optional("SMTP_USER");
    Optional<Secret> password = settings.secret("SMTP_PASSWORD");
    Duration timeout = settings.millis("SMTP_TIMEOUT_MS", 15_000, 100, 60_000);
    int connections = settings.integer("SMTP_CONNECTIONS", 8, 1, 256);
    return () ->
        new SmtpSettings(host, port, from, user, password, tls, authority, timeout, connections);
  }

  /** Read once here, as a file without certificates would show at the first mail only. */
  private static Optional<Path> authority(Settings settings) {
    Optional<String> file = settings.optional("SMTP_TLS_CA");
    if (file.isEmpty()) {
      return Optional.empty();
    }
    try (InputStream pem = Files.newInputStream(Path.of(file.get()))) {
      if (!CertificateFactory.getInstance("X.509").generateCertificates(pem).isEmpty()) {
        return file.map(Path::of);
      }
    } catch (IOException | CertificateException | InvalidPathException unusable) {
      // told below, as an empty file is
    }
    settings.fault("SMTP_TLS_CA", file.get(), "must name a file of certificates in PEM");
    return Optional.empty();
  }
}
