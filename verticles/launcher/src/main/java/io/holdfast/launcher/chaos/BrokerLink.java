package io.holdfast.launcher.chaos;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * The wire between one service and its broker, which can be cut and can lose acknowledgements. A
 * cut is silent: connections stay open, new ones are taken, and nothing comes through, as with a
 * network that drops packets; what was under way arrives when it is healed.
 *
 * <p>Methods may be called on any thread.
 */
public final class BrokerLink {

  private static final int CONNECT_MILLIS = 1_000;

  private final Vertx vertx;
  private final Context context;
  private final NetClient client;
  private final List<SocketAddress> brokers;
  private final Random dice;

  // The event loop's alone.
  private final Set<NetSocket> open = new HashSet<>();
  private int next;
  private boolean cut;
  private double lostAcks;

  /**
   * @param brokers of a cluster, or the only one; the first that takes a connection gets it
   */
  public BrokerLink(Vertx vertx, List<SocketAddress> brokers, long seed) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.client =
        vertx.createNetClient(
            new NetClientOptions().setConnectTimeout(CONNECT_MILLIS).setTcpNoDelay(true));
    this.brokers = List.copyOf(brokers);
    this.dice = new Random(seed);
  }

  /** Listens on a free port of the loopback address, which the future tells. */
  public Future<Integer> listen() {
    Promise<Integer> port = Promise.promise();
    context.runOnContext(
        v ->
            vertx
                .createNetServer()
                .connectHandler(this::connected)
                .listen(0, "127.0.0.1")
                .map(server -> server.actualPort())
                .onComplete(port));
    return port.future();
  }

  public void cut() {
    context.runOnContext(
        v -> {
          cut = true;
          open.forEach(NetSocket::pause);
        });
  }

  public void heal() {
    context.runOnContext(
        v -> {
          cut = false;
          open.forEach(NetSocket::resume);
        });
  }

  /**
   * @param share of the acknowledgements, 0 to 1
   */
  public void loseAcks(double share) {
    context.runOnContext(v -> lostAcks = share);
  }

  private void connected(NetSocket service) {
    service.pause();
    add(service);
    connect(service, brokers.size());
  }

  /** Tries one broker after the other, beginning with another one each time. */
  private void connect(NetSocket service, int tries) {
    if (tries == 0) {
      service.close();
      return;
    }
    client
        .connect(brokers.get(next++ % brokers.size()))
        .onFailure(refused -> connect(service, tries - 1))
        .onSuccess(broker -> join(service, broker));
  }

  private void join(NetSocket service, NetSocket broker) {
    add(broker);
    AckLoss loss = new AckLoss(() -> lostAcks > 0 && dice.nextDouble() < lostAcks);
    broker.handler(arrived -> pass(broker, service, arrived));
    service.handler(arrived -> pass(service, broker, loss.pass(arrived)));
    service.closeHandler(
        v -> {
          open.remove(service);
          broker.close();
        });
    broker.closeHandler(
        v -> {
          open.remove(broker);
          service.close();
        });
    if (cut) {
      broker.pause();
    } else {
      service.resume();
    }
  }

  private void add(NetSocket socket) {
    open.add(socket);
    socket.exceptionHandler(gone -> socket.close());
    socket.closeHandler(v -> open.remove(socket));
  }

  private void pass(NetSocket from, NetSocket to, io.vertx.core.buffer.Buffer what) {
    if (what.length() == 0) {
      return;
    }
    to.write(what);
    if (to.writeQueueFull()) {
      from.pause();
      to.drainHandler(
          v -> {
            if (!cut) {
              from.resume();
            }
          });
    }
  }
}
