package io.holdfast.payments.stripe;

import io.holdfast.events.Money;
import io.holdfast.payments.PaymentGateway;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.payments.PaymentSettings;
import io.holdfast.payments.domain.Payment;
import io.holdfast.runtime.resilience.Breaker;
import io.holdfast.runtime.resilience.Bulkhead;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.circuitbreaker.TimeoutException;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.ConnectException;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The gateway as Stripe's PaymentIntents API, or whatever speaks it.
 *
 * @see <a href="https://docs.stripe.com/api/payment_intents">Payment intents</a>
 * @see <a href="https://docs.stripe.com/api/idempotent_requests">Idempotent requests</a>
 * @see <a href="https://docs.stripe.com/api/errors">Errors</a>
 */
public final class StripeGateway implements PaymentGateway {

  /** Whose fields the tests check; without it the account's own version counts. */
  private static final String API_VERSION = "2026-07-29.dahlia";

  private static final String CHARGES = "/v1/payment_intents";
  private static final String CHARGE = "POST " + CHARGES;
  private static final String DEFAULT_METHOD = "pm_card_visa";
  private static final int MAX_CONNECTIONS = 128;

  private static final String ALREADY_REFUNDED = "charge_already_refunded";

  /** What becomes of a charge whose key was given up. */
  private static final ChargeResult GIVEN_UP =
      new Declined(Payment.RESERVATION_EXPIRED, "The order was given up before it was paid");

  private static final String FORM = "application/x-www-form-urlencoded";

  /** An earlier attempt with the same key; the gateway is well, and nothing has failed. */
  private static final int STILL_AT_WORK = 409;

  /** A base address that is no gateway's; what the request itself names wrongly is a 400. */
  private static final int NOT_SERVED = 404;

  /** The answer to a charge says so for ever, as it is kept under the key: only looking helps. */
  private static final String PROCESSING = "processing";

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  /** For a connection; with the call itself far below the bridge's own limit on a handler. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Refusals that are about this payment: the card, or what the order says of it. */
  private static final Set<String> BUSINESS = Set.of("card_error", "invalid_request_error");

  private final WebClient client;
  private final PaymentSettings settings;
  private final Breaker breaker;
  private final Bulkhead bulkhead;
  private final Tracing tracing;
  private final String path;

  public StripeGateway(Vertx vertx, PaymentSettings settings, Breaker breaker, Tracing tracing) {
    this.tracing = tracing;
    this.settings = settings;
    this.breaker = breaker;
    this.bulkhead = new Bulkhead(vertx, MAX_CONNECTIONS, PATIENCE);
    this.path = settings.gatewayUrl().getPath().replaceAll("/+$", "");
    boolean https = "https".equals(settings.gatewayUrl().getScheme());
    int port = settings.gatewayUrl().getPort();
    this.client =
        WebClient.create(
            vertx,
            new WebClientOptions()
                .setDefaultHost(settings.gatewayUrl().getHost())
                .setDefaultPort(port > 0 ? port : (https ? 443 : 80))
                .setSsl(https)
                .setConnectTimeout(2_000)
                .setIdleTimeout(60)
                .setUserAgent("holdfast-payments"),
            new io.vertx.core.http.PoolOptions()
                .setHttp1MaxSize(MAX_CONNECTIONS)
                .setMaxWaitQueueSize(MAX_CONNECTIONS));
  }

  @Override
  public Pace pace() {
    return breaker;
  }

  /**
   * A key that is refused, as it was used for another request, was either given up by {@link
   * #settle} or holds a charge that an older version asked for in other words.
   */
  @Override
  public Future<ChargeResult> charge(
      String orderId, Money amount, String paymentMethod, String key) {
    return create(orderId, amount, paymentMethod, key)
        .compose(
            answer ->
                answer.keyOfAnother()
                    ? settle(orderId, amount, paymentMethod, key)
                        .map(result -> result.orElse(GIVEN_UP))
                    : chargeResult(orderId, answer));
  }

  private Future<Answer> create(String orderId, Money amount, String paymentMethod, String key) {
    MultiMap form =
        form(orderId, amount)
            .add("payment_method", paymentMethod == null ? DEFAULT_METHOD : paymentMethod)
            .add("confirm", "true")
            .add("error_on_requires_action", "true"); // there is nobody to ask for a password
    return call(orderId, CHARGE, request(CHARGES, key), form);
  }

