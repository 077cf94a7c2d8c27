package io.holdfast.orders.http;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.orders.OrderDesk;
import io.holdfast.runtime.http.Access;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whoever leaves gives the place back, at whatever moment, and whoever does not leave does so
 * too, and takes nothing of others along. Method: one place; a broker that stands still while the
 * first client's order is looked up and the client goes; an order that does not end.
 */
class FollowersWhoLeaveTest {

  private static final OrderCreated ORDER =
      new OrderCreated("ord_1", "c1", BigDecimal.TEN, "EUR", List.of(), null);

  private static final Duration USUAL = Duration.ofMinutes(10);
  private static final Pattern ID = Pattern.compile("\\nid: (\\d+)\\n");

  @TempDir Path folder;

  private final List<HttpServerResponse> asked = new CopyOnWriteArrayList<>();

  @Test
  void who_leaves_while_the_order_is_looked_up_gives_the_place_back() throws IOException {
    try (NatsServer broker = TestBroker.own(folder);
        Streams streams = new Streams(broker.url(), "", Set.of("ORDERS"))) {
      Vertx vertx = Vertx.vertx();
      AtomicLong ticks = new AtomicLong();
      assertThat(vertx.setPeriodic(20, id -> ticks.incrementAndGet()))
          .as("the number that a timer has which nobody has set")
          .isZero();
      OrderDesk desk = new OrderDesk(streams.events(), Clock.systemUTC());
      get(desk.place(ORDER, "a".repeat(32)));
      int port = serve(vertx, streams, desk, USUAL);
      broker.pause();
      try (Socket leaves = follow(port)) {
        eventually("the request is in process", () -> asked.size() == 1);
        assertThat(leaves.isConnected()).isTrue();
      }
      eventually("its end is noticed", () -> asked.getFirst().closed());
      broker.resume();

      eventually(
          "the next one has the place",
          () -> {
            try (Socket next = follow(port)) {
              return statusLine(next);
            }
          },
          line -> line.equals("HTTP/1.1 200 OK"));
      long before = ticks.get();
      eventually("others' timers go on", () -> ticks.get() > before + 1);
      get(vertx.close());
    }
  }

  @Test
  void who_follows_an_order_that_does_not_end_is_let_go_in_time_and_goes_on_where_it_was()
      throws IOException {
    try (Streams streams =
        new Streams(TestBroker.shared().url(), TestBroker.newNamespace(), Set.of("ORDERS"))) {
      Vertx vertx = Vertx.vertx();
      OrderDesk desk = new OrderDesk(streams.events(), Clock.systemUTC());
      get(desk.place(ORDER, "a".repeat(32)));
      int port = serve(vertx, streams, desk, Duration.ofSeconds(2));

      String first = untilItEnds(port, "");
      assertThat(first)
          .startsWith("HTTP/1.1 200 OK")
          .contains("retry: ", "event: OrderCreated")
          .endsWith("\r\n0\r\n\r\n"); // an end as of every response, not a connection that broke
      Matcher id = ID.matcher(first);
      assertThat(id.find()).isTrue();
      assertThat(untilItEnds(port, "Last-Event-ID: " + id.group(1) + "\r\n"))
          .as("the one place was given back")
          .startsWith("HTTP/1.1 200 OK")
          .doesNotContain("event: ");
      get(vertx.close());
    }
  }

  private static String untilItEnds(int port, String header) throws IOException {
    try (Socket follower = follow(port, header + "Connection: close\r\n")) {
      return new String(follower.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private int serve(Vertx vertx, Streams streams, OrderDesk desk, Duration longest) {
    Router router = Router.router(vertx);
    router
        .route()
        .handler(
            request -> {
              asked.add(request.response());
              request.next();
            });
    OrderFollowers followers = new OrderFollowers(vertx, streams.events(), desk, 1, longest);
    new OrderRoutes(desk, followers, Access.open(), "").mount(router);
    return get(
        vertx
            .createHttpServer()
            .requestHandler(router)
            .listen(0, "127.0.0.1")
            .map(HttpServer::actualPort));
  }

  private static Socket follow(int port) throws IOException {
    return follow(port, "");
  }

  private static Socket follow(int port, String headers) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(10_000);
    socket
        .getOutputStream()
        .write(
            ("GET /orders/ord_1/events HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static String statusLine(Socket socket) throws IOException {
    return new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
        .readLine();
  }
}
