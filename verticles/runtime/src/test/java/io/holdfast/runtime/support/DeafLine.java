package io.holdfast.runtime.support;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A network between a client and a broker that understands just enough of what the broker says to
 * lose all that is for one subscription, and nothing else: the connection stays well.
 *
 * @see <a href="https://docs.nats.io/reference/reference-protocols/nats-protocol">the protocol</a>
 */
public final class DeafLine implements AutoCloseable {

  private final ServerSocket door;
  private final URI broker;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final Set<String> deliveredTo = ConcurrentHashMap.newKeySet();
  private final Set<String> deaf = ConcurrentHashMap.newKeySet();

  private DeafLine(URI broker) {
    this.broker = broker;
    try {
      this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  public static DeafLine to(String brokerUrl) {
    return new DeafLine(URI.create(brokerUrl));
  }

  public String url() {
    return "nats://127.0.0.1:" + door.getLocalPort();
  }

  /** From now on, nothing arrives where messages of a consumer have been delivered so far. */
  public void loseAllForThoseDeliveredTo() {
    deaf.addAll(deliveredTo);
  }

  private void accept() {
    while (!door.isClosed()) {
      try {
        Socket client = door.accept();
        Socket server = new Socket(broker.getHost(), broker.getPort());
        sockets.addAll(List.of(client, server));
        Thread.ofVirtual().start(() -> carry(client, server));
        Thread.ofVirtual().start(() -> filter(server, client));
      } catch (IOException closed) {
        // a client notices by itself
      }
    }
  }

  private static void carry(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException cut) {
      // both ends are closed
    }
  }

  private void filter(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = new BufferedInputStream(from.getInputStream());
      OutputStream out = to.getOutputStream();
      for (byte[] line = line(in); line.length > 0; line = line(in)) {
        String[] words = new String(line, StandardCharsets.UTF_8).strip().split(" ", -1);
        boolean message = words[0].equals("MSG") || words[0].equals("HMSG");
        byte[] body =
            message
                ? in.readNBytes(Integer.parseInt(words[words.length - 1]) + "\r\n".length())
                : new byte[0];
        if (message && words[3].startsWith("$JS.ACK.")) {
          deliveredTo.add(words[2]);
        }
        if (!message || !deaf.contains(words[2])) {
          out.write(line);
          out.write(body);
        }
      }
    } catch (IOException cut) {
      // both ends are closed
    }
  }

  /** With its end; empty at the end of all. */
  private static byte[] line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c >= 0; c = in.read()) {
      line.write(c);
      if (c == '\n') {
        break;
      }
    }
    return line.toByteArray();
  }

  @Override
  public void close() {
    try {
      door.close();
      for (Socket socket : sockets) {
        socket.close();
      }
    } catch (IOException gone) {
      // that is what was wanted
    }
  }
}
