package io.holdfast.gateway;

import io.holdfast.gateway.faults.Dice;
import io.holdfast.gateway.http.ApiKey;
import io.holdfast.gateway.http.SimulatorRoutes;
import io.holdfast.gateway.http.StripeRoutes;
import io.holdfast.gateway.journal.LedgerFileException;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.SettingsException;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;

/**
 * The payment gateway simulator: a server that speaks what payments needs of Stripe's API, with a
 * ledger of its own and faults that can be switched on. For development and tests; it takes no
 * money.
 */
public final class GatewayGroup implements VerticleGroup {

  @Override
  public String name() {
    return "gateway";
  }

  @Override
  public int defaultPort() {
    return 8090;
  }

  @Override
  public Set<String> streams() {
    return Set.of();
  }

  /**
   * Reads the ledger, too: a group whose ledger cannot be read must not start, and a verticle that
   * cannot start would be tried for ever.
   */
  @Override
  public Parts assemble(GroupContext context) {
    GatewaySettings settings = GatewaySettings.from(context.settings());
    RandomIds ids = new RandomIds();
    Gateway gateway;
    try {
      gateway =
          Gateway.open(settings.ledgerFile(), settings.keyLifetime(), InstantSource.system(), ids);
    } catch (LedgerFileException e) {
      throw new SettingsException(List.of("LEDGER_FILE=" + e.getMessage()));
    }
    Dice dice = new Dice(settings.seed(), settings.faults());
    StripeRoutes stripe =
        new StripeRoutes(context.vertx(), gateway, new ApiKey(settings.apiKey()), dice, ids);
    SimulatorRoutes simulator = new SimulatorRoutes(context.vertx(), gateway, dice);
    return new Parts(
        List.of(new LedgerVerticle(gateway)),
        router -> {
          stripe.mount(router);
          simulator.mount(router);
        });
  }
}
