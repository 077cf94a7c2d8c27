package io.holdfast.launcher.bench;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** One connection over which orders are placed, one after the other; blocking, for one thread. */
final class OrderClient implements Closeable {

  static final int ACCEPTED = 202;

  /** What a customer orders in turn: one piece, at the price of the demo stock. */
  private static final List<String> BODIES =
      List.of(
          "{\"customer_id\":\"CUST-10042\",\"currency\":\"EUR\",\"items\":[{\"sku\":\"espresso-cup\",\"quantity\":1,\"unit_price\":12.50}]}",
          "{\"customer_id\":\"CUST-10042\",\"currency\":\"EUR\",\"items\":[{\"sku\":\"tea-pot\",\"quantity\":1,\"unit_price\":34.90}]}",
          "{\"customer_id\":\"CUST-10042\",\"currency\":\"EUR\",\"items\":[{\"sku\":\"dripper\",\"quantity\":1,\"unit_price\":24.00}]}");

  private static final byte[] END_OF_HEAD = NatsWire.ascii("\r\n\r\n");
  private static final byte[] LENGTH = NatsWire.ascii("content-length: ");
  private static final byte[] ORDER_ID = NatsWire.ascii("\"order_id\":\"");

  private final Socket socket;
  private final InputStream from;
  private final OutputStream to;
  private final byte[][] requests;
  private byte[] in = new byte[8 << 10];
  private int filled;
  private int bodyFrom;
  private int bodyTo;

  OrderClient(URI orders) throws IOException {
    socket = new Socket(orders.getHost(), orders.getPort());
    socket.setTcpNoDelay(true);
    from = socket.getInputStream();
    to = socket.getOutputStream();
    requests =
        BODIES.stream()
            .map(
                body ->
                    "POST /orders HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                        .formatted(orders.getHost(), orders.getPort(), body.length(), body))
            .map(request -> request.getBytes(StandardCharsets.US_ASCII))
            .toArray(byte[][]::new);
  }

  /** The status of the answer to the order with this number. */
  int place(long number) throws IOException {
    to.write(requests[(int) (number % requests.length)]);
    filled = 0;
    int head = -1;
    while (head < 0) {
      read();
      head = find(END_OF_HEAD, 0, filled);
    }
    bodyFrom = head + END_OF_HEAD.length;
    bodyTo = bodyFrom + length(head);
    while (filled < bodyTo) {
      read();
    }
    return (in[9] - '0') * 100 + (in[10] - '0') * 10 + in[11] - '0';
  }

  /** The id of the order that was accepted last. */
  String orderId() {
    int at = find(ORDER_ID, bodyFrom, bodyTo) + ORDER_ID.length;
    int end = at;
    while (in[end] != '"') {
      end++;
    }
    return new String(in, at, end - at, StandardCharsets.US_ASCII);
  }

  private void read() throws IOException {
    if (filled == in.length) {
      in = Arrays.copyOf(in, in.length * 2);
    }
    int more = from.read(in, filled, in.length - filled);
    if (more < 0) {
      throw new IOException("orders has closed the connection");
    }
    filled += more;
  }

  private int length(int head) throws IOException {
    int at = find(LENGTH, 0, head);
    if (at < 0) {
      throw new IOException("an answer without content-length");
    }
    int length = 0;
    for (int i = at + LENGTH.length; in[i] >= '0' && in[i] <= '9'; i++) {
      length = length * 10 + in[i] - '0';
    }
    return length;
  }

  /** Where these small letters stand, whatever case they have there. */
  private int find(byte[] wanted, int start, int end) {
    outer:
    for (int i = start; i + wanted.length <= end; i++) {
      for (int j = 0; j < wanted.length; j++) {
        byte b = in[i + j];
        if (wanted[j] != (b >= 'A' && b <= 'Z' ? b + 32 : b)) {
          continue outer;
        }
      }
      return i;
    }
    return -1;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
