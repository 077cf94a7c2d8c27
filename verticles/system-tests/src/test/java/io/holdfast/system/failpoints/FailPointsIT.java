package io.holdfast.system.failpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.SoftAssertions.assertSoftly;

import io.holdfast.system.failpoints.Site.Reconciled;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no promise is broken wherever a service dies. Method: the packaged JARs, each behind a wire
 * that kills its process, as {@code kill -9} does, exactly before or after a given message passes:
 * all services side by side, each of their points in turn, while orders of every kind come in. Then
 * {@code reconcile} over everything.
 *
 * <p>{@code -Dholdfast.failpoints.rounds=50} goes through all points so often. The table is in
 * {@code target/failsafe-reports}.
 */
class FailPointsIT {

  private static final int ROUNDS = Integer.getInteger("holdfast.failpoints.rounds", 1);
  private static final long PATIENCE_SECONDS = 60;
  private static final int SETTLE_SECONDS = 60;
  private static final int SOON = 3;

  @TempDir Path folder;

  @Test
  void every_promise_is_kept_wherever_a_service_dies() throws Exception {
    CompletableFuture<Customers> served = new CompletableFuture<>();
    long begun = System.nanoTime();
    try (Site site = new Site(folder, new Races(orderId -> served.join().cancel(orderId)))) {
      site.start();
      try (Customers customers = new Customers(site)) {
        served.complete(customers);
        customers.begin();

        Queue<Crash> crashes = new ConcurrentLinkedQueue<>();
        List<AssertionError> notMet = crashEverywhere(site, crashes);
        System.out.println(Crash.table(crashes));
        customers.end();
        site.awaitReady();
        Path report = folder.resolve("reconcile.json");
        Path accepted = Files.write(folder.resolve("accepted.log"), customers.accepted());
        Reconciled result = site.reconcile(accepted, report, SETTLE_SECONDS);

        System.out.println(result.output());
        System.out.printf(
            "%d rounds, %d crashes, %d orders accepted, %d s%n",
            ROUNDS,
            crashes.size(),
            customers.accepted().size(),
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun));
        JsonObject told = new JsonObject(Files.readString(report));
        assertSoftly(
            all -> {
              all.assertThat(result.status()).as(result.output()).isZero();
              all.assertThat(told.getJsonArray("parked")).as("parked").isEmpty();
              all.assertThat(told.getLong("orders"))
                  .as("orders")
                  .isEqualTo(customers.accepted().size());
              all.assertThat(told.getLong("open_dead_letters"))
                  .as("each message that nobody can read is parked, once")
                  .isEqualTo(customers.poisons());
              all.assertThat(customers.refused()).as("refused").isEmpty();
              all.assertThat(notMet).as("points that were not met").isEmpty();
            });
      }
    }
  }

  @Test
  void a_service_that_acknowledges_before_the_effect_is_found() throws Exception {
    CompletableFuture<Customers> served = new CompletableFuture<>();
    try (Site site = new Site(folder, new Races(orderId -> served.join().cancel(orderId)))) {
      site.wire("payments").acknowledgeTooEarly();
      site.start();
      try (Customers customers = new Customers(site)) {
        served.complete(customers);
        customers.begin();

        crash(site, FailPoint.CHARGE_NOT_SENT_YET);

        customers.end();
        site.awaitReady();
        Path accepted = Files.write(folder.resolve("accepted.log"), customers.accepted());
        Reconciled result = site.reconcile(accepted, folder.resolve("reconcile.json"), SOON);
        assertThat(result.status()).as(result.output()).isEqualTo(1);
        assertThat(result.output()).contains("has no final state; its stock is reserved");
      }
    }
  }

  /** What was not met, at most one for each service: its other points are left out then. */
  private static List<AssertionError> crashEverywhere(Site site, Queue<Crash> crashes)
      throws Exception {
    List<AssertionError> notMet = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<Optional<AssertionError>>> running =
          Site.SERVICES.stream()
              .map(s -> threads.submit(() -> crashEverywhere(site, s, crashes)))
              .toList();
      for (Future<Optional<AssertionError>> service : running) {
        service.get().ifPresent(notMet::add);
      }
    }
    return notMet;
  }

  private static Optional<AssertionError> crashEverywhere(
      Site site, String service, Queue<Crash> crashes) throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      List<FailPoint> points = new ArrayList<>(FailPoint.of(service));
      Collections.shuffle(points, new Random(round));
      for (FailPoint point : points) {
        try {
          crashes.add(crash(site, point));
        } catch (AssertionError notMet) {
          return Optional.of(notMet);
        }
      }
    }
    return Optional.empty();
  }

  private static Crash crash(Site site, FailPoint point) throws Exception {
    Trap trap = site.trap(point.service());
    CompletableFuture<Void> fired = trap.arm(point);
    try {
      await(fired, point + " is met");
    } catch (AssertionError tooLate) {
      trap.disarm();
      if (!fired.isDone()) {
        throw tooLate;
      }
    }
    site.launch(point.service());
    return new Crash(
        point, await(trap.recovered(), point.service() + " is at work again after " + point));
  }

  private static <T> T await(Future<T> future, String what) throws Exception {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within " + PATIENCE_SECONDS + " s: " + what, e);
    }
  }
}
