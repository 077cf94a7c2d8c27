package io.holdfast.orders.http;

import io.holdfast.events.Domain;
import io.holdfast.orders.OrderDesk;
import io.holdfast.orders.OrderDesk.View;
import io.holdfast.orders.domain.Order;
import io.holdfast.orders.domain.Order.Cancelled;
import io.holdfast.runtime.http.HttpShell;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.EventStreams.Watch;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Server-sent events of one order until its final state. What is sent is always read from the
 * stream; a message on the order's subjects is only the sign to read.
 *
 * <p>An order whose message lies in DEADLETTERS may be days from its final state, and a client that
 * is asleep does not leave. So nobody is told for longer than ten minutes by one response; who is
 * still there comes again, as after every end, and goes on where it was.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">Server-sent
 *     events</a>
 */
public final class OrderFollowers {

  /**
   * Signs may be lost with a connection, so everybody looks now and then; that also keeps proxies
   * awake.
   */
  private static final long LOOK_MILLIS = 2_000;

  /** A sign comes when a fact is published, a moment before it can be read. */
  private static final long SETTLE_MILLIS = 5;

  private static final int MAX_SETTLE_READS = 6;

  private static final int MAX_FOLLOWERS = 1_000;

  /** Far above what an order takes that nothing keeps waiting. */
  private static final Duration LONGEST = Duration.ofMinutes(10);

  /** After which a client whose connection was lost comes again; all of a replica's at once. */
  private static final int RETRY_MILLIS = 2_000;

  private static final String LAST_EVENT_ID = "Last-Event-ID";

  private final Vertx vertx;
  private final EventStreams streams;
  private final OrderDesk desk;
  private final int places;
  private final Duration longest;
  private final AtomicInteger following = new AtomicInteger();

  public OrderFollowers(Vertx vertx, EventStreams streams, OrderDesk desk) {
    this(vertx, streams, desk, MAX_FOLLOWERS, LONGEST);
  }

  /**
   * @param places followers at a time; more are sent away
   * @param longest after which a response ends, whatever the order's state is
   */
  OrderFollowers(Vertx vertx, EventStreams streams, OrderDesk desk, int places, Duration longest) {
    this.vertx = vertx;
    this.streams = streams;
    this.desk = desk;
    this.places = places;
    this.longest = longest;
  }

  /**
   * Takes the request over; ends it with the order's final state, when the client leaves, or when
   * it has taken long enough. Whoever names the last event that it has is told what came after it.
   *
   * @param view of the order, a moment ago
   */
  void follow(String orderId, View view, RoutingContext request) {
    long toldUpTo = toldUpTo(view, request.request().getHeader(LAST_EVENT_ID));
    if (view.state().isFinal() && view.facts().getLast().sequence() == toldUpTo) {
      // A browser comes again after every end of the stream, until it is told that this was all.
      request.response().setStatusCode(204).end();
      return;
    }
    if (following.get() >= places) {
      Problem.overloaded().send(request);
      return;
    }
    following.incrementAndGet();
    HttpShell.staysOpen(request);
    HttpServerResponse response = request.response();
    response
        .putHeader("Content-Type", "text/event-stream")
        .putHeader("Cache-Control", "no-store")
        .setChunked(true);
    new Follower(orderId, toldUpTo, response).begin();
  }

  /** An id that is not one of the order's says nothing about what the client has. */
  private static long toldUpTo(View view, String lastEventId) {
    return view.facts().stream()
        .map(Stored::sequence)
        .filter(sequence -> Long.toString(sequence).equals(lastEventId))
        .findFirst()
        .orElse(0L);
  }

  private final class Follower {
    private final String orderId;
    private final HttpServerResponse response;
    private final AtomicInteger signs = new AtomicInteger();
    private Watch watch = () -> {};
    private long timer = -1; // 0 is a timer's number, and would be somebody else's
    private long limit = -1;
    private long sentUpTo;
    private boolean reading;
    private boolean over;

    Follower(String orderId, long toldUpTo, HttpServerResponse response) {
      this.orderId = orderId;
      this.sentUpTo = toldUpTo;
      this.response = response;
    }

    void begin() {
      response.closeHandler(gone -> end());
      response.exceptionHandler(gone -> end());
      if (response.closed()) { // while the order was looked up; the handlers came too late for that
        end();
        return;
      }
      response.write("retry: " + RETRY_MILLIS + "\n\n");
      try {
        watch = streams.watch(Domain.ORDERS, orderId, () -> look(0));
      } catch (BrokerException disconnected) {
        // looking now and then will do
      }
      timer =
          vertx.setPeriodic(
              LOOK_MILLIS,
              id -> {
                response.write(": still here\n\n");
                look(MAX_SETTLE_READS);
              });
      limit = vertx.setTimer(longest.toMillis(), id -> end());
      look(MAX_SETTLE_READS);
    }

    private void look(int tries) {
      signs.incrementAndGet();
      if (reading || over) {
        return;
      }
      reading = true;
      int seen = signs.get();
      desk.view(orderId)
          .onComplete(
              done -> {
                reading = false;
                if (over) {
                  return;
                }
                boolean news = done.succeeded() && send(done.result());
                if (over) {
                  return;
                }
                if (signs.get() != seen) {
                  look(tries);
                } else if (!news && tries < MAX_SETTLE_READS) {
                  vertx.setTimer(SETTLE_MILLIS << tries, id -> look(tries + 1));
                }
              });
    }

    /** Whether there was anything new. */
    private boolean send(View view) {
      boolean news = false;
      for (int i = 0; i < view.facts().size(); i++) {
        Stored fact = view.facts().get(i);
        if (fact.sequence() > sentUpTo) {
          sentUpTo = fact.sequence();
          news = true;
          response.write(event(fact, state(view, i)));
        }
      }
      if (view.state().isFinal()) {
        end();
      }
      return news;
    }

    private Order state(View view, int upTo) {
      List<Stored> soFar = view.facts().subList(0, upTo + 1);
      return Order.of(soFar.stream().map(stored -> stored.envelope().event()).toList());
    }

    private String event(Stored fact, Order state) {
      JsonObject data =
          OrderRoutes.json(fact).put("order_id", orderId).put("status", state.status());
      if (state instanceof Cancelled cancelled) {
        data.put("reason", cancelled.reason().wireName());
      }
      return "event: "
          + fact.envelope().type().typeName()
          + "\nid: "
          + fact.sequence()
          + "\ndata: "
          + data.encode()
          + "\n\n";
    }

    private void end() {
      if (over) {
        return;
      }
      over = true;
      following.decrementAndGet();
      vertx.cancelTimer(timer);
      vertx.cancelTimer(limit);
      watch.close();
      if (!response.ended() && !response.closed()) {
        response.end();
      }
    }
  }
}
