package io.holdfast.system.failpoints;

import io.holdfast.system.failpoints.NatsFrames.Frame;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The wire between one service and the broker. Everything passes as it is, one message after the
 * other, as long as the trap lets it.
 */
final class NatsWire implements AutoCloseable {

  private static final String ACK = "$JS.ACK.";
  private static final int BACKLOG = 50;
  private static final long LOOK_NANOS = 2_000_000;

  private final int brokerPort;
  private final Trap trap;
  private final Races races;
  private final ServerSocket server;
  private volatile boolean tooEarly;

  NatsWire(int brokerPort, Trap trap, Races races) {
    this.brokerPort = brokerPort;
    this.trap = trap;
    this.races = races;
    try {
      this.server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "nats://127.0.0.1:" + server.getLocalPort();
  }

  /**
   * From now on the broker gets a message's acknowledgement when it is delivered, as from a service
   * that acknowledges before the effect: the trial must find what that does.
   */
  void acknowledgeTooEarly() {
    tooEarly = true;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Link link = new Link(server.accept());
        Thread.ofVirtual().start(link::toBroker);
        Thread.ofVirtual().start(link::toService);
      } catch (IOException closedOrNoBroker) {
        // the service connects again
      }
    }
  }

  /** One connection. */
  private final class Link {
    private final int life = trap.life();
    private final Socket service;
    private final Socket broker;
    private final OutputStream brokersSide;
    private final Map<String, Sent> unanswered = new ConcurrentHashMap<>();
    private final Map<String, String> deliveredAs = new ConcurrentHashMap<>();

    // The thread's that reads from the service.
    private final Map<String, List<String>> batches = new HashMap<>();

    Link(Socket service) throws IOException {
      this.service = service;
      service.setTcpNoDelay(true);
      try {
        this.broker = new Socket(InetAddress.getLoopbackAddress(), brokerPort);
        broker.setTcpNoDelay(true);
        this.brokersSide = broker.getOutputStream();
      } catch (IOException e) {
        service.close();
        throw e;
      }
    }

    void toBroker() {
      try {
        NatsFrames frames = new NatsFrames(service.getInputStream());
        Frame frame = frames.next();
        while (frame != null && pass(frame)) {
          frame = frames.next();
        }
      } catch (IOException gone) {
        // as when the service has ended
      }
      try {
        broker.shutdownOutput(); // what was sent before arrives
        service.close();
      } catch (IOException closedAlready) {
        // by the broker
      }
    }

    private boolean pass(Frame frame) throws IOException {
      if (!frame.published()) {
        write(frame);
        return trap.lives(life);
      }
      boolean settles = frame.subject().startsWith(ACK);
      if (settles && tooEarly) {
        return trap.lives(life); // the broker has had it
      }
      Sent sent = settles ? settlement(frame) : publication(frame);
      if (!trap.mayLeave(life, sent)) {
        return false;
      }
      if (!frame.reply().isEmpty()) {
        unanswered.put(frame.reply(), sent);
      }
      if (races.holdsConfirmation(sent)) {
        Thread.ofVirtual()
            .start(
                () -> {
                  if (await(trap, life, () -> races.isCancelled(sent.orderId()))) {
                    writeQuietly(frame);
                  }
                });
        return true;
      }
      write(frame);
      return trap.hasLeft(life, sent);
    }

    /** The word, such as +ACK, and the consumer; about the order that was delivered. */
    private Sent settlement(Frame frame) {
      String subject = deliveredAs.getOrDefault(frame.subject(), "");
      String word = frame.text().split("[ {]", 2)[0];
      if (!word.equals("+WPI")) {
        deliveredAs.remove(frame.subject());
      }
      String orderId = Races.orderId(subject);
      return new Sent(
          word + " " + consumer(frame.subject()),
          orderId,
          races.kindOf(orderId),
          "",
          List.of(),
          false);
    }

    private Sent publication(Frame frame) {
      String orderId = Races.orderId(frame.subject());
      String body = frame.text();
      String batchId = header(frame, "Nats-Batch-Id");
      boolean commit = !header(frame, "Nats-Batch-Commit").isEmpty();
      List<String> batch = List.of();
      if (!batchId.isEmpty()) {
        List<String> soFar = batches.computeIfAbsent(batchId, id -> new ArrayList<>());
        soFar.add(frame.subject());
        batch = List.copyOf(soFar);
        if (commit) {
          batches.remove(batchId);
        }
      }
      Kind kind = races.kind(frame.subject(), body, orderId);
      return new Sent(frame.subject(), orderId, kind, body, batch, commit);
    }

    void toService() {
      try (service;
          broker) {
        NatsFrames frames = new NatsFrames(broker.getInputStream());
        OutputStream servicesSide = service.getOutputStream();
        for (Frame frame = frames.next(); frame != null; frame = frames.next()) {
          if (mayArrive(frame)) {
            servicesSide.write(frame.bytes().getBytes());
          }
        }
      } catch (IOException gone) {
        // one of the two; the other is told by closing
      }
    }

    private boolean mayArrive(Frame frame) throws IOException {
      if (!trap.lives(life)) {
        return false; // read on all the same, so that nothing that was sent gets lost
      }
      if (!frame.delivered()) {
        return true;
      }
      if (frame.reply().startsWith(ACK)) {
        deliveredAs.put(frame.reply(), frame.subject());
        if (tooEarly) {
          writeText("PUB " + frame.reply() + " 4\r\n+ACK\r\n");
        }
        return true;
      }
      Sent asked = unanswered.remove(frame.subject());
      if (asked == null) {
        return true;
      }
      String answer = stored(frame) ? FailPoint.STORED : "";
      if (!answer.isEmpty()) {
        races.stored(asked);
      }
      return trap.mayAnswer(life, asked, answer);
    }

    private boolean stored(Frame frame) {
      String text = frame.text();
      return text.startsWith("{\"stream\":") && text.contains("\"seq\":");
    }

    private void write(Frame frame) throws IOException {
      synchronized (brokersSide) {
        brokersSide.write(frame.bytes().getBytes());
      }
    }

    private void writeText(String text) throws IOException {
      synchronized (brokersSide) {
        brokersSide.write(text.getBytes(StandardCharsets.US_ASCII));
      }
    }

    private void writeQuietly(Frame frame) {
      try {
        write(frame);
      } catch (IOException gone) {
        // and the frame with it
      }
    }
  }

  /** Waits for it; false if the process died meanwhile. */
  static boolean await(Trap trap, int life, BooleanSupplier over) {
    long deadline = System.nanoTime() + Races.PATIENCE.toNanos();
    while (!over.getAsBoolean() && System.nanoTime() - deadline < 0 && trap.lives(life)) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return trap.lives(life);
  }

  /** From {@code $JS.ACK.<stream>.<consumer>.…}, or with a domain and an account before these. */
  private static String consumer(String ackSubject) {
    String[] tokens = ackSubject.split("\\.", -1);
    return tokens[tokens.length > 9 ? 5 : 3];
  }

  private static String header(Frame frame, String name) {
    int at = frame.headers().indexOf("\r\n" + name + ":");
    if (at < 0) {
      return "";
    }
    int from = at + name.length() + 3;
    return frame.headers().substring(from, frame.headers().indexOf("\r\n", from)).strip();
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
