package io.holdfast.gateway;

import static io.holdfast.gateway.Simulator.await;
import static io.holdfast.gateway.Simulator.error;
import static io.holdfast.gateway.Simulator.objects;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The API as a client of Stripe's sees it. */
class StripeApiTest {

  @TempDir Path folder;
  private Simulator gateway;

  @BeforeEach
  void start() {
    gateway = Simulator.on(folder.resolve("ledger.jsonl"));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void a_charge_is_answered_and_stands_in_the_ledger() {
    HttpResponse<Buffer> response = await(gateway.charge("o1"));

    assertThat(response.statusCode()).isEqualTo(200);
    JsonObject intent = response.bodyAsJsonObject();
    assertThat(intent.getString("id")).startsWith("pi_");
    assertThat(intent.getString("object")).isEqualTo("payment_intent");
    assertThat(intent.getString("status")).isEqualTo("succeeded");
    assertThat(intent.getLong("amount_received")).isEqualTo(4_000);
    assertThat(intent.getString("latest_charge")).startsWith("ch_");
    assertThat(intent.getJsonObject("metadata").getString("order_id")).isEqualTo("o1");
    assertThat(gateway.ledger())
        .singleElement()
        .satisfies(
            charge -> {
              assertThat(charge.getString("id")).isEqualTo(intent.getString("id"));
              assertThat(charge.getString("order_id")).isEqualTo("o1");
              assertThat(charge.getLong("amount")).isEqualTo(4_000);
              assertThat(charge.getString("currency")).isEqualTo("eur");
              assertThat(charge.getString("status")).isEqualTo("succeeded");
              assertThat(charge.getString("idempotency_key")).isEqualTo("charge:o1");
              assertThat(charge.getLong("created")).isEqualTo(intent.getLong("created"));
            });
    HttpResponse<Buffer> again =
        await(gateway.get("/v1/payment_intents/" + intent.getString("id")));
    assertThat(again.body()).isEqualTo(response.body());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 20})
  void many_requests_with_one_key_take_the_money_once(int latency) {
    await(gateway.faults("{\"latency_ms\": " + latency + "}"));

    List<HttpResponse<Buffer>> responses =
        await(Future.all(IntStream.range(0, 40).mapToObj(i -> gateway.charge("o1")).toList()))
            .list();

    assertThat(responses).extracting(HttpResponse::statusCode).isSubsetOf(200, 409).contains(200);
    assertThat(responses)
        .filteredOn(r -> r.statusCode() == 409)
        .allSatisfy(
            r -> assertThat(error(r).getString("code")).isEqualTo("idempotency_key_in_use"));
    assertThat(responses)
        .filteredOn(r -> r.statusCode() == 200)
        .extracting(HttpResponse::bodyAsString)
        .containsOnly(await(gateway.charge("o1")).bodyAsString());
    assertThat(gateway.ledger()).hasSize(1);
  }

  @Test
  void the_first_answer_is_given_again_and_says_so() {
    HttpResponse<Buffer> first = await(gateway.charge("o1"));
    HttpResponse<Buffer> second = await(gateway.charge("o1"));

    assertThat(first.getHeader("Idempotent-Replayed")).isNull();
    assertThat(second.getHeader("Idempotent-Replayed")).isEqualTo("true");
    assertThat(second.body()).isEqualTo(first.body());
  }

  @Test
  void a_key_is_refused_for_other_parameters_or_another_path() {
    await(gateway.charge("o1"));

    for (Future<HttpResponse<Buffer>> other :
        List.of(
            gateway.post("/v1/payment_intents", "charge:o1", "amount=1", "currency=eur"),
            gateway.post("/v1/refunds", "charge:o1", "payment_intent=pi_1"))) {
      HttpResponse<Buffer> response = await(other);
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(error(response).getString("type")).isEqualTo("idempotency_error");
    }
    assertThat(gateway.ledger()).hasSize(1);
  }

  @Test
  void the_order_of_the_parameters_makes_no_difference() {
    String path = "/v1/payment_intents";
    await(gateway.post(path, "k", "amount=5", "currency=eur", "metadata[a]=1"));

    HttpResponse<Buffer> again =
        await(gateway.post(path, "k", "metadata[a]=1", "currency=eur", "amount=5"));

    assertThat(again.getHeader("Idempotent-Replayed")).isEqualTo("true");
  }

