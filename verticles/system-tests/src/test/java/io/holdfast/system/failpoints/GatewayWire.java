package io.holdfast.system.failpoints;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The wire between payments and the gateway: requests and answers pass as the trap lets them. */
final class GatewayWire implements AutoCloseable {

  private static final Pattern ORDER_ID = Pattern.compile("metadata\\[order_id]=([A-Za-z0-9_-]+)");

  private static final int BACKLOG = 200;

  private final int gatewayPort;
  private final Trap trap;
  private final Races races;
  private final ServerSocket server;

  GatewayWire(int gatewayPort, Trap trap, Races races) {
    this.gatewayPort = gatewayPort;
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
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket payments = server.accept();
        int life = trap.life();
        Thread.ofVirtual().start(() -> serve(payments, life));
      } catch (IOException closed) {
        // or gone before it was accepted
      }
    }
  }

  private void serve(Socket payments, int life) {
    try (payments) {
      payments.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(payments.getInputStream());
      for (HttpMessage request = HttpMessage.read(in);
          request != null;
          request = HttpMessage.read(in)) {
        Sent sent = sent(request);
        if (!trap.mayLeave(life, sent)) {
          return;
        }
        HttpMessage answer = ask(request);
        if (!trap.mayAnswer(life, sent, answer.status())) {
          return;
        }
        if (answer.status().equals("200")
            && races.holdsCharge(sent)
            && !NatsWire.await(trap, life, () -> races.isVoided(sent.orderId()))) {
          return;
        }
        payments.getOutputStream().write(answer.bytes().getBytes());
      }
    } catch (IOException gone) {
      // payments sees its connection end, and tries again
    }
  }

  private Sent sent(HttpMessage request) {
    String form = URLDecoder.decode(request.body(), StandardCharsets.UTF_8);
    Matcher order = ORDER_ID.matcher(form);
    String orderId = order.find() ? order.group(1) : "";
    return new Sent(request.target(), orderId, races.kindOf(orderId), form, List.of(), false);
  }

  /** On a connection of its own, so that none has ended while it was idle. */
  private HttpMessage ask(HttpMessage request) throws IOException {
    try (Socket gateway = new Socket(InetAddress.getLoopbackAddress(), gatewayPort)) {
      gateway.setTcpNoDelay(true);
      gateway.getOutputStream().write(request.bytes().getBytes());
      HttpMessage answer = HttpMessage.read(new BufferedInputStream(gateway.getInputStream()));
      if (answer == null) {
        throw new EOFException("the gateway gave no answer");
      }
      return answer;
    }
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
