package io.holdfast.system.simulation;

import io.holdfast.events.Money;
import io.holdfast.payments.PaymentGateway.ChargeResult;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.payments.PaymentGateway.RefundResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Who has taken which money, and what was asked for under which key. A key has its effect once, its
 * answer is kept without end, and while the first request is at work the others are told to wait.
 */
final class ModelGateway {

  static final String DECLINED_METHOD = "pm_card_chargeDeclined";

  /** Money that was taken. */
  static final class Charge {
    final String id;
    final String orderId;
    final Money amount;
    boolean refunded;

    Charge(String id, String orderId, Money amount) {
      this.id = id;
      this.orderId = orderId;
      this.amount = amount;
    }
  }

  /** What was asked for under a key. */
  private static final class Asked {
    final String parameters;
    Object answer;

    Asked(String parameters) {
      this.parameters = parameters;
    }
  }

  /** An answer that is none: the key was used for something else, or is being used right now. */
  enum Refusal {
    KEY_USED_OTHERWISE,
    STILL_AT_WORK
  }

  /** An answer of no weight: the key is taken now, and nothing else has happened. */
  static final Object FENCED = new Object();

  private final Timeline timeline;
  private final Map<String, Asked> keys = new HashMap<>();
  private final List<Charge> ledger = new ArrayList<>();

  ModelGateway(Timeline timeline) {
    this.timeline = timeline;
  }

  List<Charge> ledger() {
    return ledger;
  }

  /** A request arrives; its effect comes a moment later, if it has one, and then its answer. */
  void arrive(String key, String parameters, Supplier<Object> effect, Answers answers) {
    Asked before = keys.get(key);
    if (before == null) {
      Asked asked = new Asked(parameters);
      keys.put(key, asked);
      timeline.soon(
          () -> {
            asked.answer = effect.get();
            answers.answer(asked.answer);
          });
    } else if (!before.parameters.equals(parameters)) {
      answers.answer(Refusal.KEY_USED_OTHERWISE);
    } else if (before.answer == null) {
      answers.answer(Refusal.STILL_AT_WORK);
    } else {
      answers.answer(before.answer);
    }
  }

  /** Where an answer goes. */
  interface Answers {
    void answer(Object answer);
  }

  ChargeResult charge(String orderId, Money amount, String method) {
    if (DECLINED_METHOD.equals(method)) {
      told("declines " + orderId);
      return new Declined("card_declined", "declined");
    }
    Charge charge = new Charge("pi_" + (ledger.size() + 1), orderId, amount);
    ledger.add(charge);
    told("takes the money of " + orderId + ", " + charge.id);
    return new Charged(charge.id);
  }

  RefundResult refund(String orderId, String paymentId, Money amount) {
    Charge charge = ledger.stream().filter(c -> c.id.equals(paymentId)).findFirst().orElseThrow();
    if (!charge.refunded) { // else it says so as if it was done now
      charge.refunded = true;
      told("gives back the money of " + orderId + ", " + charge.id);
    }
    return new RefundResult(paymentId, "re_" + paymentId, amount);
  }

  /** A charge that took money and still has it. */
  Optional<Charge> find(String orderId) {
    return ledger.stream()
        .filter(charge -> charge.orderId.equals(orderId) && !charge.refunded)
        .findFirst();
  }

  private void told(String what) {
    if (timeline.told()) {
      timeline.note("gateway", what);
    }
  }
}