  @Test
  void a_decline_is_an_answer_and_is_given_again() {
    HttpResponse<Buffer> first =
        await(gateway.charge("o1", "pm_card_chargeDeclinedInsufficientFunds"));
    HttpResponse<Buffer> second =
        await(gateway.charge("o1", "pm_card_chargeDeclinedInsufficientFunds"));

    assertThat(first.statusCode()).isEqualTo(402);
    JsonObject error = error(first);
    assertThat(error.getString("type")).isEqualTo("card_error");
    assertThat(error.getString("code")).isEqualTo("card_declined");
    assertThat(error.getString("decline_code")).isEqualTo("insufficient_funds");
    assertThat(error.getJsonObject("payment_intent").getString("status"))
        .isEqualTo("requires_payment_method");
    assertThat(second.statusCode()).isEqualTo(402);
    assertThat(second.getHeader("Idempotent-Replayed")).isEqualTo("true");
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(gateway.ledger()).isEmpty();
  }

  @Test
  void a_request_that_was_not_begun_leaves_its_key_free() {
    HttpResponse<Buffer> wrong = await(gateway.charge("o1", "pm_nobody"));
    assertThat(wrong.statusCode()).isEqualTo(400);
    assertThat(error(wrong).getString("code")).isEqualTo("resource_missing");
    assertThat(error(wrong).getString("param")).isEqualTo("payment_method");

    assertThat(await(gateway.charge("o1")).statusCode()).isEqualTo(200);
  }

  @Test
  void a_key_is_forgotten_after_its_time() throws Exception {
    try (Simulator brief =
        Simulator.on(folder.resolve("brief.jsonl"), Map.of("GATEWAY_KEY_TTL_SECONDS", "1"))) {
      String first = id(await(brief.charge("o1")));
      long deadline = System.nanoTime() + 10_000_000_000L;
      String second = first;
      while (second.equals(first) && System.nanoTime() < deadline) {
        Thread.sleep(50);
        second = id(await(brief.charge("o1")));
      }
      assertThat(second).isNotEqualTo(first);
      assertThat(brief.ledger("order_id", "o1")).hasSize(2);
    }
  }

  @Test
  void money_is_given_back_once() {
    String intent = id(await(gateway.charge("o1")));

    HttpResponse<Buffer> refund =
        await(gateway.post("/v1/refunds", "refund:o1", "payment_intent=" + intent));
    HttpResponse<Buffer> again =
        await(gateway.post("/v1/refunds", "refund:o1", "payment_intent=" + intent));
    HttpResponse<Buffer> otherKey =
        await(gateway.post("/v1/refunds", "other", "payment_intent=" + intent));

    assertThat(refund.bodyAsJsonObject().getString("id")).startsWith("re_");
    assertThat(refund.bodyAsJsonObject().getString("status")).isEqualTo("succeeded");
    assertThat(refund.bodyAsJsonObject().getLong("amount")).isEqualTo(4_000);
    assertThat(again.body()).isEqualTo(refund.body());
    assertThat(otherKey.statusCode()).isEqualTo(400);
    assertThat(error(otherKey).getString("code")).isEqualTo("charge_already_refunded");
    assertThat(gateway.ledger())
        .extracting(charge -> charge.getString("status"))
        .containsExactly("refunded");
    assertThat(
            objects(
                await(gateway.get("/v1/refunds", "payment_intent", intent)).bodyAsJsonObject(),
                "data"))
        .containsExactly(refund.bodyAsJsonObject());
    assertThat(
            await(gateway.get("/v1/refunds/" + refund.bodyAsJsonObject().getString("id"))).body())
        .isEqualTo(refund.body());
  }

  @Test
  void a_part_may_be_given_back_and_the_rest_later() {
    JsonObject intent = await(gateway.charge("o1")).bodyAsJsonObject();
    String charge = "charge=" + intent.getString("latest_charge");

    assertThat(await(gateway.post("/v1/refunds", "a", charge, "amount=1500")).statusCode())
        .isEqualTo(200);
    assertThat(gateway.ledger().getFirst().getString("status")).isEqualTo("succeeded");
    assertThat(gateway.ledger().getFirst().getLong("amount_refunded")).isEqualTo(1_500);
    assertThat(
            error(await(gateway.post("/v1/refunds", "b", charge, "amount=2501")))
                .getString("param"))
        .isEqualTo("amount");
    assertThat(await(gateway.post("/v1/refunds", "c", charge, "amount=2500")).statusCode())
        .isEqualTo(200);
    assertThat(gateway.ledger().getFirst().getString("status")).isEqualTo("refunded");
  }

