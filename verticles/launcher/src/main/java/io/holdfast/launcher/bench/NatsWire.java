package io.holdfast.launcher.bench;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A bare client of the NATS protocol over a plain socket, for one thread. It costs a fraction of
 * what a whole client does, so that what is measured with it is mostly the broker.
 *
 * <p>What is written goes out when nothing more is there to be read, or at {@link #flush}.
 *
 * @see <a href="https://docs.nats.io/reference/reference-protocols/nats-protocol">The protocol</a>
 */
final class NatsWire implements Closeable {

  /** What to do with a message; the message is valid during the call alone. */
  interface Receiver {
    void message(Message message) throws IOException;
  }

  private static final byte[] CRLF = {'\r', '\n'};
  private static final byte[] PONG = ascii("PONG\r\n");
  static final byte[] NOTHING = {};
  private static final int NOT_THERE = -1;

  private final Socket socket;
  private final InputStream from;
  private final OutputStream to;
  private final Message message = new Message();

  private byte[] in = new byte[256 << 10];
  private int read;
  private int filled;

  private byte[] out = new byte[64 << 10];
  private int written;

  private String inbox;
  private long asked;
  private byte[] answer;

  /** Of a message: where its parts stand in the buffer that it was read into. */
  final class Message {
    private int sid;
    private int subjectFrom;
    private int subjectTo;
    private int replyFrom;
    private int replyTo;
    private int headersFrom;
    private int bodyFrom;
    private int bodyTo;

    /** The subscription's number. */
    int sid() {
      return sid;
    }

    String subject() {
      return text(subjectFrom, subjectTo);
    }

    /** A number in decimal digits at the very end of the subject. */
    long numberAtTheEndOfTheSubject() {
      long number = 0;
      long unit = 1;
      for (int i = subjectTo - 1; i >= subjectFrom && in[i] >= '0' && in[i] <= '9'; i--) {
        number += unit * (in[i] - '0');
        unit *= 10;
      }
      return number;
    }

    /** The subject's byte at this place, from its end. */
    byte subjectFromTheEnd(int place) {
      return in[subjectTo - 1 - place];
    }

    boolean expectsReply() {
      return replyTo > replyFrom;
    }

    /** The subject to reply to, with what leads to its bytes. */
    byte[] reply() {
      return Arrays.copyOfRange(in, replyFrom, replyTo);
    }

    /** The token of the reply's subject with this number, from 0, which must be a number. */
    long replyNumber(int token) {
      int at = replyFrom;
      for (int dots = 0; dots < token; at++) {
        if (in[at] == '.') {
          dots++;
        }
      }
      long number = 0;
      for (; at < replyTo && in[at] != '.'; at++) {
        number = number * 10 + in[at] - '0';
      }
      return number;
    }

    String headers() {
      return text(headersFrom, bodyFrom);
    }

    byte[] body() {
      return Arrays.copyOfRange(in, bodyFrom, bodyTo);
    }

    /** Whether the body holds these bytes. */
    boolean contains(byte[] wanted) {
      outer:
      for (int i = bodyFrom; i + wanted.length <= bodyTo; i++) {
        for (int j = 0; j < wanted.length; j++) {
          if (in[i + j] != wanted[j]) {
            continue outer;
          }
        }
        return true;
      }
      return false;
    }
  }

  private NatsWire(Socket socket) throws IOException {
    this.socket = socket;
    this.from = socket.getInputStream();
    this.to = socket.getOutputStream();
  }

  static NatsWire connect(String host, int port) throws IOException {
    Socket socket = new Socket(host, port);
    socket.setTcpNoDelay(true);
    NatsWire wire = new NatsWire(socket);
    wire.write(
        ascii(
            "CONNECT"
                + " {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"));
    wire.flush();
    return wire;
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  void subscribe(String subject, int sid) {
    write(ascii("SUB " + subject + " " + sid + "\r\n"));
  }

  /** Publishes without headers. */
  void publish(byte[] subject, byte[] replyTo, byte[] body) {
    write(ascii("PUB "));
    write(subject);
    write((byte) ' ');
    if (replyTo.length > 0) {
      write(replyTo);
      write((byte) ' ');
    }
    writeNumber(body.length);
    write(CRLF);
    write(body);
    write(CRLF);
  }

  /** Asks, and waits for the answer; everything else that comes meanwhile is passed over. */
  byte[] ask(String subject, String question) throws IOException {
    if (inbox == null) {
      inbox = "_INBOX.bench" + Long.toString(System.nanoTime(), Character.MAX_RADIX) + ".";
      subscribe(inbox + "*", Integer.MAX_VALUE);
    }
    long number = ++asked;
    publish(ascii(subject), ascii(inbox + number), question.getBytes(StandardCharsets.UTF_8));
    flush();
    answer = null;
    while (answer == null) {
      next(
          received -> {
            if (received.sid() == Integer.MAX_VALUE
                && received.numberAtTheEndOfTheSubject() == number) {
              answer = received.body();
            }
          });
    }
    return answer;
  }

  void write(byte b) {
    room(1);
    out[written++] = b;
  }

  void write(byte[] bytes) {
    room(bytes.length);
    System.arraycopy(bytes, 0, out, written, bytes.length);
    written += bytes.length;
  }

  /** In decimal digits; not for negative ones. */
  void writeNumber(long number) {
    room(20);
    int digits = digits(number);
    int at = written + digits;
    long rest = number;
    do {
      out[--at] = (byte) ('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    written += digits;
  }

  static int digits(long number) {
    int digits = 1;
    for (long rest = number; rest >= 10; rest /= 10) {
      digits++;
    }
    return digits;
  }

  private void room(int bytes) {
    if (written + bytes > out.length) {
      out = Arrays.copyOf(out, Math.max(out.length * 2, written + bytes));
    }
  }

  void flush() throws IOException {
    if (written > 0) {
      to.write(out, 0, written);
      written = 0;
    }
  }

  /** Waits for the next thing that the broker says, and hands it on if it is a message. */
  void next(Receiver receiver) throws IOException {
    int end = endOfLine();
    while (end == NOT_THERE) {
      fill();
      end = endOfLine();
    }
    int line = read;
    switch (in[line]) {
      case 'M', 'H' -> {
        parse(line, end - 1);
        int length = message.bodyTo; // parsed as lengths, made places now
        int headers = message.bodyFrom;
        while (filled < end + 1 + length + 2) {
          int before = read;
          fill(); // may move what is there
          int moved = before - read;
          end -= moved;
          message.subjectFrom -= moved;
          message.subjectTo -= moved;
          message.replyFrom -= moved;
          message.replyTo -= moved;
        }
        message.headersFrom = end + 1;
        message.bodyFrom = end + 1 + headers;
        message.bodyTo = end + 1 + length;
        read = message.bodyTo + 2;
        receiver.message(message);
      }
      case 'P' -> {
        read = end + 1;
        if (in[line + 1] == 'I') {
          write(PONG);
        }
      }
      case '-' -> throw new IOException("the broker says " + text(line, end));
      default -> read = end + 1; // INFO, +OK
    }
  }

  /** Of {@code MSG subject sid [reply] n} or {@code HMSG subject sid [reply] headers n}. */
  private void parse(int from, int to) {
    int fields = 1;
    for (int i = from; i < to; i++) {
      if (in[i] == ' ') {
        fields++;
      }
    }
    boolean headers = in[from] == 'H';
    int at = next(from, to);
    message.subjectFrom = at;
    at = next(at, to);
    message.subjectTo = at - 1;
    message.sid = (int) number(at, to);
    at = next(at, to);
    message.replyFrom = at;
    message.replyTo = at;
    if (fields == (headers ? 6 : 5)) {
      at = next(at, to);
      message.replyTo = at - 1;
    }
    message.bodyFrom = 0;
    if (headers) {
      message.bodyFrom = (int) number(at, to);
      at = next(at, to);
    }
    message.bodyTo = (int) number(at, to);
  }

  private int next(int from, int to) {
    int at = from;
    while (at < to && in[at] != ' ') {
      at++;
    }
    return at + 1;
  }

  private long number(int from, int to) {
    long number = 0;
    for (int at = from; at < to && in[at] >= '0' && in[at] <= '9'; at++) {
      number = number * 10 + in[at] - '0';
    }
    return number;
  }

  private int endOfLine() {
    for (int i = read; i < filled; i++) {
      if (in[i] == '\n') {
        return i;
      }
    }
    return NOT_THERE;
  }

  private void fill() throws IOException {
    flush();
    if (read > 0) {
      System.arraycopy(in, read, in, 0, filled - read);
      filled -= read;
      read = 0;
    }
    if (filled == in.length) {
      in = Arrays.copyOf(in, in.length * 2);
    }
    int more = from.read(in, filled, in.length - filled);
    if (more < 0) {
      throw new IOException("the broker has closed the connection");
    }
    filled += more;
  }

  private String text(int from, int to) {
    return to <= from ? "" : new String(in, from, to - from, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
