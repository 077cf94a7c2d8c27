package io.holdfast.gateway.http;

import io.holdfast.events.Money;
import io.holdfast.gateway.Answer;
import io.holdfast.gateway.Call;
import io.holdfast.gateway.CardNetwork;
import io.holdfast.gateway.Gateway;
import io.holdfast.gateway.domain.Command;
import io.holdfast.gateway.domain.Command.Cancel;
import io.holdfast.gateway.domain.Command.Confirm;
import io.holdfast.gateway.domain.Command.Create;
import io.holdfast.gateway.domain.Command.GiveBack;
import io.holdfast.gateway.domain.IntentStatus;
import io.holdfast.gateway.domain.Outcome;
import io.holdfast.gateway.domain.PaymentIntent;
import io.holdfast.gateway.domain.Refund;
import io.holdfast.gateway.domain.StripeError;
import io.holdfast.gateway.domain.TestCards;
import io.holdfast.gateway.faults.Dice;
import io.netty.handler.codec.DecoderException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The part of Stripe's API that taking and giving back a payment needs.
 *
 * @see <a href="https://docs.stripe.com/api/payment_intents">Stripe: PaymentIntents</a>
 * @see <a href="https://docs.stripe.com/api/refunds">Stripe: Refunds</a>
 */
public final class StripeRoutes {

  private static final Logger LOG = LoggerFactory.getLogger(StripeRoutes.class);

  private static final int MAX_KEY = 255;

  /** Those that change nothing here are taken, so that a client need not leave them out. */
  private static final Set<String> CREATE =
      Set.of(
          "amount",
          "automatic_payment_methods",
          "capture_method",
          "confirm",
          "confirmation_method",
          "currency",
          "customer",
          "description",
          "error_on_requires_action",
          "expand",
          "metadata",
          "off_session",
          "payment_method",
          "payment_method_options",
          "payment_method_types",
          "receipt_email",
          "return_url",
          "setup_future_usage",
          "shipping",
          "statement_descriptor",
          "statement_descriptor_suffix",
          "use_stripe_sdk");

  private static final Set<String> CONFIRM =
      Set.of(
          "error_on_requires_action",
          "expand",
          "off_session",
          "payment_method",
          "payment_method_options",
          "receipt_email",
          "return_url",
          "use_stripe_sdk");

  private static final Set<String> CANCEL = Set.of("cancellation_reason", "expand");

  private static final Set<String> REFUND =
      Set.of("amount", "charge", "expand", "metadata", "payment_intent", "reason");

  private static final Set<String> CANCELLATION_REASONS =
      Set.of("abandoned", "duplicate", "fraudulent", "requested_by_customer");

  private static final Set<String> REFUND_REASONS =
      Set.of("duplicate", "fraudulent", "requested_by_customer");

  private final Gateway gateway;
  private final ApiKey apiKey;
  private final FaultDoor door;
  private final Supplier<String> ids;

  /**
   * @param ids for the answers' {@code Request-Id}
   */
  public StripeRoutes(
      Vertx vertx, Gateway gateway, ApiKey apiKey, Dice dice, Supplier<String> ids) {
    this.gateway = gateway;
    this.apiKey = apiKey;
    this.door = new FaultDoor(vertx, dice);
    this.ids = ids;
  }

  /** Adds all under {@code /v1}, errors included. */
  public void mount(Router router) {
    router.route("/v1/*").handler(door::enter).handler(this::authenticate);

    router.post("/v1/payment_intents").handler(r -> change(r, CREATE, StripeRoutes::create));
    router.get("/v1/payment_intents").handler(this::list);
    router.get("/v1/payment_intents/search").handler(this::search);
    router.get("/v1/payment_intents/:id").handler(this::show);
    router
        .post("/v1/payment_intents/:id/confirm")
        .handler(r -> change(r, CONFIRM, p -> confirm(r.pathParam("id"), p)));
    router
        .post("/v1/payment_intents/:id/cancel")
        .handler(r -> change(r, CANCEL, p -> cancel(r.pathParam("id"), p)));
    router.post("/v1/refunds").handler(r -> change(r, REFUND, StripeRoutes::refund));
    router.get("/v1/refunds").handler(this::listRefunds);
    router.get("/v1/refunds/:id").handler(this::showRefund);

    router
        .route("/v1/*")
        .handler(
            r -> send(r, StripeError.unrecognized(r.request().method().name(), r.normalizedPath())))
        .failureHandler(StripeRoutes::failed);
  }

