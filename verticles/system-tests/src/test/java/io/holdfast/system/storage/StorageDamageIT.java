package io.holdfast.system.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.audit.LedgerVerifier.Anchor;
import io.holdfast.broker.NatsServer;
import io.holdfast.testkit.TestBroker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no damage to the broker's files goes unnoticed: our checks name the stream or consumer that
 * it is in, or what can be read and delivered is exactly what it was. Method: a store that has seen
 * a few hundred orders, a copy of it for each damage, and a broker on that copy.
 *
 * <p>{@code -Dholdfast.storage.damages=N} does so many, {@code -Dholdfast.storage.seed=N} begins
 * there: damage number i is all in the seed plus i.
 */
class StorageDamageIT {

  private static final int DAMAGES = Integer.getInteger("holdfast.storage.damages", 20);
  private static final long SEED = Long.getLong("holdfast.storage.seed", 1);
  private static final int ORDERS = 200;

  /** How often each comes in every twenty. */
  private static final Map<Damage, Integer> SHARES =
      Map.of(
          Damage.BIT_FLIPPED_IN_BLOCK, 7,
          Damage.BIT_FLIPPED_IN_INDEX, 3,
          Damage.BIT_FLIPPED_IN_STREAM_META, 2,
          Damage.BIT_FLIPPED_IN_CONSUMER, 3,
          Damage.BLOCK_TRUNCATED, 2,
          Damage.BLOCK_REMOVED, 1,
          Damage.STREAM_REMOVED, 1,
          Damage.STORE_WIPED, 1);

  @TempDir static Path folder;

  private static String namespace;

  /** One of a broker that was stopped, one of a broker that was killed. */
  private static final List<Path> stores = new ArrayList<>();

  @BeforeAll
  static void a_store_that_has_seen_orders() {
    try (NatsServer server = TestBroker.own(folder.resolve("nats"))) {
      Path own = folder.resolve("nats/jetstream");
      try (Site site = new Site(folder, server.url(), 1)) {
        namespace = site.namespace();
        site.startOrdering();
        site.awaitMore(ORDERS);
        site.stopOrdering();
        Shell.Result settled = site.reconcile(60);
        assertThat(settled.status()).as(settled.printed()).isZero();
      }
      server.kill();
      Folders.copy(own, folder.resolve("killed/jetstream"));
      server.restart();
      server.stop();
      Folders.copy(own, folder.resolve("stopped/jetstream"));
    }
    stores.add(folder.resolve("stopped/jetstream"));
    stores.add(folder.resolve("killed/jetstream"));
  }

  /** What came of the damages of one kind. */
  private static final class Row {
    int done;
    int harmless;
    int named;
    int anchored;
    int silent;
  }

  @Test
  void every_damage_is_named_or_harmless() {
    StoreInspection whole = inspect(-1, stores.getFirst(), Optional.empty());
    assertThat(whole.named()).isEmpty();
    assertThat(inspect(-2, stores.getLast(), Optional.empty()).difference(whole))
        .as("after a kill, beside a stop")
        .isEmpty();
    Optional<Anchor> anchor = Optional.of(whole.end());

    List<Damage> cycle = cycle();
    Map<Damage, Row> table = new EnumMap<>(Damage.class);
    List<String> silent = new ArrayList<>();
    for (int number = 0; number < DAMAGES; number++) {
      Damage damage = cycle.get(number % cycle.size());
      Random dice = new Random(new SplittableRandom(SEED + number).nextLong());
      Path store = folder.resolve("damaged-" + number);
      // Only a broker that is stopped, or runs for minutes, leaves an index.
      int base = damage == Damage.BIT_FLIPPED_IN_INDEX ? 0 : dice.nextInt(stores.size());
      Folders.copy(stores.get(base), store);
      String where = damage.to(store.resolve("jetstream"), dice);

      StoreInspection found = inspect(number, store, anchor);

      Row row = table.computeIfAbsent(damage, kind -> new Row());
      row.done++;
      String difference = found.difference(whole);
      List<String> fitting = found.named().stream().filter(n -> fits(n, where)).toList();
      String outcome;
      if (!fitting.isEmpty()) {
        row.named++;
        outcome = "named: " + fitting.getFirst();
      } else if (!found.byAnchor().isEmpty() && fits(found.byAnchor().getFirst(), where)) {
        row.anchored++;
        outcome = "named by the noted end: " + found.byAnchor().getFirst();
      } else if (difference.isEmpty() && found.named().isEmpty()) {
        row.harmless++;
        outcome = "harmless";
      } else {
        row.silent++;
        outcome = "SILENT: " + difference + " " + found.named();
        silent.add("seed %d, %s, %s: %s".formatted(SEED + number, damage, where, outcome));
      }
      System.out.printf(
          "%4d  %s, %s of the %s one: %s%n",
          SEED + number,
          damage,
          where,
          base == 0 ? "stopped" : "killed",
          outcome.replace('\n', ' '));
      Folders.delete(store);
    }
    print(table);
    assertThat(silent).isEmpty();
  }

  /** Whether a sentence is of the stream, or of the consumer, that the damage is in. */
  private static boolean fits(String sentence, String where) {
    if (where.equals("everything") || sentence.startsWith("the broker does not start")) {
      return true;
    }
    String[] parts = where.split("[/ ,]", -1);
    for (int i = 0; i < parts.length - 1; i++) {
      if (parts[i].equals("obs") && sentence.contains(parts[i + 1])) {
        return true;
      }
    }
    String stream = where.replaceFirst(".*streams/", "").replaceFirst("[/ ,].*", "");
    return sentence.contains(stream);
  }

  private static StoreInspection inspect(int number, Path store, Optional<Anchor> anchor) {
    Path own = folder.resolve("own-" + number);
    if (number < 0) { // the broker writes there
      Folders.copy(store, own.resolve("store"));
      return StoreInspection.of(own.resolve("store"), own, namespace, anchor);
    }
    return StoreInspection.of(store, own, namespace, anchor);
  }

  private static List<Damage> cycle() {
    List<Damage> cycle = new ArrayList<>();
    for (int round = 0; cycle.size() < 20; round++) {
      for (Damage damage : Damage.values()) {
        if (round < SHARES.get(damage)) {
          cycle.add(damage);
        }
      }
    }
    return cycle;
  }

  private static void print(Map<Damage, Row> table) {
    String form = "%-28s %6s %9s %6s %17s %7s%n";
    System.out.printf(form, "damage", "done", "harmless", "named", "by the noted end", "silent");
    table.forEach(
        (damage, row) ->
            System.out.printf(
                form, damage, row.done, row.harmless, row.named, row.anchored, row.silent));
  }
}
