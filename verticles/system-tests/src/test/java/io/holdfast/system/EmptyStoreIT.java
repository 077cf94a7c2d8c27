package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker that comes back with an empty store is a loud, safe stop: nobody is ready, nothing
 * is accepted, nothing is made up in the place of what is lost; and the store, given back, is all
 * that it takes to go on. Method: six processes that may create streams, kill -9 of the broker, its
 * folder emptied.
 */
class EmptyStoreIT {

  private static final int ORDERS = 20;
  private static final List<String> SERVICES =
      List.of("orders", "inventory", "payments", "notifications", "audit");
  private static final Duration NOTICED = Duration.ofSeconds(60);

  @TempDir Path folder;

  @Test
  void an_emptied_store_stops_every_service_until_the_store_is_given_back() throws IOException {
    Path store = folder.resolve("nats/jetstream");
    try (SystemUnderTest system = new SystemUnderTest(folder)) {
      system.start();
      system.receive("cup", 1_000);
      List<String> accepted = new ArrayList<>();
      for (int i = 0; i < ORDERS; i++) {
        accepted.add(accepted(system));
      }

      system.broker().kill();
      Files.move(store, folder.resolve("kept"));
      system.broker().restart();

      for (String service : SERVICES) {
        awaitNotReady(system, service, " is not there");
        eventually(
            service + " tells its log",
            NOTICED,
            () -> system.process(service).output(),
            log ->
                log.lines()
                    .anyMatch(
                        line ->
                            line.contains("\"level\":\"error\"")
                                && line.contains(
                                    "The broker has lost what this process has seen")));
      }
      awaitNotReady(system, "orders", "_ORDERS is not there, and it held messages up to ");
      assertThat(order(system).status()).isEqualTo(503);
      assertThat(Http.get(system.url("orders") + "/orders/" + accepted.getFirst()).status())
          .as("an order that was accepted is not said to be unknown")
          .isEqualTo(503);
      assertThat(streamsIn(store)).as("made up in the place of what is lost").isEmpty();

      // One that begins anew cannot know, and makes its streams; the others are not taken in.
      system.process("orders").kill();
      system.launch("orders").awaitReady();
      for (String service : List.of("inventory", "payments", "notifications", "audit")) {
        awaitNotReady(system, service, "in the place of one from");
      }

      system.broker().kill();
      delete(store);
      Files.move(folder.resolve("kept"), store);
      system.broker().restart();

      for (String service : List.of("inventory", "payments", "notifications", "audit")) {
        system.process(service).awaitReady();
      }
      awaitNotReady(system, "orders", "in the place of one from");
      system.process("orders").kill();
      system.launch("orders").awaitReady();
      accepted.add(accepted(system));
      SystemUnderTest.Reconciled result =
          system.reconcile(Files.write(folder.resolve("accepted.log"), accepted));
      assertThat(result.status()).as(result.output()).isZero();
    }
  }

  private static void awaitNotReady(SystemUnderTest system, String service, String sentence) {
    eventually(
        service + " is not ready: " + sentence,
        NOTICED,
        () -> Http.get(system.url(service) + "/ready"),
        answer -> answer.status() == 503 && answer.body().contains(sentence));
  }

  /** A customer's who tries until he is served, as a slow machine is a busy one. */
  private static String accepted(SystemUnderTest system) {
    return eventually(
            "an order is accepted", NOTICED, () -> order(system), answer -> answer.status() == 202)
        .json()
        .getString("order_id");
  }

  private static Http.Answer order(SystemUnderTest system) {
    return Http.post(
        system.url("orders") + "/orders",
        new JsonObject()
            .put("customer_id", "customer-1")
            .put("currency", "EUR")
            .put(
                "items",
                new JsonArray()
                    .add(
                        new JsonObject()
                            .put("sku", "cup")
                            .put("quantity", 1)
                            .put("unit_price", 12.5))));
  }

  /** Folders of streams in a store. */
  private static List<Path> streamsIn(Path store) throws IOException {
    try (Stream<Path> all = Files.walk(store)) {
      return all.filter(path -> path.endsWith("meta.inf")).toList();
    }
  }

  private static void delete(Path all) throws IOException {
    try (Stream<Path> paths = Files.walk(all)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
