package io.holdfast.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SocketAddress;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BrokerLinkTest {

  private final Vertx vertx = Vertx.vertx();
  private final BlockingQueue<String> atBroker = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> atService = new LinkedBlockingQueue<>();
  private BrokerLink link;
  private int port;

  @BeforeEach
  void listen() throws Exception {
    NetServer broker =
        vertx
            .createNetServer()
            .connectHandler(
                socket -> {
                  socket.write("INFO {}\r\n");
                  socket.handler(
                      heard -> {
                        atBroker.add(heard.toString());
                        socket.write("OK " + heard);
                      });
                })
            .listen(0, "127.0.0.1")
            .await(5, TimeUnit.SECONDS);
    int nobody = 1; // refuses connections
    link =
        new BrokerLink(
            vertx,
            List.of(
                SocketAddress.inetSocketAddress(nobody, "127.0.0.1"),
                SocketAddress.inetSocketAddress(broker.actualPort(), "127.0.0.1")),
            1);
    port = link.listen().await(5, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    vertx.close().await(5, TimeUnit.SECONDS);
  }

  @Test
  void what_is_said_comes_through_both_ways_even_if_one_broker_is_not_there() throws Exception {
    NetSocket service = connect();

    assertThat(atService.poll(5, TimeUnit.SECONDS)).isEqualTo("INFO {}\r\n");
    service.write("PING\r\n");

    assertThat(atBroker.poll(5, TimeUnit.SECONDS)).isEqualTo("PING\r\n");
    assertThat(atService.poll(5, TimeUnit.SECONDS)).isEqualTo("OK PING\r\n");
  }

  @Test
  void a_cut_is_silent_and_what_was_under_way_arrives_when_it_is_healed() throws Exception {
    NetSocket service = connect();
    assertThat(atService.poll(5, TimeUnit.SECONDS)).isEqualTo("INFO {}\r\n");
    link.cut();
    NetSocket another = connect(); // is taken, as nobody says that the wire is cut
    service.write("PING\r\n");
    another.write("PING\r\n");

    assertThat(atBroker.poll(300, TimeUnit.MILLISECONDS)).isNull();
    assertThat(atService).isEmpty();

    link.heal();
    assertThat(atBroker.poll(5, TimeUnit.SECONDS)).isEqualTo("PING\r\n");
    assertThat(atBroker.poll(5, TimeUnit.SECONDS)).isEqualTo("PING\r\n");
  }

  @Test
  void acknowledgements_are_lost_while_they_shall_be() throws Exception {
    NetSocket service = connect();
    assertThat(atService.poll(5, TimeUnit.SECONDS)).isEqualTo("INFO {}\r\n");
    link.loseAcks(1);
    service.write("PUB $JS.ACK.a 4\r\n+ACK\r\nPING\r\n");
    assertThat(atBroker.poll(5, TimeUnit.SECONDS)).isEqualTo("PING\r\n");

    link.loseAcks(0);
    service.write("PUB $JS.ACK.b 4\r\n+ACK\r\n");
    assertThat(atBroker.poll(5, TimeUnit.SECONDS)).isEqualTo("PUB $JS.ACK.b 4\r\n+ACK\r\n");
  }

  private NetSocket connect() throws Exception {
    // On the event loop, before anything can be heard: without a handler it would be dropped.
    return vertx
        .createNetClient()
        .connect(port, "127.0.0.1")
        .map(socket -> socket.handler((Buffer heard) -> atService.add(heard.toString())))
        .await(5, TimeUnit.SECONDS);
  }
}
