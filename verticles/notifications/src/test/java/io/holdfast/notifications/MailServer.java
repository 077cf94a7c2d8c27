package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.Managers;
import com.icegreen.greenmail.mail.MailAddress;
import com.icegreen.greenmail.smtp.SmtpManager;
import com.icegreen.greenmail.smtp.SmtpServer;
import com.icegreen.greenmail.smtp.SmtpState;
import com.icegreen.greenmail.store.StoredMessage;
import com.icegreen.greenmail.user.UserException;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.internet.MimeMessage;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A real SMTP server, which keeps its mails while it is stopped and can refuse recipients. */
final class MailServer implements AutoCloseable {

  private final Map<String, String> refused = new ConcurrentHashMap<>();
  private final AtomicInteger refusals = new AtomicInteger();
  private final Refusing managers = new Refusing();
  private final String protocol;
  private SmtpServer server;
  private int port;

  private MailServer(String protocol, int port) {
    this.protocol = protocol;
    this.port = port;
  }

  static MailServer started() {
    return new MailServer(ServerSetup.PROTOCOL_SMTP, 0).start();
  }

  /** With TLS from the first byte, under the certificate that the test JVM's property names. */
  static MailServer startedWithTls() {
    return new MailServer(ServerSetup.PROTOCOL_SMTPS, 0).start();
  }

  static MailServer stoppedAt(int port) {
    return new MailServer(ServerSetup.PROTOCOL_SMTP, port);
  }

  MailServer start() {
    server = new SmtpServer(new ServerSetup(port, "127.0.0.1", protocol), managers);
    server.startService();
    try {
      assertThat(server.waitTillRunning(5_000)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    port = server.getPort();
    return this;
  }

  void stop() {
    server.stopService(5_000);
  }

  int port() {
    return port;
  }

  /** Every recipient is answered this from now on; null to take them again. */
  void answers(String recipient, String reply) {
    if (reply == null) {
      refused.remove(recipient);
    } else {
      refused.put(recipient, reply);
    }
  }

  /** How many recipients it has refused. */
  int refusals() {
    return refusals.get();
  }

  MailServer onlyFor(String user, String password) throws UserException {
    managers.getUserManager().createUser(user, user, password);
    managers.getUserManager().setAuthRequired(true);
    return this;
  }

  List<MimeMessage> mails() {
    return managers.getImapHostManager().getAllMessages().stream()
        .map(StoredMessage::getMimeMessage)
        .toList();
  }

  List<MimeMessage> mails(int atLeast) {
    return eventually(atLeast + " mails have come", this::mails, found -> found.size() >= atLeast);
  }

  @Override
  public void close() {
    if (server != null) {
      stop();
    }
  }

  private final class Refusing extends Managers {
    private final SmtpManager smtp =
        new SmtpManager(getImapHostManager(), getUserManager()) {
          @Override
          public String checkRecipient(SmtpState state, MailAddress to) {
            String reply = refused.get(to.getEmail());
            if (reply != null) {
              refusals.incrementAndGet();
            }
            return reply;
          }
        };

    @Override
    public SmtpManager getSmtpManager() {
      return smtp;
    }
  }
}