  static void send(RoutingContext request, StripeError error) {
    send(request, error.status(), StripeJson.of(error, null));
  }

  private void authenticate(RoutingContext request) {
    request.response().putHeader("Request-Id", "req_" + ids.get().substring(0, 14));
    Optional<StripeError> refused = apiKey.refuse(request.request().getHeader("Authorization"));
    if (refused.isPresent()) {
      request.response().putHeader("WWW-Authenticate", "Bearer realm=\"Stripe\"");
      send(request, refused.get());
      return;
    }
    request.next();
  }

  private void change(
      RoutingContext request, Set<String> known, Function<StripeParams, Command> decode) {
    StripeParams params = StripeParams.form(request, known);
    String key = request.request().getHeader("Idempotency-Key");
    if (key != null && (key.isEmpty() || key.length() > MAX_KEY)) {
      throw StripeParams.invalid(null, "Idempotency-Key must have 1 to " + MAX_KEY + " characters");
    }
    Call call = new Call(key, params.fingerprint(request.normalizedPath()), decode.apply(params));
    CardNetwork network =
        new CardNetwork() {
          @Override
          public Future<Void> answers() {
            return door.pause(request);
          }

          @Override
          public boolean declines() {
            return door.declines(request);
          }
        };
    gateway
        .perform(call, network)
        .onSuccess(answer -> answer(request, call, answer))
        .onFailure(request::fail);
  }

  private void answer(RoutingContext request, Call call, Answer answer) {
    if (!door.leave(request, charged(call, answer))) {
      return;
    }
    if (call.key() != null) {
      request.response().putHeader("Idempotency-Key", call.key());
    }
    if (answer.replayed()) {
      request.response().putHeader("Idempotent-Replayed", "true");
    }
    int status = answer.outcome() instanceof Outcome.Refused no ? no.error().status() : 200;
    if (status == 429) {
      request.response().putHeader("Retry-After", "1");
    }
    send(request, status, StripeJson.of(answer.outcome()));
  }

  private static boolean charged(Call call, Answer answer) {
    return !answer.replayed()
        && (call.command() instanceof Create || call.command() instanceof Confirm)
        && answer.outcome() instanceof Outcome.Shown shown
        && shown.intent().status() == IntentStatus.SUCCEEDED;
  }

