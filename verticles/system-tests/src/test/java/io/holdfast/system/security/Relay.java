package io.holdfast.system.security;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** The line between a client and a broker, which can be torn. */
final class Relay implements AutoCloseable {

  private final ServerSocket door;
  private final int broker;
  private final AtomicInteger accepted = new AtomicInteger();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  Relay(int broker) {
    this.broker = broker;
    try {
      this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "nats://127.0.0.1:" + door.getLocalPort();
  }

  /** How many connections there were so far. */
  int accepted() {
    return accepted.get();
  }

  /** Ends every connection; new ones may be made at once. */
  void tear() {
    sockets.forEach(Relay::closeQuietly);
    sockets.clear();
  }

  @Override
  public void close() {
    closeQuietly(door);
    tear();
  }

  private void accept() {
    while (!door.isClosed()) {
      try {
        Socket client = door.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), broker);
        sockets.addAll(List.of(client, server));
        accepted.incrementAndGet();
        Thread.ofVirtual().start(() -> carry(client, server));
        Thread.ofVirtual().start(() -> carry(server, client));
      } catch (IOException closedOrNoBroker) {
        // a client notices by itself
      }
    }
  }

  private static void carry(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException torn) {
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