  /**
   * Asks under the charge's own key for a payment that takes nothing. If the key was free, whatever
   * comes later under it is refused. If it was not, the charge is asked for again, and what it came
   * to is the answer. Searching alone would not see a charge that is still on its way; but it sees
   * one that is older than the key's life, and one whose key is used up.
   */
  @Override
  public Future<Optional<ChargeResult>> settle(
      String orderId, Money amount, String paymentMethod, String key) {
    MultiMap form = form(orderId, amount).add("confirm", "false");
    return call(orderId, CHARGE, request(CHARGES, key), form)
        .compose(
            claimed -> {
              if (!claimed.keyOfAnother()) { // refused for what it asks for, as a charge would be
                return discard(orderId, claimed).compose(done -> find(orderId, amount));
              }
              // Looked for first: the key may be forgotten from one request to the next.
              return find(orderId, amount)
                  .compose(
                      found ->
                          found.isPresent()
                              ? Future.succeededFuture(found)
                              : askAgain(orderId, amount, paymentMethod, key));
            });
  }

  private Future<Optional<ChargeResult>> askAgain(
      String orderId, Money amount, String paymentMethod, String key) {
    return create(orderId, amount, paymentMethod, key)
        .compose(
            charge ->
                charge.keyOfAnother()
                    ? Future.failedFuture(refused("the charge's key", charge))
                    : chargeResult(orderId, charge).map(Optional::of));
  }

  @Override
  public Future<Optional<ChargeResult>> find(String orderId, Money amount) {
    HttpRequest<Buffer> search =
        authorized(client.get(path + "/v1/payment_intents/search"))
            .addQueryParam(
                "query", "metadata['order_id']:'" + orderId + "' AND status:'succeeded'");
    return call(orderId, "GET /v1/payment_intents/search", search, null)
        .compose(
            answer -> {
              if (answer.status != 200) {
                return Future.failedFuture(refused("the search", answer));
              }
              List<JsonObject> found =
                  answer.body.getJsonArray("data", new JsonArray()).stream()
                      .map(JsonObject.class::cast)
                      .toList();
              if (found.isEmpty()) {
                return Future.succeededFuture(Optional.empty());
              }
              JsonObject charge = found.getFirst();
              Money taken =
                  Money.ofMinorUnits(
                      charge.getLong("amount"),
                      charge.getString("currency").toUpperCase(Locale.ROOT));
              return taken.minorUnits() == amount.minorUnits()
                      && taken.currencyCode().equals(amount.currencyCode())
                  ? Future.succeededFuture(Optional.of(new Charged(charge.getString("id"))))
                  : Future.failedFuture(
                      new IllegalStateException(
                          "order " + orderId + " has a charge of " + taken + ", not " + amount));
            });
  }

  /** Leaves no payment behind that somebody could still confirm. */
  private Future<Void> discard(String orderId, Answer created) {
    return created.status == 200
        ? call(
                orderId,
                "POST /v1/payment_intents/{id}/cancel",
                request(
                    "/v1/payment_intents/" + created.body.getString("id") + "/cancel",
                    "cancel:" + created.body.getString("id")),
                MultiMap.caseInsensitiveMultiMap())
            .mapEmpty()
        : Future.succeededFuture();
  }