  private static Command create(StripeParams params) {
    long amount =
        params
            .amount("amount")
            .orElseThrow(
                () ->
                    StripeParams.invalid(
                        "parameter_missing", "Missing required param: amount.", "amount"));
    String currency = params.required("currency").toLowerCase(Locale.ROOT);
    try {
      Money.ofMinorUnits(amount, currency.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw StripeParams.invalid(null, "Invalid currency: " + currency, "currency");
    }
    for (String type : params.list("payment_method_types")) {
      if (!type.equals("card")) {
        throw StripeParams.invalid(
            "payment_intent_invalid_parameter",
            "The payment method type '" + type + "' is not one that this gateway simulates.",
            "payment_method_types");
      }
    }
    params.choice("capture_method", Set.of("automatic", "automatic_async"));
    params.choice("confirmation_method", Set.of("automatic"));
    return new Create(
        amount,
        currency,
        params.text("payment_method").orElse(TestCards.DEFAULT),
        params.flag("confirm"),
        params.text("description").orElse(null),
        params.metadata());
  }

  private static Command confirm(String id, StripeParams params) {
    return new Confirm(id, params.text("payment_method").orElse(null));
  }

  private static Command cancel(String id, StripeParams params) {
    return new Cancel(id, params.choice("cancellation_reason", CANCELLATION_REASONS).orElse(null));
  }

  private static Command refund(StripeParams params) {
    Optional<String> intent = params.text("payment_intent");
    Optional<String> charge = params.text("charge");
    if (intent.isEmpty() && charge.isEmpty()) {
      throw StripeParams.invalid(
          "parameter_missing",
          "One of the following params should be provided for this request: payment_intent or"
              + " charge.");
    }
    return new GiveBack(
        intent.orElse(null),
        charge.orElse(null),
        params.amount("amount").orElse(null),
        params.choice("reason", REFUND_REASONS).orElse(null),
        params.metadata());
  }

  private void show(RoutingContext request) {
    StripeParams.query(request, Set.of("expand", "client_secret"));
    String id = request.pathParam("id");
    look(
        request,
        gateway.read(ledger -> ledger.intent(id)),
        found ->
            StripeJson.of(
                found.orElseThrow(
                    () ->
                        new StripeException(StripeError.missing("payment_intent", id, "intent")))));
  }

  private void list(RoutingContext request) {
    StripeParams params = StripeParams.query(request, Set.of("expand", "limit", "starting_after"));
    int limit = params.limit();
    String after = params.text("starting_after").orElse(null);
    look(
        request,
        gateway.read(ledger -> ledger.newest(after, limit + 1)),
        found -> {
          List<PaymentIntent> page =
              found.orElseThrow(
                  () ->
                      StripeParams.invalid(
                          "resource_missing",
                          "No such payment_intent: '" + after + "'",
                          "starting_after"));
          return StripeJson.intents(first(page, limit), page.size() > limit);
        });
  }

  private void search(RoutingContext request) {
    StripeParams params = StripeParams.query(request, Set.of("expand", "limit", "page", "query"));
    int limit = params.limit();
    int skip = params.place("page", 0);
    SearchQuery query = SearchQuery.parse(params.required("query"));
    look(
        request,
        gateway.read(
            ledger ->
                ledger.search(
                    query.metadata(),
                    intent ->
                        query.status() == null || query.status().equals(intent.status().wire()),
                    skip,
                    limit + 1)),
        page ->
            StripeJson.found(
                first(page, limit), page.size() > limit ? Integer.toString(skip + limit) : null));
  }

  private void listRefunds(RoutingContext request) {
    StripeParams params =
        StripeParams.query(request, Set.of("charge", "expand", "limit", "payment_intent"));
    int limit = params.limit();
    Optional<String> intentId = params.text("payment_intent");
    Optional<String> chargeId = params.text("charge");
    if (intentId.isEmpty() && chargeId.isEmpty()) {
      throw StripeParams.invalid(
          "parameter_missing", "This gateway lists the refunds of one payment_intent or charge.");
    }
    look(
        request,
        gateway.read(
            ledger ->
                intentId
                    .or(() -> chargeId.flatMap(ledger::intentOfCharge).map(PaymentIntent::id))
                    .map(id -> List.copyOf(ledger.refundsOf(id)))
                    .orElse(List.of())),
        (List<Refund> all) -> StripeJson.refunds(first(all, limit), all.size() > limit));
  }

  private void showRefund(RoutingContext request) {
    StripeParams.query(request, Set.of("expand"));
    String id = request.pathParam("id");
    look(
        request,
        gateway.read(ledger -> ledger.refund(id)),
        found ->
            StripeJson.of(
                found.orElseThrow(
                    () -> new StripeException(StripeError.missing("refund", id, "refund")))));
  }

  private <T> void look(RoutingContext request, Future<T> seen, Function<T, Buffer> encode) {
    seen.map(encode).onSuccess(body -> send(request, 200, body)).onFailure(request::fail);
  }

  private static <T> List<T> first(List<T> all, int limit) {
    return all.size() > limit ? all.subList(0, limit) : all;
  }

  private static void send(RoutingContext request, int status, Buffer body) {
    if (request.response().ended() || request.response().closed()) {
      return; // the client left, which undoes nothing
    }
    request
        .response()
        .setStatusCode(status)
        .putHeader("Content-Type", "application/json")
        .end(body);
  }

  private static void failed(RoutingContext request) {
    switch (request.failure()) {
      case StripeException known -> send(request, known.error());
      case HttpException http when http.getStatusCode() < 500 ->
          unreadable(request, http.getStatusCode());
      case DecoderException badForm -> unreadable(request, 400);
      case null -> unreadable(request, request.statusCode());
      default -> {
        LOG.atError()
            .setCause(request.failure())
            .addKeyValue("method", request.request().method().name())
            .addKeyValue("path", request.normalizedPath())
            .log("A request failed");
        send(request, StripeError.internal());
      }
    }
  }

  private static void unreadable(RoutingContext request, int status) {
    StripeError error = StripeError.refused(null, "The request cannot be read.");
    send(request, status, StripeJson.of(error, null));
  }
}
