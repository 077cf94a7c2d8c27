package io.holdfast.system.logs;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/** As much of a mail server as takes mail, and quotes whom it does not know in its refusal. */
public final class MailReceiver implements AutoCloseable {

  private final ServerSocket server;
  private final String unknown;
  private final List<String> recipients = new CopyOnWriteArrayList<>();

  /**
   * @param unknown the address that nobody has
   */
  public MailReceiver(String unknown) {
    this.unknown = unknown;
    try {
      server = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  public int port() {
    return server.getLocalPort();
  }

  /** What was said of each recipient. */
  public List<String> recipients() {
    return recipients;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        Thread.ofVirtual().start(() -> serve(client));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client;
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII))) {
      say(client, "220 mail.test ESMTP");
      boolean data = false;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (data) {
          if (line.equals(".")) {
            data = false;
            say(client, "250 2.0.0 taken");
          }
          continue;
        }
        String command = line.toUpperCase(Locale.ROOT);
        if (command.startsWith("RCPT")) {
          recipients.add(line);
          say(
              client,
              line.contains(unknown)
                  ? "550 5.1.1 <" + unknown + ">: no such user here"
                  : "250 2.1.5 ok");
        } else if (command.startsWith("DATA")) {
          data = true;
          say(client, "354 go on");
        } else {
          say(client, command.startsWith("QUIT") ? "221 bye" : "250 ok");
        }
      }
    } catch (IOException gone) {
      // the client has left
    }
  }

  private static void say(Socket client, String line) throws IOException {
    client.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
