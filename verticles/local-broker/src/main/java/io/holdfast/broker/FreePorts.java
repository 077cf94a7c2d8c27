package io.holdfast.broker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/**
 * Ports of the loopback address on which nobody listened a moment ago; for whoever has to know a
 * port before it is bound. Somebody else may be quicker to take one.
 */
public final class FreePorts {

  private FreePorts() {}

  /**
   * One port.
   *
   * @throws UncheckedIOException if there is none
   */
  public static int one() {
    return some(1).getFirst();
  }

  /**
   * So many, each another.
   *
   * @throws UncheckedIOException if there are not so many
   */
  public static List<Integer> some(int count) {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      try {
        for (int i = 0; i < count; i++) {
          sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        }
      } finally {
        for (ServerSocket socket : sockets) {
          socket.close();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return sockets.stream().map(ServerSocket::getLocalPort).toList();
  }
}
