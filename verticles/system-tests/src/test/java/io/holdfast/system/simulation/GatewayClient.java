package io.holdfast.system.simulation;

import io.holdfast.events.Money;
import io.holdfast.payments.PaymentGateway;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.system.simulation.ModelGateway.Charge;
import io.holdfast.system.simulation.ModelGateway.Refusal;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One process's way to the model of the gateway, with the same steps as the real adapter: a charge
 * is undone by taking its key first, so that whatever comes later under it is refused.
 */
final class GatewayClient implements PaymentGateway {

  private static final long PATIENCE = 5_000;
  private static final long[] LATE = {1, 2_000, 60_000};
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private static final ChargeResult GIVEN_UP = new Declined("given_up", "given up before");

  private final Replica process;
  private final ModelGateway gateway;
  private final Timeline timeline;
  private final Choices choices;
  private final Faults faults;

  GatewayClient(
      Replica process, ModelGateway gateway, Timeline timeline, Choices choices, Faults faults) {
    this.process = process;
    this.gateway = gateway;
    this.timeline = timeline;
    this.choices = choices;
    this.faults = faults;
  }

  @Override
  public Future<ChargeResult> charge(
      String orderId, Money amount, String paymentMethod, String key) {
    return create(orderId, amount, paymentMethod, key)
        .compose(
            answer ->
                answer == Refusal.KEY_USED_OTHERWISE
                    ? settle(orderId, amount, paymentMethod, key)
                        .map(result -> result.orElse(GIVEN_UP))
                    : Future.succeededFuture((ChargeResult) answer));
  }

  @Override
  public Future<Optional<ChargeResult>> settle(
      String orderId, Money amount, String paymentMethod, String key) {
    return ask(key, "fence", () -> ModelGateway.FENCED)
        .compose(
            claimed ->
                claimed == Refusal.KEY_USED_OTHERWISE
                    ? create(orderId, amount, paymentMethod, key)
                        .compose(answer -> charged(orderId, amount, answer))
                    : find(orderId, amount));
  }

  private Future<Optional<ChargeResult>> charged(String orderId, Money amount, Object answer) {
    return answer == Refusal.KEY_USED_OTHERWISE
        ? find(orderId, amount)
            .compose(
                found -> found.isPresent() ? Future.succeededFuture(found) : refused("key", answer))
        : Future.succeededFuture(Optional.of((ChargeResult) answer));
  }

  @Override
  public Future<Optional<ChargeResult>> find(String orderId, Money amount) {
    return ask(null, "search", () -> gateway.find(orderId))
        .map(answer -> ((Optional<?>) answer).map(charge -> new Charged(((Charge) charge).id)));
  }

  @Override
  public Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key) {
    return ask(key, "refund " + paymentId, () -> gateway.refund(orderId, paymentId, amount))
        .compose(
            answer ->
                answer instanceof RefundResult result
                    ? Future.succeededFuture(result)
                    : refused("refund", answer));
  }

  private Future<Object> create(String orderId, Money amount, String method, String key) {
    return ask(key, "charge", () -> gateway.charge(orderId, amount, method));
  }

  private static <T> Future<T> refused(String what, Object answer) {
    return Future.failedFuture(
        new IllegalStateException("the " + what + " was refused: " + answer));
  }

  /**
   * @param key null for a question that changes nothing
   */
  private Future<Object> ask(String key, String parameters, Supplier<Object> effect) {
    Promise<Object> answered = Promise.promise();
    if (faults.happens(Fault.GATEWAY_OUT)) {
      told("finds the gateway out");
      process.soon(
          () -> answered.fail(new Unavailable("breaker open", Optional.of(LOOK_AGAIN), true)));
    } else if (faults.happens(Fault.GATEWAY_REQUEST_LOST)) {
      told("loses a request to the gateway: " + parameters);
      giveUp(answered);
    } else if (faults.happens(Fault.GATEWAY_REQUEST_LATE)) {
      told("has a request to the gateway that will be late: " + parameters);
      giveUp(answered);
      timeline.after(
          PATIENCE + LATE[choices.next(LATE.length)],
          () -> arrive(key, parameters, effect, lost -> {}));
    } else {
      timeline.soon(
          () -> arrive(key, parameters, effect, answer -> onItsWayBack(answer, answered)));
    }
    return answered.future();
  }

  private void arrive(
      String key, String parameters, Supplier<Object> effect, ModelGateway.Answers answers) {
    if (key == null) {
      answers.answer(effect.get());
    } else {
      gateway.arrive(key, parameters, effect, answers);
    }
  }

  private void onItsWayBack(Object answer, Promise<Object> answered) {
    if (faults.happens(Fault.GATEWAY_ANSWER_LOST)) {
      told("does not get the gateway's answer");
      giveUp(answered);
    } else if (answer == Refusal.STILL_AT_WORK) {
      process.soon(
          () -> answered.fail(new Unavailable("at work on it", Optional.of(LOOK_AGAIN), false)));
    } else {
      process.soon(() -> answered.complete(answer));
    }
  }

  private void giveUp(Promise<Object> answered) {
    process.after(
        PATIENCE, () -> answered.fail(new Unavailable("no answer", Optional.empty(), false)));
  }

  private void told(String what) {
    if (timeline.told()) {
      timeline.note(process.name, "!! " + what);
    }
  }
}
