package io.holdfast.inventory;

import static io.holdfast.inventory.Inventory.item;
import static io.holdfast.inventory.Inventory.receive;
import static io.holdfast.testkit.Together.atOnce;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: goods come in once for each key, and everybody sees the level that is stored. Method: the
 * HTTP API of the real group over a real broker, checked against the stream.
 */
class ReceiptTest {

  private final Inventory inventory = Inventory.inNewNamespace();
  private String url;

  @BeforeEach
  void start() {
    url = inventory.start();
  }

  @AfterEach
  void close() {
    inventory.assertThatSumsAddUp();
    inventory.close();
  }

  @Test
  void a_receipt_is_answered_when_it_is_stored_with_the_new_level() {
    Answer answer = receive(url, "bulb", 10, "r1");

    assertThat(answer.status()).isEqualTo(201);
    assertThat(answer.json().getString("sku")).isEqualTo("bulb");
    assertThat(answer.json().getLong("quantity")).isEqualTo(10);
    String receiptId = answer.json().getString("receipt_id");
    assertThat(inventory.facts())
        .containsExactly(
            new StockReceived("bulb", 10, receiptId), new StockLevelChanged("bulb", 10, 10, 0));
  }

  @Test
  void the_same_key_again_gets_the_same_answer_and_brings_nothing() {
    Answer first = receive(url, "bulb", 10, "r1");
    receive(url, "bulb", 1, "r2");
    Answer again = receive(url, "bulb", 10, "r1");
    Answer quoted = receive(url, "bulb", 10, "\"r1\"");

    assertThat(again.status()).isEqualTo(201);
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(quoted.body()).isEqualTo(first.body());
    assertThat(inventory.level("bulb")).containsExactly(11L, 11L, 0L);
  }

  @Test
  void a_key_is_of_use_for_one_receipt_alone() {
    receive(url, "bulb", 10, "r1");
    Answer otherQuantity = receive(url, "bulb", 11, "r1");
    Answer otherSku = receive(url, "lamp", 10, "r1");

    assertThat(List.of(otherQuantity, otherSku))
        .allSatisfy(
            refused -> {
              assertThat(refused.status()).isEqualTo(422);
              assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
              assertThat(refused.json().getString("type")).endsWith(":idempotency-key-reused");
            });
    assertThat(inventory.level("bulb")).containsExactly(10L, 10L, 0L);
    assertThat(inventory.level("lamp")).containsExactly(0L, 0L, 0L);
  }

  @Test
  void receipts_without_a_key_are_receipts_of_their_own() {
    String path = url + "/stock/bulb/receipts";
    Http.post(path, new JsonObject().put("quantity", 2));
    Http.post(path, new JsonObject().put("quantity", 2));

    assertThat(inventory.level("bulb")).containsExactly(4L, 4L, 0L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-1",
        "1.5",
        "1e3",
        "\"7\"",
        "true",
        "null",
        "1000000001",
        "[]",
        "1e999999999"
      })
  void a_quantity_that_is_none_is_refused_by_name(String quantity) {
    Answer answer =
        Http.post(
            url + "/stock/bulb/receipts",
            "{\"quantity\":" + quantity + "}",
            "Idempotency-Key",
            "r1");

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.json().getJsonArray("errors").getJsonObject(0).getString("field"))
        .isEqualTo("quantity");
    assertThat(inventory.streams().messages("INVENTORY")).isEmpty();
  }

  @Test
  void a_sku_that_cannot_be_a_subjects_token_is_refused() {
    assertThat(receive(url, "a.b", 1, "r1").status()).isEqualTo(422);
    assertThat(receive(url, "*", 1, "r1").status()).isEqualTo(422);
    assertThat(receive(url, "x".repeat(65), 1, "r1").status()).isEqualTo(422);
    assertThat(Http.get(url + "/stock/a.b").status()).isEqualTo(422);
    assertThat(inventory.streams().messages("INVENTORY")).isEmpty();
  }

  @Test
  void twenty_at_once_with_one_key_are_one_receipt() {
    List<Answer> answers = atOnce(20, i -> receive(url, "bulb", 10, "r1"));

    assertThat(answers).extracting(Answer::status).containsOnly(201);
    assertThat(answers).extracting(Answer::body).containsOnly(answers.getFirst().body());
    assertThat(inventory.level("bulb")).containsExactly(10L, 10L, 0L);
    assertThat(inventory.count(StockReceived.class)).isEqualTo(1);
  }

  @Test
  void fifty_at_once_with_keys_of_their_own_all_come_in() {
    List<Answer> answers = atOnce(50, i -> receive(url, "bulb", 2, "r" + i));

    assertThat(answers).extracting(Answer::status).containsOnly(201);
    assertThat(inventory.level("bulb")).containsExactly(100L, 100L, 0L);
  }

  @Test
  void levels_are_told_one_by_one_and_all_together() {
    receive(url, "lamp", 1, "r1");
    receive(url, "bulb", 10, "r2");
    inventory.created("o1", item("bulb", 4));
    inventory.fact(InventoryReserved.class, "o1");

    JsonObject bulb =
        new JsonObject()
            .put("sku", "bulb")
            .put("received", 10)
            .put("available", 6)
            .put("reserved", 4);
    JsonObject lamp =
        new JsonObject()
            .put("sku", "lamp")
            .put("received", 1)
            .put("available", 1)
            .put("reserved", 0);
    assertThat(Http.get(url + "/stock/bulb").json()).isEqualTo(bulb);
    assertThat(Http.get(url + "/stock").jsonArray()).containsExactly(bulb, lamp);
  }

  @Test
  void a_sku_that_never_came_in_is_not_found() {
    Answer answer = Http.get(url + "/stock/unheard-of");

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(Http.get(url + "/stock").jsonArray()).isEmpty();
  }
}