  @Test
  void an_intent_can_be_confirmed_later_or_given_up() {
    HttpResponse<Buffer> created =
        await(gateway.post("/v1/payment_intents", null, "amount=700", "currency=EUR"));
    assertThat(created.bodyAsJsonObject().getString("status")).isEqualTo("requires_confirmation");
    assertThat(created.bodyAsJsonObject().getString("currency")).isEqualTo("eur");
    String one = "/v1/payment_intents/" + id(created);
    String two =
        "/v1/payment_intents/"
            + id(await(gateway.post("/v1/payment_intents", null, "amount=9", "currency=eur")));

    assertThat(await(gateway.post(one + "/confirm", "k")).bodyAsJsonObject().getString("status"))
        .isEqualTo("succeeded");
    assertThat(
            await(gateway.post(two + "/cancel", null, "cancellation_reason=abandoned"))
                .bodyAsJsonObject()
                .getString("status"))
        .isEqualTo("canceled");

    HttpResponse<Buffer> late = await(gateway.post(one + "/cancel", null));
    assertThat(late.statusCode()).isEqualTo(400);
    assertThat(error(late).getString("code")).isEqualTo("payment_intent_unexpected_state");
    assertThat(error(late).getJsonObject("payment_intent").getString("status"))
        .isEqualTo("succeeded");
    assertThat(gateway.ledger())
        .extracting(charge -> charge.getString("status"))
        .containsExactly("succeeded", "canceled");
  }

  @Test
  void payments_are_found_by_their_metadata() {
    String declined = id(error(await(gateway.charge("o1", "pm_card_chargeDeclined"))));
    String charged =
        id(
            await(
                gateway.post(
                    "/v1/payment_intents",
                    "again",
                    "amount=1",
                    "currency=eur",
                    "confirm=true",
                    "metadata[order_id]=o1")));
    await(gateway.charge("o2"));

    assertThat(search("metadata['order_id']:'o1'")).containsExactly(charged, declined);
    assertThat(search("metadata['order_id']:'o1' AND status:'succeeded'")).containsExactly(charged);
    assertThat(search("metadata['order_id']:'nobody'")).isEmpty();
    assertThat(await(gateway.get("/v1/payment_intents/search", "query", "amount>1")).statusCode())
        .isEqualTo(400);
  }

  @Test
  void a_search_goes_on_where_its_last_page_ended() {
    for (int i = 0; i < 5; i++) {
      await(gateway.post("/v1/payment_intents", null, "amount=1", "currency=eur", "metadata[a]=b"));
    }
    String query = "metadata['a']:'b'";

    JsonObject first =
        await(gateway.get("/v1/payment_intents/search", "query", query, "limit", "3"))
            .bodyAsJsonObject();
    JsonObject last =
        await(
                gateway.get(
                    "/v1/payment_intents/search",
                    "query",
                    query,
                    "limit",
                    "3",
                    "page",
                    first.getString("next_page")))
            .bodyAsJsonObject();

    assertThat(first.getString("object")).isEqualTo("search_result");
    assertThat(first.getBoolean("has_more")).isTrue();
    assertThat(objects(first, "data")).hasSize(3);
    assertThat(last.getBoolean("has_more")).isFalse();
    assertThat(last.getValue("next_page")).isNull();
    assertThat(objects(last, "data"))
        .hasSize(2)
        .doesNotContainAnyElementsOf(objects(first, "data"));
  }

