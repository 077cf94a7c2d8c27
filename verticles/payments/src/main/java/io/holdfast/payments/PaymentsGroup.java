package io.holdfast.payments;

import io.holdfast.events.EventType;
import io.holdfast.payments.http.PaymentRoutes;
import io.holdfast.payments.stripe.StripeGateway;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.jetstream.OverdueWatch;
import io.holdfast.runtime.resilience.Breaker;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Payments' composition root. */
public final class PaymentsGroup implements VerticleGroup {

  @Override
  public String name() {
    return "payments";
  }

  @Override
  public int defaultPort() {
    return 8082;
  }

  @Override
  public Set<String> streams() {
    return Set.of("ORDERS", "INVENTORY", "PAYMENTS", "DEADLETTERS", "REDRIVES");
  }

  @Override
  public Parts assemble(GroupContext context) {
    PaymentSettings settings =
        PaymentSettings.read(context.settings(), context.common().retry().maxAttempts());
    Clock clock = Clock.systemUTC();
    Breaker breaker =
        new Breaker(
            context.vertx(),
            name(),
            "payment-gateway",
            settings.breaker(),
            context.meters(),
            clock);
    PaymentGateway gateway =
        new StripeGateway(context.vertx(), settings, breaker, context.tracing());
    Optional<Expiry> expiry =
        settings
            .reservationTtl()
            .map(ttl -> new Expiry(ttl, context.reader(), context.common().subjects(), clock));
    PaymentVerticle payments =
        new PaymentVerticle(
            context.streams(), gateway, context.meters(), clock, settings.keyLife(), expiry);
    Wait unrefunded =
        new Wait(
            "cancelled_unrefunded",
            "payments-compensate",
            Set.of(EventType.ORDER_CANCELLED),
            Set.of(EventType.PAYMENT_VOIDED, EventType.PAYMENT_REFUNDED, EventType.PAYMENT_FAILED));
    return new Parts(
        List.of(
            payments,
            new ReservationSweeper(context, payments, settings, clock),
            new OverdueWatch(context, unrefunded, clock)),
        new PaymentRoutes(context.streams(), breaker)::mount);
  }
}
