package io.holdfast.notifications.channel.smtp;

import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Notification;
import io.holdfast.notifications.preferences.MailAddress;
import io.holdfast.notifications.template.MailText;
import io.holdfast.notifications.template.Templates;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.mail.LoginOption;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.MailMessage;
import io.vertx.ext.mail.SMTPException;
import io.vertx.ext.mail.StartTLSOptions;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Mail, handed to a server of our own side that delivers it.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5321#section-4.2">SMTP's replies</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc3463">Enhanced status codes</a>
 */
public final class SmtpChannel implements Channel {

  public static final String NAME = "smtp";

  /** The code alone: the words after it quote the recipient's address. */
  private static final Pattern CODE =
      Pattern.compile("(\\d{3})[ -]?(\\d\\.\\d{1,3}\\.\\d{1,3})?.*", Pattern.DOTALL);

  private final MailClient client;
  private final SmtpSettings settings;
  private final Templates templates;

  public SmtpChannel(Vertx vertx, SmtpSettings settings, Templates templates) {
    this.settings = settings;
    this.templates = templates;
    this.client = MailClient.create(vertx, config(settings));
  }

  private static MailConfig config(SmtpSettings settings) {
    int millis = (int) settings.timeout().toMillis();
    MailConfig config =
        new MailConfig()
            .setHostname(settings.host())
            .setPort(settings.port())
            .setSsl(settings.tls().equals("tls"))
            .setStarttls(
                settings.tls().equals("starttls")
                    ? StartTLSOptions.REQUIRED
                    : StartTLSOptions.DISABLED)
            .setLogin(settings.user().isPresent() ? LoginOption.REQUIRED : LoginOption.DISABLED)
            .setAuthMethods("PLAIN LOGIN") // never without TLS
            .setMaxPoolSize(settings.connections())
            .setKeepAliveTimeout(30)
            // One command after the other: a refused recipient leaves no half-sent mail behind.
            .setPipelining(false)
            // Else the client asks the DNS for our name on the event loop, and gets a container's.
            .setOwnHostname(MailAddress.domain(settings.from()))
            .setUserAgent("holdfast-notifications")
            .setConnectTimeout(Math.min(millis, 5_000))
            .setSslHandshakeTimeout(millis)
            .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
            // The client waits for a reply without end; a silent connection is closed instead.
            .setIdleTimeout(millis)
            .setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
    settings.user().ifPresent(config::setUsername);
    settings.password().ifPresent(password -> config.setPassword(password.reveal()));
    settings
        .authority()
        .ifPresent(
            pem -> config.setTrustOptions(new PemTrustOptions().addCertPath(pem.toString())));
    return config;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean needsAddress() {
    return true;
  }

  @Override
  public Future<Void> send(Notification notification, String address) {
    return Future.succeededFuture()
        .compose(now -> client.sendMail(mail(notification, address)))
        .timeout(settings.timeout().toMillis(), TimeUnit.MILLISECONDS)
        .<Void>mapEmpty()
        .recover(failure -> Future.failedFuture(judged(failure)));
  }

  private MailMessage mail(Notification notification, String address) {
    MailText text = templates.render(notification);
    MultiMap headers =
        MultiMap.caseInsensitiveMultiMap()
            .set("Message-ID", messageId(notification))
            .set("Auto-Submitted", "auto-generated"); // no out-of-office replies
    return new MailMessage()
        .setFrom(settings.from())
        .setTo(address)
        .setSubject(text.subject())
        .setText(text.body())
        .setHeaders(headers);
  }

  /** The same for every attempt, so that a mail that was sent twice can be recognised. */
  private String messageId(Notification notification) {
    return "<" + notification.id() + "@" + MailAddress.domain(settings.from()) + ">";
  }

  /**
   * Only what the server says for good about the recipient, or this mail, is the notification's
   * end. All else, be it that we may not log in or that our sender is unknown, is for an operator
   * to set right, and until then nothing must be given up.
   */
  private static RuntimeException judged(Throwable failure) {
    if (!(failure instanceof SMTPException smtp)) {
      return failure instanceof IllegalArgumentException // whose message quotes the recipient
          ? new Refused("the mail client does not take the mail")
          : unavailable(failure.getClass().getSimpleName());
    }
    Matcher code = CODE.matcher(smtp.getReplyMessage());
    String enhanced = code.matches() && code.group(2) != null ? code.group(2) : "";
    String told = (smtp.getReplyCode() + " " + enhanced).strip();
    boolean aboutThisMail =
        smtp.getMessage().startsWith("recipient address not accepted")
            || smtp.getMessage().startsWith("sending data failed");
    boolean aboutUs = enhanced.startsWith("5.7.") || smtp.getReplyCode() == 530;
    return smtp.isPermanent() && aboutThisMail && !aboutUs
        ? new Refused("the mail server refused it for good: " + told)
        : unavailable(told);
  }

  private static Unavailable unavailable(String why) {
    return new Unavailable("the mail server did not take it: " + why, Optional.empty(), false);
  }
}
