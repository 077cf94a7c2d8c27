package io.holdfast.notifications;

import static io.holdfast.testkit.Streams.get;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.JksOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.parsetools.RecordParser;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * STARTTLS before a mail server that has none: until then it answers itself, then it only pipes.
 */
final class StartTlsFront {

  private final Queue<String> inClear = new ConcurrentLinkedQueue<>();
  private final Vertx vertx;
  private final int behind;
  private final NetServer server;

  StartTlsFront(Vertx vertx, Path keystore, String password, int behind) {
    this.vertx = vertx;
    this.behind = behind;
    this.server =
        get(
            vertx
                .createNetServer(
                    new NetServerOptions()
                        .setKeyCertOptions(
                            new JksOptions().setPath(keystore.toString()).setPassword(password)))
                .connectHandler(this::greet)
                .listen(0, "127.0.0.1"));
  }

  int port() {
    return server.actualPort();
  }

  /** What clients sent before TLS. */
  Queue<String> inClear() {
    return inClear;
  }

  private void greet(NetSocket client) {
    RecordParser lines = RecordParser.newDelimited("\r\n");
    lines.handler(
        line -> {
          inClear.add(line.toString());
          if (line.toString().startsWith("EHLO")) {
            client.write("250-front\r\n250 STARTTLS\r\n");
          } else if (line.toString().equals("STARTTLS")) {
            pipe(client);
          } else {
            client.write("530 5.7.0 Must issue a STARTTLS command first\r\n");
          }
        });
    client.handler(lines);
    client.write("220 front ESMTP\r\n");
  }

  private void pipe(NetSocket client) {
    vertx
        .createNetClient()
        .connect(behind, "127.0.0.1")
        .onSuccess(
            real -> {
              real.closeHandler(v -> client.close());
              client.closeHandler(v -> real.close());
              real.handler(
                  greeting -> { // the client had one
                    real.handler(client::write);
                    client.handler(real::write);
                    client.upgradeToSsl(Buffer.buffer("220 go ahead\r\n"));
                  });
            });
  }
}
