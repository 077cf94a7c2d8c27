package io.holdfast.gateway;

import static io.holdfast.gateway.Simulator.await;
import static io.holdfast.gateway.Simulator.error;
import static io.holdfast.gateway.Simulator.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each fault, as a client meets it, and what the ledger says about it. */
class FaultsTest {

  @TempDir Path folder;
  private Simulator gateway;

  @BeforeEach
  void start() {
    gateway = Simulator.on(folder.resolve("ledger.jsonl"), Map.of("GATEWAY_SEED", "7"));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void there_are_none_to_begin_with() {
    JsonObject faults = await(gateway.get("/simulator/faults")).bodyAsJsonObject();

    assertThat(faults.getMap())
        .containsOnlyKeys(
            "latency_ms",
            "jitter_ms",
            "error_rate",
            "rate_limit_rate",
            "decline_rate",
            "hang_rate",
            "drop_after_charge_rate",
            "refund_error_rate",
            "outage");
    assertThat(faults.getMap().values()).allSatisfy(v -> assertThat(v).isIn(0, 0.0, false));
  }

  @Test
  void those_that_are_not_named_stay() {
    await(gateway.faults("{\"error_rate\": 0.25, \"latency_ms\": 3}"));
    JsonObject faults =
        await(gateway.faults("{\"latency_ms\": 0, \"outage\": false}")).bodyAsJsonObject();

    assertThat(faults.getDouble("error_rate")).isEqualTo(0.25);
    assertThat(faults.getInteger("latency_ms")).isZero();
    assertThat(await(gateway.get("/simulator/faults")).bodyAsJsonObject()).isEqualTo(faults);
  }

  @Test
  void wrong_values_are_refused_by_name_and_change_nothing() {
    HttpResponse<Buffer> response =
        await(
            gateway.faults(
                "{\"error_rate\":1.5,\"hang_rate\":\"x\",\"outage\":1,\"latency_ms\":-1,"
                    + "\"decline_rat\":1,\"refund_error_rate\":1}"));

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(response.getHeader("Content-Type")).isEqualTo("application/problem+json");
    assertThat(
            Simulator.objects(response.bodyAsJsonObject(), "errors").stream()
                .map(e -> e.getString("field")))
        .containsExactlyInAnyOrder(
            "error_rate", "hang_rate", "outage", "latency_ms", "decline_rat");
    assertThat(
            await(gateway.get("/simulator/faults"))
                .bodyAsJsonObject()
                .getDouble("refund_error_rate"))
        .isZero();
  }

  @Test
  void latency_delays_every_answer_and_the_key_is_in_use_meanwhile() {
    await(gateway.faults("{\"latency_ms\": 150}"));
    long begun = System.nanoTime();

    Future<HttpResponse<Buffer>> first = gateway.charge("o1");
    HttpResponse<Buffer> look = await(gateway.get("/v1/payment_intents"));
    await(first);
    assertThat(System.nanoTime() - begun).isGreaterThan(150_000_000L);
    assertThat(look.statusCode()).isEqualTo(200);

    List<HttpResponse<Buffer>> both =
        await(Future.all(gateway.charge("o2"), gateway.charge("o2"))).list();
    assertThat(both).extracting(HttpResponse::statusCode).containsExactlyInAnyOrder(200, 409);
    assertThat(gateway.ledger()).hasSize(2);
  }

  @Test
  void a_client_that_does_not_wait_is_charged_all_the_same() {
    await(gateway.faults("{\"latency_ms\": 100}"));

    assertThat(failure(impatient("o1", 20))).isInstanceOf(TimeoutException.class);

    await(gateway.faults("{\"latency_ms\": 0}"));
    HttpResponse<Buffer> retry = await(gateway.charge("o1"));
    while (retry.statusCode() == 409) {
      retry = await(gateway.charge("o1"));
    }
    assertThat(retry.getHeader("Idempotent-Replayed")).isEqualTo("true");
    assertThat(gateway.ledger()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"error_rate, 500, api_error", "rate_limit_rate, 429, invalid_request_error"})
  void an_error_at_the_door_means_that_nothing_happened(String rate, int status, String type) {
    await(gateway.faults("{\"" + rate + "\": 1}"));

    HttpResponse<Buffer> response = await(gateway.charge("o1"));
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(error(response).getString("type")).isEqualTo(type);
    assertThat(response.getHeader("Retry-After")).isEqualTo(status == 429 ? "1" : null);
    assertThat(gateway.ledger()).isEmpty();

    await(gateway.faults("{\"" + rate + "\": 0}"));
    HttpResponse<Buffer> retry = await(gateway.charge("o1"));
    assertThat(retry.statusCode()).as("the error was not kept").isEqualTo(200);
    assertThat(retry.getHeader("Idempotent-Replayed")).isNull();
  }

  @Test
  void a_decline_by_chance_is_as_final_as_any() {
    await(gateway.faults("{\"decline_rate\": 1}"));
    HttpResponse<Buffer> first = await(gateway.charge("o1"));
    await(gateway.faults("{\"decline_rate\": 0}"));
    HttpResponse<Buffer> second = await(gateway.charge("o1"));

    assertThat(first.statusCode()).isEqualTo(402);
    assertThat(error(first).getString("decline_code")).isEqualTo("generic_decline");
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(gateway.ledger()).isEmpty();
  }

  @Test
  void a_request_that_hangs_was_done_or_not_begun_and_a_retry_finds_out() {
    await(gateway.faults("{\"hang_rate\": 1}"));
    for (int i = 0; i < 12; i++) {
      String order = "o" + i;
      assertThat(failure(impatient(order, 40))).isInstanceOf(TimeoutException.class);
    }
    assertThat(await(gateway.get("/v1/payment_intents")).statusCode())
        .as("a look does not hang")
        .isEqualTo(200);

    Set<String> done = orders();
    assertThat(done).hasSizeBetween(1, 11);
    await(gateway.faults("{\"hang_rate\": 0}"));
    for (int i = 0; i < 12; i++) {
      HttpResponse<Buffer> retry = await(gateway.charge("o" + i));
      assertThat(retry.statusCode()).isEqualTo(200);
      assertThat(retry.getHeader("Idempotent-Replayed") != null).isEqualTo(done.contains("o" + i));
    }
    assertThat(gateway.ledger()).hasSize(12);
  }

  @Test
  void hanging_requests_are_over_when_their_client_has_left() {
    try (Simulator narrow =
        Simulator.on(folder.resolve("narrow.jsonl"), Map.of("HTTP_MAX_IN_FLIGHT", "2"))) {
      await(narrow.faults("{\"hang_rate\": 1}"));
      for (int i = 0; i < 6; i++) {
        assertThat(failure(impatient(narrow, "o" + i, 40))).isInstanceOf(TimeoutException.class);
      }
      long deadline = System.nanoTime() + 5_000_000_000L;
      int status;
      do {
        status = await(narrow.faults("{\"hang_rate\": 0}")).statusCode();
      } while (status == 429 && System.nanoTime() < deadline);
      assertThat(status).isEqualTo(200);
    }
  }

  @Test
  void a_dropped_charge_is_in_the_ledger_and_a_retry_is_told_so() {
    await(gateway.faults("{\"drop_after_charge_rate\": 1}"));

    assertThat(failure(gateway.charge("o1"))).isInstanceOf(HttpClosedException.class);
    assertThat(gateway.ledger())
        .extracting(charge -> charge.getString("status"))
        .containsExactly("succeeded");

    HttpResponse<Buffer> retry = await(gateway.charge("o1"));
    assertThat(retry.statusCode()).isEqualTo(200);
    assertThat(retry.getHeader("Idempotent-Replayed")).isEqualTo("true");
    assertThat(gateway.ledger()).hasSize(1);
    assertThat(await(gateway.charge("o2", "pm_card_chargeDeclined")).statusCode())
        .as("only charges are dropped")
        .isEqualTo(402);
  }

  @Test
  void refunds_can_fail_alone() {
    String intent =
        "payment_intent=" + await(gateway.charge("o1")).bodyAsJsonObject().getString("id");
    await(gateway.faults("{\"refund_error_rate\": 1}"));

    assertThat(await(gateway.post("/v1/refunds", "r", intent)).statusCode()).isEqualTo(500);
    assertThat(await(gateway.charge("o2")).statusCode()).isEqualTo(200);
    assertThat(gateway.ledger().getFirst().getString("status")).isEqualTo("succeeded");

    await(gateway.faults("{\"refund_error_rate\": 0}"));
    assertThat(await(gateway.post("/v1/refunds", "r", intent)).statusCode()).isEqualTo(200);
  }

  @Test
  void in_an_outage_nothing_under_v1_answers_and_all_else_does() {
    await(gateway.faults("{\"outage\": true}"));

    assertThat(failure(gateway.charge("o1"))).isInstanceOf(HttpClosedException.class);
    assertThat(failure(gateway.get("/v1/payment_intents"))).isInstanceOf(HttpClosedException.class);
    for (String path : List.of("/health", "/ready", "/simulator/faults", "/simulator/ledger")) {
      assertThat(await(gateway.get(path)).statusCode()).as(path).isEqualTo(200);
    }

    await(gateway.faults("{\"outage\": false}"));
    assertThat(await(gateway.charge("o1")).statusCode()).isEqualTo(200);
    assertThat(gateway.ledger()).hasSize(1);
  }

  @Test
  void the_first_faults_come_from_the_environment() {
    try (Simulator broken =
        Simulator.on(
            folder.resolve("broken.jsonl"),
            Map.of("GATEWAY_ERROR_RATE", "1", "GATEWAY_LATENCY_MS", "5"))) {
      assertThat(await(broken.charge("o1")).statusCode()).isEqualTo(500);
    }
    List<String> faults = new ArrayList<>();
    try (Simulator never =
        Simulator.on(folder.resolve("x.jsonl"), Map.of("GATEWAY_ERROR_RATE", "often"))) {
      faults.add("started on port " + never.group().port());
    } catch (RuntimeException e) {
      faults.add(e.getMessage());
    }
    assertThat(faults).containsExactly("GATEWAY_ERROR_RATE=often: must be a number from 0 to 1");
  }

  private Future<HttpResponse<Buffer>> impatient(String order, long millis) {
    return impatient(gateway, order, millis);
  }

  private static Future<HttpResponse<Buffer>> impatient(
      Simulator simulator, String order, long millis) {
    return simulator
        .client()
        .post("/v1/payment_intents")
        .bearerTokenAuthentication("sk_test")
        .putHeader("Idempotency-Key", "charge:" + order)
        .timeout(millis)
        .sendForm(
            io.vertx.core.MultiMap.caseInsensitiveMultiMap()
                .add("amount", "4000")
                .add("currency", "eur")
                .add("confirm", "true")
                .add("payment_method", "pm_card_visa")
                .add("metadata[order_id]", order));
  }

  private Set<String> orders() {
    return gateway.ledger().stream().map(c -> c.getString("order_id")).collect(Collectors.toSet());
  }
}
