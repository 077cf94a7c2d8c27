package io.holdfast.runtime.support;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The network between a client and a broker, which can lose what the broker answers, and can be
 * cut.
 */
public final class Line implements AutoCloseable {

  private static final int CHUNK = 64 * 1024;

  private final ServerSocket door;
  private final URI broker;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final AtomicInteger lost = new AtomicInteger();
  private volatile boolean losing;

  private Line(URI broker) {
    this.broker = broker;
    try {
      this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  public static Line to(String brokerUrl) {
    return new Line(URI.create(brokerUrl));
  }

  /** Where a client connects to. */
  public String url() {
    return "nats://127.0.0.1:" + door.getLocalPort();
  }

  /**
   * From now on, or not any more, whatever the broker sends is lost. Where little is sent, that is
   * whole messages.
   */
  public void loseAnswers(boolean lose) {
    losing = lose;
  }

  /** How many pieces were lost so far. */
  public int lost() {
    return lost.get();
  }

  /** Ends every connection; a client may connect again. */
  public void cut() {
    sockets.forEach(Line::closeQuietly);
    sockets.clear();
  }

  @Override
  public void close() {
    closeQuietly(door);
    cut();
  }

  private void accept() {
    while (!door.isClosed()) {
      try {
        Socket client = door.accept();
        Socket server = new Socket(broker.getHost(), broker.getPort());
        sockets.addAll(List.of(client, server));
        Thread.ofVirtual().start(() -> carry(client, server, false));
        Thread.ofVirtual().start(() -> carry(server, client, true));
      } catch (IOException closedOrNoBroker) {
        // a client notices by itself
      }
    }
  }

  private void carry(Socket from, Socket to, boolean answers) {
    byte[] chunk = new byte[CHUNK];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        if (answers && losing) {
          lost.incrementAndGet();
        } else {
          out.write(chunk, 0, read);
        }
      }
    } catch (IOException cut) {
      // both ends are closed
    }
  }

  private static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception gone) {
      // that is what was wanted
    }
  }
}