  @Override
  public Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key) {
    MultiMap form =
        MultiMap.caseInsensitiveMultiMap()
            .add("payment_intent", paymentId)
            .add("metadata[order_id]", orderId);
    return call(orderId, "POST /v1/refunds", request("/v1/refunds", key), form)
        .compose(
            answer -> {
              if (answer.status == 200 && made(answer.body)) {
                return Future.succeededFuture(
                    new RefundResult(paymentId, answer.body.getString("id"), amount));
              }
              return ALREADY_REFUNDED.equals(answer.error().getString("code"))
                  ? refundBefore(orderId, paymentId, amount)
                  : Future.failedFuture(refused("the refund", answer));
            });
  }

  /** By a person, or by ourselves longer ago than the gateway remembers the key. */
  private Future<RefundResult> refundBefore(String orderId, String paymentId, Money amount) {
    HttpRequest<Buffer> list =
        authorized(client.get(path + "/v1/refunds"))
            .addQueryParam("payment_intent", paymentId)
            .addQueryParam("limit", "100");
    return call(orderId, "GET /v1/refunds", list, null)
        .compose(
            answer ->
                answer.body.getJsonArray("data", new JsonArray()).stream()
                    .map(JsonObject.class::cast)
                    .filter(StripeGateway::made)
                    .findFirst()
                    .map(
                        refund ->
                            Future.succeededFuture(
                                new RefundResult(paymentId, refund.getString("id"), amount)))
                    .orElseGet(
                        () ->
                            Future.failedFuture(
                                new IllegalStateException(
                                    paymentId
                                        + " is said to be refunded, but no refund is there"))));
  }

  /** A refund that is pending is on its way; what becomes of that is the gateway's affair. */
  private static boolean made(JsonObject refund) {
    String status = refund.getString("status", "");
    return status.equals("succeeded") || status.equals("pending");
  }

  private static IllegalStateException refused(String what, Answer answer) {
    return new IllegalStateException(
        what
            + " was refused: status "
            + answer.status
            + ", "
            + (answer.status == 200 ? answer.body.getString("status") : answer.error()));
  }

  private static MultiMap form(String orderId, Money amount) {
    return MultiMap.caseInsensitiveMultiMap()
        .add("amount", Long.toString(amount.minorUnits()))
        .add("currency", amount.currencyCode().toLowerCase(Locale.ROOT))
        .add("payment_method_types[]", "card")
        .add("metadata[order_id]", orderId);
  }

  private Future<ChargeResult> chargeResult(String orderId, Answer answer) {
    return answer.status == 200 && PROCESSING.equals(answer.body.getString("status"))
        ? retrieve(orderId, answer.body.getString("id")).compose(StripeGateway::concluded)
        : concluded(answer);
  }

  private Future<Answer> retrieve(String orderId, String paymentId) {
    return call(
        orderId,
        "GET /v1/payment_intents/{id}",
        authorized(client.get(path + "/v1/payment_intents/" + paymentId)),
        null);
  }

  private static Future<ChargeResult> concluded(Answer answer) {
    if (answer.status == 200) {
      String status = answer.body.getString("status", "unknown");
      return switch (status) {
        case "succeeded" -> Future.succeededFuture(new Charged(answer.body.getString("id")));
        case PROCESSING ->
            Future.failedFuture(
                unavailable("the payment is processing", Optional.of(LOOK_AGAIN), true));
        default ->
            Future.succeededFuture(new Declined("not_completed", "the payment is " + status));
      };
    }
    JsonObject error = answer.error();
    String type = error.getString("type", "");
    if (!BUSINESS.contains(type) || answer.status == NOT_SERVED) {
      return Future.failedFuture(refused("the charge", answer));
    }
    String code = error.getString("decline_code", error.getString("code", type));
    return Future.succeededFuture(
        new Declined(code.isEmpty() ? "declined" : code, error.getString("message", "")));
  }

  private HttpRequest<Buffer> request(String path, String key) {
    return authorized(client.post(this.path + path)).putHeader("Idempotency-Key", key);
  }

  private HttpRequest<Buffer> authorized(HttpRequest<Buffer> request) {
    return request
        .bearerTokenAuthentication(settings.gatewayKey().reveal())
        .putHeader("Stripe-Version", API_VERSION)
        .timeout(settings.gatewayTimeout().toMillis());
  }

  /** Answers that tell what happened; everything else is a failure that the breaker counts. */
  private Future<Answer> call(
      String orderId, String name, HttpRequest<Buffer> request, MultiMap form) {
    return bulkhead
        .enter(() -> guarded(orderId, name, request, form))
        .recover(
            failure ->
                Future.failedFuture(
                    failure instanceof Bulkhead.Full
                        ? new Unavailable(
                            "the gateway is busy with others", Optional.of(LOOK_AGAIN), true, false)
                        : failure))
        .compose(
            answer ->
                answer.status == STILL_AT_WORK
                    ? Future.failedFuture(
                        unavailable("it is still at work on it", Optional.of(LOOK_AGAIN), true))
                    : Future.succeededFuture(answer));
  }

  private Future<Answer> guarded(
      String orderId, String name, HttpRequest<Buffer> request, MultiMap form) {
    return breaker
        .guard(
            () ->
                send(orderId, name, request, form)
                    .transform(
                        done ->
                            done.succeeded()
                                ? Answer.of(done.result())
                                : Future.failedFuture(
                                    unavailable(
                                        done.cause().getMessage(),
                                        Optional.empty(),
                                        mayHaveArrived(done.cause())))))
        .recover(failure -> Future.failedFuture(whileOpen(failure)));
  }

  private Future<HttpResponse<Buffer>> send(
      String orderId, String name, HttpRequest<Buffer> request, MultiMap form) {
    if (tracing.on()) {
      Work work =
          tracing
              .calls(orderId, name)
              .about("http.request.method", name.substring(0, name.indexOf(' ')))
              .about("server.address", settings.gatewayUrl().getHost());
      request.putHeader(Traceparent.HEADER, work.traceparent(""));
      return sent(request, form)
          .onComplete(
              done -> {
                if (done.succeeded()) {
                  tell(work, done.result().statusCode());
                }
                work.end(done.cause());
              });
    }
    return sent(request, form);
  }

  /** A declined card is an answer, and no failure of the call. */
  private static void tell(Work work, int status) {
    work.about("http.response.status_code", status);
    if (Answer.isTrouble(status)) {
      work.about("error.type", Integer.toString(status)).failed("status " + status);
    }
  }

  private static Future<HttpResponse<Buffer>> sent(HttpRequest<Buffer> request, MultiMap form) {
    return form == null
        ? request.send()
        : request.putHeader("Content-Type", FORM).sendBuffer(Buffer.buffer(encoded(form)));
  }

  private static String encoded(MultiMap form) {
    StringBuilder text = new StringBuilder(256);
    for (Map.Entry<String, String> field : form) {
      text.append(text.isEmpty() ? "" : "&")
          .append(URLEncoder.encode(field.getKey(), StandardCharsets.UTF_8))
          .append('=')
          .append(URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  /**
   * What fails while the breaker is not closed is the gateway's outage, be it the call that opened
   * it or the probe that found no change: no order is to be given up for that.
   */
  private Throwable whileOpen(Throwable failure) {
    return switch (failure) {
      case OpenCircuitException notAsked -> outage(false);
      case TimeoutException slow when breaker.closed() ->
          unavailable("it took too long", Optional.empty(), true);
      case TimeoutException slow -> outage(true);
      case Unavailable unavailable when !breaker.closed() -> outage(unavailable.inDoubt());
      default -> failure;
    };
  }

  private Unavailable outage(boolean inDoubt) {
    return new Unavailable(
        "the gateway's breaker is open", Optional.of(breaker.untilMore()), true, inDoubt);
  }

  private static boolean mayHaveArrived(Throwable failure) {
    return !(failure instanceof ConnectException || failure instanceof UnknownHostException);
  }

  private static Unavailable unavailable(
      String why, Optional<Duration> retryAfter, boolean inDoubt) {
    return new Unavailable("the gateway did not answer: " + why, retryAfter, false, inDoubt);
  }

  private record Answer(int status, JsonObject body) {

    /** Whether the key was used before, for a request with other parameters. */
    boolean keyOfAnother() {
      return "idempotency_error".equals(error().getString("type"));
    }

    JsonObject error() {
      return body.getJsonObject("error", new JsonObject());
    }

    static Future<Answer> of(HttpResponse<Buffer> response) {
      int status = response.statusCode();
      // An error that is kept under the key comes back for a day, however well the gateway is.
      boolean kept = "true".equals(response.getHeader("Idempotent-Replayed"));
      if (isTrouble(status) && !(status >= 500 && kept)) {
        return Future.failedFuture(
            unavailable(
                "status " + status,
                retryAfter(response.getHeader("Retry-After")),
                status >= 500)); // the others are refusals to begin
      }
      try {
        JsonObject body = response.bodyAsJsonObject();
        return body == null
            ? Future.failedFuture(unavailable("an empty answer", Optional.empty(), true))
            : Future.succeededFuture(new Answer(status, body));
      } catch (DecodeException e) {
        return Future.failedFuture(
            unavailable("an answer that is no JSON", Optional.empty(), true));
      }
    }

    /** 401 and 403 are our own configuration; no order must suffer for that. */
    static boolean isTrouble(int status) {
      return status >= 500 || status == 429 || status == 401 || status == 403;
    }

    private static Optional<Duration> retryAfter(String header) {
      try {
        return header == null
            ? Optional.empty()
            : Optional.of(Duration.ofSeconds(Math.clamp(Long.parseLong(header), 0, 600)));
      } catch (NumberFormatException aDate) {
        return Optional.empty();
      }
    }
  }
}
