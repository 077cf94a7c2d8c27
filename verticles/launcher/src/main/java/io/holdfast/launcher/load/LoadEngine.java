package io.holdfast.launcher.load;

import io.holdfast.launcher.load.LoadPlan.Pace;
import io.holdfast.launcher.load.LoadPlan.Until;
import io.holdfast.launcher.load.OrderEnds.End;
import io.holdfast.launcher.load.OrderEnds.What;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.core.tracing.TracingPolicy;
import java.net.ConnectException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/**
 * Customers who place orders by a plan, and wait for what becomes of them. One event loop does it
 * all; every latency counts from the moment at which a customer was due, also if the request could
 * only be sent later.
 *
 * <p>Every request has a connection to itself (HTTP/1.1, kept alive, nothing pipelined). Nothing is
 * sent twice. Methods may be called on any thread; one plan at a time.
 */
public final class LoadEngine implements AutoCloseable {

  /** No thread sleeps exactly; customers that are due within it are sent together. */
  private static final long LEAST_SLEEP_NANOS = 100_000;

  private static final long LOOK_MILLIS = 50;

  /** After which a customer of a closed loop who was not served makes room for another. */
  private static final long REFUSED_MILLIS = 100;

  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
  private static final String ORDER_ID = "\"order_id\":\"";

  /** Ends of orders that nobody has accepted, yet; those of others are forgotten in time. */
  private static final int UNCLAIMED = 200_000;

  private final Vertx vertx;
  private final Context context;
  private final HttpClientAgent client;
  private final HttpConnectOptions where;
  private final RequestOptions request;
  private final Supplier<Buffer> bodies;
  private final OrderEnds ends;
  private final Consumer<String> promised;

  /** What {@link System#nanoTime} lacks to the nanoseconds of the clock. */
  private final long epochOffset;

