package io.holdfast.system.simulation;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.Money;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.payments.PaymentGateway;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.Guarded;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.testkit.ForwardingStreams;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;

/** The system, broken in one place each, as a careless change might break it. */
enum Mutant implements Wiring {
  APPEND_WITHOUT_ITS_GUARD {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(streams, (fact, expected, sound) -> sound.append(fact, ModelBroker.ANY));
    }
  },
  STOCK_LEVELS_WITHOUT_THEIR_GUARD {
    @Override
    public EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
          return super.appendTogether(facts.stream().map(Mutant::unguardedLevel).toList());
        }
      };
    }
  },
  LEVEL_OF_A_LONE_ORDER_WITHOUT_ITS_GUARD {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(
          streams,
          (fact, expected, sound) ->
              sound.append(
                  fact, fact.event() instanceof StockLevelChanged ? ModelBroker.ANY : expected));
    }
  },
  HOLDS_NOT_WRITTEN_DOWN {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(
          streams, (fact, expected, sound) -> sound.append(withoutHolds(fact), expected));
    }
  },
  HOLDS_NOT_GIVEN_BACK {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(
          streams,
          (fact, expected, sound) ->
              fact.event() instanceof StockLevelChanged level && level.holds().isEmpty()
                  ? Future.succeededFuture(new Appended(expected, false))
                  : sound.append(fact, expected));
    }
  },
  RESERVATION_APART_FROM_ITS_LEVELS {
    @Override
    public EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
          return oneAfterTheOther(facts, 0, Optional.empty());
        }

        private Future<Optional<Long>> oneAfterTheOther(
            List<Guarded> facts, int from, Optional<Long> first) {
          return from == facts.size()
              ? Future.succeededFuture(first)
              : super.appendTogether(List.of(facts.get(from)))
                  .compose(
                      stored ->
                          stored.isEmpty()
                              ? Future.succeededFuture(stored)
                              : oneAfterTheOther(facts, from + 1, first.or(() -> stored)));
        }
      };
    }
  },
  PAYMENT_NOT_VOIDED {
    @Override
    public EventStreams streams(EventStreams streams) {
      return without(streams, PaymentVoided.class);
    }
  },
  NO_TOMBSTONE_BEFORE_A_RESERVATION {
    @Override
    public EventStreams streams(EventStreams streams) {
      return without(streams, InventoryReleased.class);
    }
  },
  IDEMPOTENCY_KEY_PER_ATTEMPT {
    @Override
    public PaymentGateway gateway(PaymentGateway gateway) {
      return new WrappedGateway(gateway) {
        private int attempts;

        @Override
        public Future<ChargeResult> charge(
            String orderId, Money amount, String paymentMethod, String key) {
          return super.charge(orderId, amount, paymentMethod, key + ++attempts);
        }
      };
    }
  },
  ACKNOWLEDGED_BEFORE_THE_EFFECT {
    @Override
    public boolean acknowledgesBeforeTheEffect() {
      return true;
    }
  },
  GIVEN_UP_AT_THE_FIRST_FAILURE {
    @Override
    public boolean givesUpAtTheFirstFailure() {
      return true;
    }
  },
  CONFLICT_TAKEN_FOR_SUCCESS {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(
          streams, (fact, expected, sound) -> sound.append(fact, expected).map(Mutant::success));
    }
  },
  RELEASE_NOT_SEEN {
    @Override
    public EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<History> load(Domain domain, String aggregateId) {
          return super.load(domain, aggregateId)
              .map(
                  history ->
                      new History(
                          history.events().stream().filter(e -> !released(e)).toList(),
                          history.lastSequence()));
        }
      };
    }
  },
  NO_REFUND_AFTER_A_LOST_RACE {
    @Override
    public EventStreams streams(EventStreams streams) {
      return appending(
          streams,
          (fact, expected, sound) ->
              sound
                  .append(fact, expected)
                  .map(
                      result ->
                          fact.event() instanceof PaymentProcessed ? success(result) : result));
    }
  },
  CHARGE_NOT_REVERSED_BY_A_REDELIVERY {
    @Override
    public PaymentGateway gateway(PaymentGateway gateway) {
      return new WrappedGateway(gateway) {
        @Override
        public Future<Optional<RefundResult>> reverse(
            String orderId,
            Money amount,
            String paymentMethod,
            String chargeKey,
            String refundKey) {
          return Future.succeededFuture(Optional.empty());
        }
      };
    }
  },
  REVERSAL_THAT_LEAVES_THE_KEY_FREE {
    @Override
    public PaymentGateway gateway(PaymentGateway gateway) {
      return new WrappedGateway(gateway) {
        @Override
        public Future<Optional<ChargeResult>> settle(
            String orderId, Money amount, String paymentMethod, String key) {
          return super.settle(orderId, amount, paymentMethod, "other:" + key);
        }
      };
    }
  },
  FAILED_BATCH_TAKEN_FOR_STORED {
    @Override
    public EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<Optional<Long>> appendTogether(List<Guarded> facts) {
          return super.appendTogether(facts).map(first -> first.or(() -> Optional.of(1L)));
        }
      };
    }
  };

  private static Envelope<?> withoutHolds(Envelope<?> fact) {
    return fact.event() instanceof StockLevelChanged level
        ? new Envelope<>(
            fact.id(),
            new StockLevelChanged(
                level.sku(), level.received(), level.available(), level.reserved()),
            fact.timestamp(),
            fact.traceId(),
            fact.version())
        : fact;
  }

  private static Guarded unguardedLevel(Guarded member) {
    return member.fact().event() instanceof StockLevelChanged
        ? new Guarded(member.fact(), ModelBroker.ANY)
        : member;
  }

  private static AppendResult success(AppendResult result) {
    return result instanceof Conflict conflict
        ? new Appended(conflict.history().lastSequence(), true)
        : result;
  }

  private static boolean released(Stored stored) {
    return stored.envelope().event() instanceof InventoryReleased;
  }

  /** How a fact is stored by itself, with the sound way at hand. */
  private interface Append {
    Future<AppendResult> append(Envelope<?> fact, long expectedSequence, EventStreams sound);
  }

  private static EventStreams appending(EventStreams streams, Append broken) {
    return new ForwardingStreams(streams) {
      @Override
      public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
        return broken.append(fact, expectedSequence, streams);
      }
    };
  }

  /** A lone fact of this type is never stored, and whoever appends it does not learn that. */
  private static EventStreams without(EventStreams streams, Class<? extends Event> type) {
    return appending(
        streams,
        (fact, expected, sound) ->
            type.isInstance(fact.event()) && expected == 0
                ? Future.succeededFuture(new Appended(1, false))
                : sound.append(fact, expected));
  }

  private static class WrappedGateway implements PaymentGateway {
    private final PaymentGateway gateway;

    WrappedGateway(PaymentGateway gateway) {
      this.gateway = gateway;
    }

    @Override
    public Future<ChargeResult> charge(
        String orderId, Money amount, String paymentMethod, String key) {
      return gateway.charge(orderId, amount, paymentMethod, key);
    }

    @Override
    public Future<RefundResult> refund(String orderId, String paymentId, Money amount, String key) {
      return gateway.refund(orderId, paymentId, amount, key);
    }

    @Override
    public Future<Optional<ChargeResult>> find(String orderId, Money amount) {
      return gateway.find(orderId, amount);
    }

    @Override
    public Future<Optional<ChargeResult>> settle(
        String orderId, Money amount, String paymentMethod, String key) {
      return gateway.settle(orderId, amount, paymentMethod, key);
    }
  }
}
