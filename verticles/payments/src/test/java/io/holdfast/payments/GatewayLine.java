package io.holdfast.payments;

import io.holdfast.testkit.Streams;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.RequestOptions;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The line between payments and the gateway, on which the charge of one order can be lost, on its
 * way there or on its way back, while the others pass.
 */
final class GatewayLine {

  /** What becomes of a request to charge. */
  enum Fate {
    PASSES,
    /** The gateway is never asked, and the caller hears nothing. */
    REQUEST_LOST,
    /** The gateway has done it, and the caller hears nothing. */
    ANSWER_LOST,
    /** The gateway is never asked, and the caller is told that something is wrong with itself. */
    REFUSED,
    /** The gateway is never asked, and the caller is told of an error that is kept for the key. */
    ERROR_KEPT,
    /** The gateway has done it, and says that it is still about it. */
    SAID_TO_BE_PROCESSING
  }

  /**
   * A request and its answer, as they went over the line.
   *
   * @param form null if there was none
   */
  record Exchange(
      HttpMethod method, String uri, MultiMap headers, String form, int status, String answer) {}

  /**
   * @param delayMs before it is passed on
   */
  private record Plan(Fate fate, long delayMs) {}

  private static final Pattern ORDER = Pattern.compile("metadata\\[order_id]=([A-Za-z0-9_-]+)");

  private final Map<String, Plan> charges = new ConcurrentHashMap<>();
  private final Set<String> refusedRefunds = ConcurrentHashMap.newKeySet();
  private final List<Exchange> exchanges = new CopyOnWriteArrayList<>();
  private final Map<String, Integer> asked = new ConcurrentHashMap<>();
  private final Vertx vertx;
  private final URI gateway;
  private final HttpClient client;
  private final HttpServer server;
  private volatile boolean cut;

  GatewayLine(Vertx vertx, String gateway) {
    this.vertx = vertx;
    this.gateway = URI.create(gateway);
    this.client = vertx.createHttpClient();
    this.server =
        Streams.get(vertx.createHttpServer().requestHandler(this::request).listen(0, "127.0.0.1"));
  }

  String url() {
    return "http://127.0.0.1:" + server.actualPort();
  }

  /** What becomes of this order's charges from now on. */
  void charge(String orderId, Fate fate) {
    charge(orderId, fate, 0);
  }

  void charge(String orderId, Fate fate, long delayMs) {
    charges.put(orderId, new Plan(fate, delayMs));
  }

  /** Whether every refund of this order's is refused, in a way that is nobody's business. */
  void refuseRefunds(String orderId, boolean refused) {
    if (refused) {
      refusedRefunds.add(orderId);
    } else {
      refusedRefunds.remove(orderId);
    }
  }

  /** All that the gateway has answered so far. */
  List<Exchange> exchanges() {
    return exchanges;
  }

  /** Whether every request is lost on its way to the gateway, whatever it asks for. */
  void cut(boolean cut) {
    this.cut = cut;
  }

  /** How often a charge of this order was sent, wherever it got to. */
  int attempts(String orderId) {
    return asked.getOrDefault(orderId, 0);
  }

  private void request(HttpServerRequest request) {
    request
        .body()
        .onSuccess(
            body -> {
              String form = URLDecoder.decode(body.toString(), StandardCharsets.UTF_8);
              Matcher order = ORDER.matcher(form);
              boolean ofAnOrder = order.find();
              boolean charge = form.contains("confirm=true") && ofAnOrder;
              Plan plan =
                  charge
                      ? charges.getOrDefault(order.group(1), new Plan(Fate.PASSES, 0))
                      : new Plan(Fate.PASSES, 0);
              if (request.path().equals("/v1/refunds")
                  && ofAnOrder
                  && refusedRefunds.contains(order.group(1))) {
                proceed(request, body, Fate.REFUSED);
                return;
              }
              if (charge) {
                asked.merge(order.group(1), 1, Integer::sum);
              }
              if (plan.delayMs == 0) {
                proceed(request, body, plan.fate);
              } else {
                vertx.setTimer(plan.delayMs, id -> proceed(request, body, plan.fate));
              }
            });
  }

  private void proceed(HttpServerRequest request, Buffer body, Fate fate) {
    if (cut || fate == Fate.REQUEST_LOST) {
      request.connection().close();
      return;
    }
    if (fate == Fate.ERROR_KEPT) {
      request.response().putHeader("Idempotent-Replayed", "true").setStatusCode(500);
      request.response().end("{\"error\":{\"type\":\"api_error\"}}");
      return;
    }
    if (fate == Fate.REFUSED) {
      request.response().setStatusCode(400).end("{\"error\":{\"type\":\"api_error\"}}");
      return;
    }
    client
        .request(
            new RequestOptions()
                .setMethod(request.method())
                .setHost(gateway.getHost())
                .setPort(gateway.getPort())
                .setURI(request.uri()))
        .compose(
            onwards -> {
              request.headers().remove("Host");
              onwards.headers().addAll(request.headers());
              return onwards.send(body);
            })
        .compose(
            answer ->
                answer
                    .body()
                    .onSuccess(
                        told -> {
                          exchanges.add(
                              new Exchange(
                                  request.method(),
                                  request.uri(),
                                  request.headers(),
                                  body.length() == 0 ? null : body.toString(),
                                  answer.statusCode(),
                                  told.toString()));
                          if (fate == Fate.ANSWER_LOST) {
                            request.connection().close();
                            return;
                          }
                          request.response().setStatusCode(answer.statusCode());
                          if (fate == Fate.SAID_TO_BE_PROCESSING) {
                            request
                                .response()
                                .end(
                                    told.toString()
                                        .replace(
                                            "\"status\":\"succeeded\"",
                                            "\"status\":\"processing\""));
                            return;
                          }
                          request.response().headers().addAll(answer.headers());
                          request.response().end(told);
                        }))
        .onFailure(gone -> request.connection().close());
  }
}