  @Test
  void a_list_has_the_newest_first_and_goes_on_behind_an_id() {
    List<String> ids =
        IntStream.range(0, 5).mapToObj(i -> id(await(gateway.charge("o" + i)))).toList().reversed();

    JsonObject first = await(gateway.get("/v1/payment_intents", "limit", "2")).bodyAsJsonObject();
    JsonObject rest =
        await(gateway.get("/v1/payment_intents", "starting_after", ids.get(1))).bodyAsJsonObject();

    assertThat(ids(first)).isEqualTo(ids.subList(0, 2));
    assertThat(first.getBoolean("has_more")).isTrue();
    assertThat(ids(rest)).isEqualTo(ids.subList(2, 5));
    assertThat(rest.getBoolean("has_more")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "currency=eur,                                        amount,         parameter_missing",
    "amount=5,                                            currency,       parameter_missing",
    "amount=5.5&currency=eur,                             amount,         parameter_invalid_integer",
    "amount=0&currency=eur,                               amount,         parameter_invalid_integer",
    "amount=-1&currency=eur,                              amount,         parameter_invalid_integer",
    "amount=100000000&currency=eur,                       amount,         amount_too_large",
    "amount=5&currency=,                                  currency,       parameter_invalid_empty",
    "amount=5&currency=zzz,                               currency,       ",
    "amount=5&currency=xau,                               currency,       ",
    "amount=5&amount=6&currency=eur,                      amount,         parameter_invalid",
    "amount=5&currency=eur&confirm=perhaps,               confirm,        ",
    "amount=5&currency=eur&colour=red,                    colour,         parameter_unknown",
    "amount=5&currency=eur&capture_method=manual,         capture_method, ",
    "amount=5&currency=eur&metadata=x,                    metadata,       ",
    "amount=5&currency=eur&payment_method_types[]=paypal, payment_method_types, "
        + "payment_intent_invalid_parameter",
  })
  void a_fault_in_the_form_is_named(String form, String param, String code) {
    HttpResponse<Buffer> response =
        await(gateway.post("/v1/payment_intents", "k", form.split("&", -1)));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).getString("type")).isEqualTo("invalid_request_error");
    assertThat(error(response).getString("param")).isEqualTo(param);
    assertThat(error(response).getString("code")).isEqualTo(code);
    assertThat(await(gateway.get("/v1/payment_intents")).bodyAsJsonObject().getJsonArray("data"))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "application/json,                  {},        400",
    "application/x-www-form-urlencoded, amount=%zz, 400",
    ",                                  amount=5,  400",
  })
  void a_body_that_is_no_form_is_refused(String type, String body, int status) {
    var request = gateway.client().post("/v1/payment_intents").bearerTokenAuthentication("sk");
    if (type != null) {
      request.putHeader("Content-Type", type);
    }

    HttpResponse<Buffer> response = await(request.sendBuffer(Buffer.buffer(body)));

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(error(response).getString("type")).isEqualTo("invalid_request_error");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/payment_intents/pi_none, resource_missing",
    "/v1/refunds/re_none,         resource_missing",
    "/v1/charges,                 ",
    "/v1/payment_intents/a/b/c,   ",
  })
  void what_is_not_there_is_404_in_the_apis_words(String path, String code) {
    HttpResponse<Buffer> response = await(gateway.get(path));

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(error(response).getString("type")).isEqualTo("invalid_request_error");
    assertThat(error(response).getString("code")).isEqualTo(code);
  }

  @Test
  void nobody_without_a_key_is_served() {
    HttpResponse<Buffer> response = await(gateway.client().get("/v1/payment_intents").send());

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(error(response).getString("type")).isEqualTo("invalid_request_error");
  }

  @Test
  void the_key_that_was_set_is_the_only_one() {
    try (Simulator strict =
        Simulator.on(folder.resolve("strict.jsonl"), Map.of("GATEWAY_API_KEY", "sk_right"))) {
      var path = "/v1/payment_intents";
      assertThat(
              await(strict.client().get(path).bearerTokenAuthentication("sk_wrong").send())
                  .statusCode())
          .isEqualTo(401);
      assertThat(
              await(strict.client().get(path).bearerTokenAuthentication("sk_right").send())
                  .statusCode())
          .isEqualTo(200);
      assertThat(
              await(strict.client().get(path).basicAuthentication("sk_right", "").send())
                  .statusCode())
          .isEqualTo(200);
    }
  }

  private List<String> search(String query) {
    return ids(await(gateway.get("/v1/payment_intents/search", "query", query)).bodyAsJsonObject());
  }

  private static List<String> ids(JsonObject list) {
    return objects(list, "data").stream().map(o -> o.getString("id")).toList();
  }

  private static String id(HttpResponse<Buffer> response) {
    assertThat(response.statusCode()).as(response.bodyAsString()).isEqualTo(200);
    return response.bodyAsJsonObject().getString("id");
  }

  private static String id(JsonObject error) {
    return error.getJsonObject("payment_intent").getString("id");
  }
}