  // The event loop's alone.
  private final ArrayDeque<HttpClientConnection> idle = new ArrayDeque<>();
  private final Map<String, Open> open = new HashMap<>();
  private final Map<String, List<End>> unclaimed =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, List<End>> eldest) {
          return size() > UNCLAIMED;
        }
      };
  private Run run;
  private Future<Void> following;

  private volatile LoadProgress progress = LoadProgress.NONE;

  /** An accepted order that is not at its end. */
  private static final class Open {
    final long due;
    final boolean counts;
    boolean settled; // confirmed or cancelled
    boolean done;

    Open(long due, boolean counts) {
      this.due = due;
      this.counts = counts;
    }
  }

  /** A request under way. */
  private static final class Flight {
    final long due;
    final long sent;
    HttpClientRequest request;
    boolean over;

    Flight(long due, long sent) {
      this.due = due;
      this.sent = sent;
    }
  }

  /**
   * @param orders base address
   * @param bodies asked on the event loop, for each request in turn
   * @param ends closed with this
   * @param promised told, on the event loop, of every order that was accepted
   * @param token the customers', where orders are taken from those alone who have one
   */
  public LoadEngine(
      Vertx vertx,
      URI orders,
      Supplier<Buffer> bodies,
      OrderEnds ends,
      Consumer<String> promised,
      Optional<String> token) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    boolean tls = "https".equals(orders.getScheme());
    int port = orders.getPort() > 0 ? orders.getPort() : tls ? 443 : 80;
    this.client =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setSsl(tls)
                .setTcpNoDelay(true)
                .setTracingPolicy(TracingPolicy.IGNORE)
                .setConnectTimeout(CONNECT_TIMEOUT_MILLIS));
    this.where = new HttpConnectOptions().setHost(orders.getHost()).setPort(port).setSsl(tls);
    String path = orders.getPath() == null ? "" : orders.getPath();
    this.request =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setHost(orders.getHost())
            .setPort(port)
            .setSsl(tls)
            .setURI((path.endsWith("/") ? path.substring(0, path.length() - 1) : path) + "/orders")
            .putHeader("Content-Type", "application/json");
    token.ifPresent(known -> request.putHeader("Authorization", "Bearer " + known));
    this.bodies = bodies;
    this.ends = ends;
    this.promised = promised;
    Instant now = Instant.now();
    this.epochOffset = now.getEpochSecond() * 1_000_000_000L + now.getNano() - System.nanoTime();
  }

  /** Completes when all orders are at their ends, or nothing more is to be waited for. */
  public Future<LoadResult> run(LoadPlan plan) {
    Promise<LoadResult> result = Promise.promise();
    context.runOnContext(
        v -> {
          if (following == null) {
            following = ends.begin(some -> context.runOnContext(now -> some.forEach(this::became)));
          }
          following.onComplete(
              begun ->
                  context.runOnContext(
                      now -> {
                        if (begun.failed()) {
                          result.fail(begun.cause());
                        } else {
                          run = new Run(plan, result);
                          run.begin();
                        }
                      }));
        });
    return result.future();
  }

  public LoadProgress progress() {
    return progress;
  }

  /** No more customers come; what is under way is waited for as planned. */
  public void stop() {
    context.runOnContext(
        v -> {
          if (run != null) {
            run.lastCall();
          }
        });
  }

  @Override
  public void close() {
    ends.close();
    client.close();
  }

  private void became(End end) {
    Open order = open.get(end.orderId());
    if (order == null) {
      unclaimed.computeIfAbsent(end.orderId(), id -> new ArrayList<>(2)).add(end);
    } else {
      became(end, order);
    }
  }

  private void became(End end, Open order) {
    run.became(end.what(), order, end.epochNanos() - epochOffset);
    if (end.what() == What.DONE) {
      order.done = true;
    } else {
      order.settled = true;
    }
    if (order.done && order.settled) {
      open.remove(end.orderId());
      run.ended();
    }
  }

  /** One plan, from its first customer to the last order's end. */
  private final class Run {
    private final LoadPlan plan;
    private final Promise<LoadResult> result;
    private final Schedule schedule; // null in a closed loop
    private final long countsFrom;
    private final long lastCall;
    private final Thread door;
    private final Histogram accept = new Histogram(Latency.DIGITS);
    private final Histogram refused = new Histogram(Latency.DIGITS);
    private final Histogram wire = new Histogram(Latency.DIGITS);
    private final Histogram confirmed = new Histogram(Latency.DIGITS);
    private final Histogram end = new Histogram(Latency.DIGITS);
    private final Map<String, Long> errors = new TreeMap<>();
    private final ArrayDeque<Flight> flights = new ArrayDeque<>();

    private long timer = -1;
    private long sent;
    private long answered;
    private long accepted; // all of them, the warm-up's included
    private long failed;
    private long followed;
    private long done;
    private long total = Long.MAX_VALUE; // customers that come at all, once that is known
    private int underWay;
    private int stayingAway; // after an error; in a closed loop their places stay empty a little
    private long waitingForEnd;
    private long heldUpTo;
    private long lastStep = System.nanoTime();
    private long stopped; // when the last customer had come
    private boolean gaveUp; // what is not sent by now is not sent at all
    private boolean over;

    // Of customers that count.
    private long cameThatCount;
    private long answeredThatCount;
    private long acceptedThatCount;
    private long followedThatCount;
    private long doneThatCount;
    private long doneInTime;
    private long cancelledThatCount;
    private long heldBack;
    private long late;
    private long behind = -1;
    private long lastAnswer;
    private long lastEnd;
    private volatile boolean coming = true;
    private volatile boolean full; // all connections are in use, and somebody waits for one

    Run(LoadPlan plan, Promise<LoadResult> result) {
      this.plan = plan;
      this.result = result;
      long begin = System.nanoTime();
      this.countsFrom = begin + plan.warmUp().toNanos();
      this.lastCall = countsFrom + plan.duration().toNanos();
      this.lastAnswer = countsFrom;
      this.lastEnd = countsFrom;
      this.schedule =
          plan.pace() instanceof Pace.Open steady ? new Schedule(begin, steady.perSecond()) : null;
      this.door = new Thread(this::keepDoor, "load");
      door.setDaemon(true);
    }

    void begin() {
      timer = vertx.setPeriodic(LOOK_MILLIS, id -> look());
      if (schedule != null) {
        total = Math.min(plan.most(), schedule.dueBy(lastCall - 1));
        door.start();
      } else {
        total = plan.most();
      }
      send();
    }

    /** An event loop's timers know milliseconds only, and latencies here are less than one. */
    private void keepDoor() {
      for (long next = 0; coming && next < total; ) {
        long now = System.nanoTime();
        long wait = schedule.due(next) - now;
        if (wait > 0) {
          LockSupport.parkNanos(Math.max(wait, LEAST_SLEEP_NANOS));
        } else {
          next = schedule.dueBy(now);
          if (!full) {
            context.runOnContext(v -> send());
          }
        }
      }
    }

    private void send() {
      if (schedule == null) {
        sendAsThereIsRoom();
        return;
      }
      long now = System.nanoTime();
      while (sent < total && !gaveUp && schedule.due(sent) <= now) {
        if (underWay == plan.connections()) {
          full = true; // whoever gets an answer makes room
          return;
        }
        if (full) {
          full = false;
          now = System.nanoTime(); // whoever came until here was not announced
          heldUpTo = Math.min(total, schedule.dueBy(now));
        }
        long due = schedule.due(sent);
        boolean held = sent < heldUpTo;
        if (due >= countsFrom) {
          if (held) {
            heldBack++;
          } else if (now - due > LoadResult.LATE_MICROS * 1_000) {
            late++;
          }
        }
        send(due, now);
      }
    }

    private void sendAsThereIsRoom() {
      Pace.Closed loop = (Pace.Closed) plan.pace();
      while (coming
          && sent < total
          && underWay < plan.connections()
          && underWay + stayingAway + (loop.until() == Until.ENDED ? waitingForEnd : 0)
              < loop.orders()) {
        long now = System.nanoTime();
        if (now >= lastCall) {
          lastCall();
          return;
        }
        send(now, now);
      }
    }

    private void send(long due, long now) {
      sent++;
      underWay++;
      if (due >= countsFrom) {
        cameThatCount++;
      }
      Flight flight = new Flight(due, now);
      flights.add(flight);
      HttpClientConnection connection = idle.poll();
      if (connection != null) {
        send(flight, connection);
        return;
      }
      client
          .connect(where)
          .onComplete(
              (made, failure) -> {
                if (failure != null) {
                  failed(flight, failure);
                  return;
                }
                made.closeHandler(gone -> idle.remove(made));
                if (flight.over) {
                  idle.add(made);
                } else {
                  send(flight, made);
                }
              });
    }

    private void send(Flight flight, HttpClientConnection connection) {
      connection
          .request(request)
          .onComplete(
              (post, failure) -> {
                if (failure != null) {
                  failed(flight, failure);
                  return;
                }
                flight.request = post;
                post.send(bodies.get())
                    .onComplete(
                        (response, noResponse) -> {
                          if (noResponse != null) {
                            failed(flight, noResponse);
                          } else {
                            read(flight, connection, response);
                          }
                        });
              });
    }

    private void read(Flight flight, HttpClientConnection connection, HttpClientResponse response) {
      response
          .body()
          .onComplete(
              (body, failure) -> {
                if (failure != null) {
                  failed(flight, failure);
                  return;
                }
                if (!"close".equalsIgnoreCase(response.getHeader("Connection"))) {
                  idle.push(connection);
                }
                if (flight.over) {
                  return;
                }
                long now = System.nanoTime();
                int status = response.statusCode();
                if (status / 100 == 2) {
                  accepted(flight, body, now);
                  over(flight, now);
                } else {
                  failed(flight, "status " + status, now);
                }
              });
    }

    private void accepted(Flight flight, Buffer body, long now) {
      accepted++;
      boolean counts = flight.due >= countsFrom;
      if (counts) {
        acceptedThatCount++;
        record(accept, now - flight.due);
        record(wire, now - flight.sent);
      }
      String orderId = orderId(body);
      if (orderId == null) {
        return; // another's service; nothing more can be known of it
      }
      promised.accept(orderId);
      if (!ends.follows(orderId)) {
        return;
      }
      followed++;
      waitingForEnd++;
      if (counts) {
        followedThatCount++;
      }
      Open order = new Open(flight.due, counts);
      open.put(orderId, order);
      List<End> before = unclaimed.remove(orderId);
      if (before != null) {
        before.forEach(known -> LoadEngine.this.became(known, order));
      }
    }

    void became(What what, Open order, long at) {
      lastStep = System.nanoTime();
      if (what == What.DONE) {
        done++;
        waitingForEnd--;
        if (order.counts) {
          doneThatCount++;
          record(end, at - order.due);
          lastEnd = Math.max(lastEnd, at);
        }
        if (at >= countsFrom && at < (coming ? lastCall : stopped)) {
          doneInTime++;
        }
      } else if (order.counts) {
        lastEnd = Math.max(lastEnd, at);
        if (what == What.CONFIRMED) {
          record(confirmed, at - order.due);
        } else {
          cancelledThatCount++;
        }
      }
    }

    /** An order is at its end. */
    void ended() {
      if (!coming) {
        look();
      } else if (schedule == null) {
        send();
      }
    }

    private static void record(Histogram histogram, long nanos) {
      histogram.recordValue(Math.max(0, nanos / 1_000));
    }

    private void failed(Flight flight, Throwable failure) {
      if (!flight.over) {
        failed(flight, kind(failure), System.nanoTime());
      }
    }

    private void failed(Flight flight, String kind, long now) {
      failed++;
      if (flight.due >= countsFrom) {
        errors.merge(kind, 1L, Long::sum);
        record(refused, now - flight.due);
      }
      if (schedule == null) {
        stayingAway++;
        vertx.setTimer(
            REFUSED_MILLIS,
            id -> {
              stayingAway--;
              send();
            });
      }
      over(flight, now);
    }

    private void over(Flight flight, long now) {
      flight.over = true;
      flight.request = null;
      answered++;
      underWay--;
      lastStep = now;
      if (flight.due >= countsFrom) {
        answeredThatCount++;
        lastAnswer = now;
      }
      send();
      if (!coming || sent == total) {
        look();
      }
    }

    /** What has no answer by now gets none, and its connection is of no use any more. */
    private void giveUp(long now) {
      long limit = plan.answerLimit().toNanos();
      for (Flight oldest = flights.peek(); oldest != null; oldest = flights.peek()) {
        if (!oldest.over && now - oldest.sent < limit) {
          return;
        }
        flights.poll(); // first, as what follows may come by here again
        if (!oldest.over) {
          HttpClientRequest open = oldest.request;
          failed(oldest, "no answer within " + plan.answerLimit().toMillis() + " ms", now);
          if (open != null) {
            open.reset();
          }
        }
      }
    }

    void lastCall() {
      if (coming) {
        coming = false;
        stopped = Math.min(lastCall, System.nanoTime());
        LockSupport.unpark(door);
        if (schedule == null) {
          total = sent;
        } else {
          total = Math.min(total, schedule.dueBy(System.nanoTime()));
        }
        look();
      }
    }

    void look() {
      if (over) {
        return;
      }
      long now = System.nanoTime();
      giveUp(now);
      if (coming && (now >= lastCall || (sent == total && schedule == null))) {
        lastCall();
        return;
      }
      if (behind < 0 && (!coming || sent == total)) {
        behind = Math.max(0, due(now) - sent) + underWay + waitingForEnd;
      }
      long limit = plan.endLimit().toNanos();
      gaveUp |= !coming && now - stopped > limit;
      boolean answeredAll = underWay == 0 && (sent == total || gaveUp);
      if (!coming && answeredAll && (open.isEmpty() || now - lastStep > limit)) {
        over = true;
        finish();
      }
      progress =
          new LoadProgress(due(now), sent, answered, accepted, failed, followed, done, coming);
    }

    private long due(long now) {
      return schedule == null ? sent : Math.min(total, schedule.dueBy(now));
    }

    private void finish() {
      vertx.cancelTimer(timer);
      long unsent = total == Long.MAX_VALUE ? 0 : total - sent;
      List<String> unfinished = List.copyOf(open.keySet());
      open.clear();
      result.complete(
          new LoadResult(
              (lastAnswer - countsFrom) / 1e9,
              cameThatCount + unsent,
              unsent,
              heldBack,
              late,
              answeredThatCount,
              acceptedThatCount,
              Map.copyOf(errors),
              Latency.of(accept),
              Latency.of(refused),
              Latency.of(wire),
              Latency.of(confirmed),
              Latency.of(end),
              followedThatCount,
              confirmed.getTotalCount(),
              cancelledThatCount,
              doneThatCount,
              (lastEnd - countsFrom) / 1e9,
              doneInTime,
              Math.max(0, stopped - countsFrom) / 1e9,
              Math.max(0, behind),
              accepted,
              unfinished));
    }
  }

  /** The quick way first: this is done for every answer. */
  static String orderId(Buffer body) {
    String text = body.toString(StandardCharsets.ISO_8859_1);
    int at = text.indexOf(ORDER_ID);
    if (at >= 0) {
      int end = text.indexOf('"', at + ORDER_ID.length());
      return end < 0 ? null : text.substring(at + ORDER_ID.length(), end);
    }
    try {
      JsonObject json = new JsonObject(body);
      Object id = json.getValue("order_id", json.getValue("orderId", json.getValue("id")));
      return id == null ? null : id.toString();
    } catch (DecodeException | ClassCastException notJson) {
      return null;
    }
  }

  private static String kind(Throwable failure) {
    return switch (failure) {
      case ConnectException refused -> "connection refused";
      case HttpClosedException closed -> "connection cut off";
      case TimeoutException late -> "no connection in time";
      default ->
          failure.getClass().getSimpleName().contains("ConnectTimeout")
              ? "no connection in time"
              : failure.getClass().getSimpleName();
    };
  }
}
