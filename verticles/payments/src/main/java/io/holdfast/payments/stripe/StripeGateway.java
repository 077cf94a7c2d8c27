package io.holdfast.payments.stripe;

import io.holdfast.events.Money;
import io.holdfast.payments.PaymentGateway;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.payments.PaymentSettings;
import io.vertx.circuitbreaker.OpenCircuitException;
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
import java.time.Duration;
import java.util.Locale;
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

  private static final String DEFAULT_METHOD = "pm_card_visa";
  private static final int MAX_CONNECTIONS = 128;

  /**
   * Refusals that say no more than that this request was repeated too early, or its key used
   * wrongly.
   */
  private static final Set<String> NOT_BUSINESS = Set.of("idempotency_error", "api_error");

  /** An earlier attempt with the same key; the gateway is well, and nothing has failed. */
  private static final int STILL_AT_WORK = 409;

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private final WebClient client;
  private final PaymentSettings settings;
  private final GatewayBreaker breaker;

  public StripeGateway(Vertx vertx, PaymentSettings settings, GatewayBreaker breaker) {
    this.settings = settings;
    this.breaker = breaker;
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
                .setMaxWaitQueueSize(4_096));
  }

  @Override
  public Future<ChargeResult> charge(
      String orderId, Money amount, String paymentMethod, String key) {
    MultiMap form =
        form(orderId, amount)
            .add("payment_method", paymentMethod == null ? DEFAULT_METHOD : paymentMethod)
            .add("confirm", "true");
    return call(request("/v1/payment_intents", key), form).compose(StripeGateway::chargeResult);
  }

  @Override
  public Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key) {
    MultiMap form =
        MultiMap.caseInsensitiveMultiMap()
            .add("payment_intent", paymentId)
            .add("metadata[order_id]", orderId);
    return call(request("/v1/refunds", key), form)
        .compose(
            answer -> {
              if (answer.status == 200) {
                return Future.succeededFuture(
                    new RefundResult(paymentId, answer.body.getString("id"), amount));
              }
              return Future.failedFuture(
                  new IllegalStateException("the refund was refused: " + answer.error()));
            });
  }

  /**
   * Asks under the charge's own key for a payment that takes nothing. If the key was free, whatever
   * comes later under it is refused. If it was not, the charge is asked for again, and what it came
   * to is the answer. Searching alone would not see a charge that is still on its way.
   */
  @Override
  public Future<Optional<RefundResult>> reverse(
      String orderId, Money amount, String paymentMethod, String chargeKey, String refundKey) {
    MultiMap form = form(orderId, amount).add("confirm", "false");
    return call(request("/v1/payment_intents", chargeKey), form)
        .compose(
            answer ->
                "idempotency_error".equals(answer.error().getString("type"))
                    ? charge(orderId, amount, paymentMethod, chargeKey)
                        .compose(
                            result ->
                                result instanceof Charged charged
                                    ? refund(orderId, charged.paymentId(), amount, refundKey)
                                        .map(Optional::of)
                                    : Future.succeededFuture(Optional.empty()))
                    : discard(answer).compose(done -> refundFound(orderId, refundKey)));
  }

  /** Leaves no payment behind that somebody could still confirm. */
  private Future<Void> discard(Answer created) {
    return created.status == 200
        ? call(
                request(
                    "/v1/payment_intents/" + created.body.getString("id") + "/cancel",
                    "cancel:" + created.body.getString("id")),
                MultiMap.caseInsensitiveMultiMap())
            .mapEmpty()
        : Future.succeededFuture();
  }

  /** The gateway forgets a key after a day; what was taken longer ago is found by its order. */
  private Future<Optional<RefundResult>> refundFound(String orderId, String key) {
    HttpRequest<Buffer> search =
        authorized(client.get("/v1/payment_intents/search"))
            .addQueryParam("query", "metadata['order_id']:'" + orderId + "'");
    return call(search, null)
        .compose(
            answer -> {
              if (answer.status != 200) {
                return Future.failedFuture(
                    new IllegalStateException("the search was refused: " + answer.error()));
              }
              Optional<JsonObject> charge =
                  answer.body.getJsonArray("data", new JsonArray()).stream()
                      .map(JsonObject.class::cast)
                      .filter(intent -> "succeeded".equals(intent.getString("status")))
                      .findFirst();
              if (charge.isEmpty()) {
                return Future.succeededFuture(Optional.empty());
              }
              Money amount =
                  Money.ofMinorUnits(
                      charge.get().getLong("amount"),
                      charge.get().getString("currency").toUpperCase(Locale.ROOT));
              return refund(orderId, charge.get().getString("id"), amount, key).map(Optional::of);
            });
  }

  private static MultiMap form(String orderId, Money amount) {
    return MultiMap.caseInsensitiveMultiMap()
        .add("amount", Long.toString(amount.minorUnits()))
        .add("currency", amount.currencyCode().toLowerCase(Locale.ROOT))
        .add("payment_method_types[]", "card")
        .add("metadata[order_id]", orderId);
  }

  private static Future<ChargeResult> chargeResult(Answer answer) {
    if (answer.status == 200 && "succeeded".equals(answer.body.getString("status"))) {
      return Future.succeededFuture(new Charged(answer.body.getString("id")));
    }
    if (answer.status == 200) {
      return Future.succeededFuture(
          new Declined(
              "not_completed", "the payment is " + answer.body.getString("status", "unknown")));
    }
    JsonObject error = answer.error();
    String type = error.getString("type", "");
    if (NOT_BUSINESS.contains(type)) {
      return Future.failedFuture(new IllegalStateException("the charge was refused: " + error));
    }
    String code = error.getString("decline_code", error.getString("code", type));
    return Future.succeededFuture(
        new Declined(code.isEmpty() ? "declined" : code, error.getString("message", "")));
  }

  private HttpRequest<Buffer> request(String path, String key) {
    return authorized(client.post(path)).putHeader("Idempotency-Key", key);
  }

  private HttpRequest<Buffer> authorized(HttpRequest<Buffer> request) {
    return request
        .bearerTokenAuthentication(settings.gatewayKey().reveal())
        .timeout(settings.gatewayTimeout().toMillis());
  }

  /** Answers that tell what happened; everything else is a failure that the breaker counts. */
  private Future<Answer> call(HttpRequest<Buffer> request, MultiMap form) {
    return breaker
        .guard(
            () ->
                (form == null ? request.send() : request.sendForm(form))
                    .transform(
                        done ->
                            done.succeeded()
                                ? Answer.of(done.result())
                                : Future.failedFuture(
                                    unavailable(done.cause().getMessage(), Optional.empty()))))
        .recover(failure -> Future.failedFuture(whileOpen(failure)))
        .compose(
            answer ->
                answer.status == STILL_AT_WORK
                    ? Future.failedFuture(
                        unavailable("it is still at work on it", Optional.of(LOOK_AGAIN)))
                    : Future.succeededFuture(answer));
  }

  /**
   * What fails while the breaker is not closed is the gateway's outage, be it the call that opened
   * it or the probe that found no change: no order is to be given up for that.
   */
  private Throwable whileOpen(Throwable failure) {
    return failure instanceof OpenCircuitException
            || (failure instanceof Unavailable && !breaker.closed())
        ? new Unavailable(
            "the gateway's breaker is open", Optional.of(breaker.untilNextProbe()), true)
        : failure;
  }

  private static Unavailable unavailable(String why, Optional<Duration> retryAfter) {
    return new Unavailable("the gateway did not answer: " + why, retryAfter, false);
  }

  private record Answer(int status, JsonObject body) {

    JsonObject error() {
      return body.getJsonObject("error", new JsonObject());
    }

    static Future<Answer> of(HttpResponse<Buffer> response) {
      int status = response.statusCode();
      // 401 and 403 are our own configuration; no order must suffer for that.
      if (status >= 500 || status == 429 || status == 401 || status == 403) {
        return Future.failedFuture(
            unavailable("status " + status, retryAfter(response.getHeader("Retry-After"))));
      }
      try {
        JsonObject body = response.bodyAsJsonObject();
        return body == null
            ? Future.failedFuture(unavailable("an empty answer", Optional.empty()))
            : Future.succeededFuture(new Answer(status, body));
      } catch (DecodeException e) {
        return Future.failedFuture(unavailable("an answer that is no JSON", Optional.empty()));
      }
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
