package io.holdfast.orders;

import static io.holdfast.orders.Orders.item;
import static io.holdfast.orders.Orders.request;
import static io.holdfast.testkit.Together.atOnce;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.Envelope;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what is accepted is stored, once and as it was asked for; what is not is told so in full.
 * Method: real requests to two replicas of the group, and a look at the stream.
 */
@TestInstance(Lifecycle.PER_CLASS)
class PlaceOrderTest {

  private static final String KEY = "Idempotency-Key";

  private final Orders orders = Orders.inNewNamespace();
  private String url;
  private String replica;

  @BeforeAll
  void start() {
    url = orders.start();
    replica = orders.startElsewhere();
  }

  @AfterAll
  void close() {
    assertThat(orders.streams().facts("ORDERS")).extracting(Envelope::id).doesNotHaveDuplicates();
    orders.close();
  }

  @Test
  void an_accepted_order_is_stored_as_it_was_asked_for() {
    Answer answer = place(request(), "traceparent", "00-" + Orders.TRACE + "-00f067aa0ba902b7-01");

    assertThat(answer.status()).isEqualTo(202);
    String id = answer.json().getString("order_id");
    assertThat(answer.header("Location")).isEqualTo("/orders/" + id);
    assertThat(answer.header("Content-Type")).isEqualTo("application/json");
    assertThat(answer.json())
        .isEqualTo(
            new JsonObject()
                .put("order_id", id)
                .put("status", "pending")
                .put("trace_id", Orders.TRACE));
    Stored stored = orders.history(id).events().getFirst();
    assertThat((OrderCreated) stored.envelope().event())
        .usingRecursiveComparison()
        .withComparatorForType(BigDecimal::compareTo, BigDecimal.class)
        .isEqualTo(new OrderCreated(id, "c1", Orders.AMOUNT, "EUR", Orders.ITEMS, "pm_card_visa"));
    assertThat(stored.envelope().traceId()).isEqualTo(Orders.TRACE);
    assertThat(stored.subject()).endsWith(".orders.created." + id);
  }

  @Test
  void a_customer_and_an_amount_are_an_order() {
    Answer answer = place(new JsonObject().put("customer_id", "c1").put("amount", 12.5));

    OrderCreated order = stored(answer);
    assertThat(order.amount()).isEqualTo("12.50");
    assertThat(order.currency()).isEqualTo("EUR");
    assertThat(order.items()).isEmpty();
    assertThat(answer.json().getString("trace_id")).matches("[0-9a-f]{32}");
  }

  @Test
  void an_order_costs_what_its_items_cost_to_the_cent() {
    JsonArray items = new JsonArray().add(item("a", 3, "0.10")).add(item("b", 3, "19.99"));
    JsonObject body = new JsonObject().put("customer_id", "c1").put("items", items);

    OrderCreated order = stored(place(body));
    OrderCreated stated = stored(place(body.put("amount", new BigDecimal("60.27"))));

    assertThat(order.amount()).isEqualTo("60.27").isEqualTo(stated.amount());
    assertThat(order.items())
        .containsExactly(
            new Item("a", 3, new BigDecimal("0.1")), new Item("b", 3, new BigDecimal("19.99")));
  }

  @ParameterizedTest
  @CsvSource({"JPY,500", "EUR,19.99", "KWD,1.234", "EUR,999999.99", "JPY,99999999"})
  void an_amount_may_be_as_fine_as_its_currency(String currency, BigDecimal amount) {
    JsonObject body =
        new JsonObject().put("customer_id", "c1").put("amount", amount).put("currency", currency);

    assertThat(stored(place(body)).amount()).isEqualTo(amount);
  }

  @Test
  void the_same_request_without_a_key_is_another_order() {
    assertThat(place(request()).json().getString("order_id"))
        .isNotEqualTo(place(request()).json().getString("order_id"));
  }

  @Test
  void forty_requests_at_once_with_one_key_at_two_replicas_are_one_order() {
    String key = newKey();

    List<Answer> answers =
        atOnce(40, i -> Http.post((i % 2 == 0 ? url : replica) + "/orders", request(), KEY, key));

    assertThat(answers).extracting(Answer::status).containsOnly(202);
    assertThat(answers.stream().map(Answer::body).collect(Collectors.toSet())).hasSize(1);
    assertThat(answers.stream().map(a -> a.header("Location")).collect(Collectors.toSet()))
        .hasSize(1);
    String id = answers.getFirst().json().getString("order_id");
    assertThat(orders.facts(id)).hasSize(1);
    long created = orders.streams().facts("ORDERS").stream().filter(f -> has(f, id)).count();
    assertThat(created).isEqualTo(1);
  }

  @Test
  void a_repeated_key_with_another_body_is_refused_and_changes_nothing() {
    String key = newKey();
    Answer first = place(request(), KEY, key);
    List<?> before = orders.facts(first.json().getString("order_id"));

    for (JsonObject other :
        List.of(
            request().put("customer_id", "c2"),
            request().put("payment_method", "pm_card_mastercard"),
            request().put("currency", "USD"),
            request().put("amount", 50).put("items", new JsonArray().add(item("bulb", 5, "10"))),
            request().put("items", new JsonArray().add(item("lamp", 4, "10"))),
            new JsonObject().put("customer_id", "c1").put("amount", 40))) {
      Answer answer = Http.post(replica + "/orders", other, KEY, key);
      assertThat(answer.status()).isEqualTo(422);
      assertThat(answer.json().getString("type"))
          .isEqualTo("urn:holdfast:problem:idempotency-key-reused");
    }
    assertThat(orders.facts(first.json().getString("order_id"))).isEqualTo(before);
  }

  @Test
  void a_repeated_request_is_answered_as_at_first_however_it_is_written_and_however_late() {
    String key = newKey();
    Answer first = place(request(), KEY, key, "traceparent", traceparent("1"));
    String id = first.json().getString("order_id");
    orders.paid(id);
    orders.end(id);

    Answer late = place(request(), KEY, key, "traceparent", traceparent("2"));
    Answer rewritten =
        place(
            new JsonObject("{\"payment_method\":\"pm_card_visa\"}")
                .put("items", new JsonArray().add(item("bulb", 4, "10")))
                .put("amount", 40)
                .put("customer_id", "c1"),
            KEY,
            '"' + key + '"');

    assertThat(late.status()).isEqualTo(202);
    assertThat(late.body()).isEqualTo(first.body()).isEqualTo(rewritten.body());
    assertThat(orders.facts(id)).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"\"", "a\tb"})
  void a_key_that_cannot_be_one_is_refused(String key) {
    assertProblem(place(request(), KEY, key), 400, "malformed-request");
    assertProblem(place(request(), KEY, "k".repeat(256)), 400, "malformed-request");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
        "0af7651916cd43dd8448eb211c80319c",
        "00-0AF7651916CD43DD8448EB211C80319C-00f067aa0ba902b7-01"
      })
  void a_trace_that_is_none_is_not_taken_over(String header) {
    String trace = place(request(), "traceparent", header).json().getString("trace_id");

    assertThat(trace).matches("[0-9a-f]{32}").isNotEqualTo(Orders.TRACE).doesNotMatch("0{32}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "7",
        "null",
        "\"x\"",
        "{\"customer_id\":\"c1\",}",
        "{} {}",
        "{\"a\":01}",
        "\u0000"
      })
  void what_is_no_json_object_is_malformed(String body) {
    assertProblem(Http.post(url + "/orders", body), 400, "malformed-request");
    assertProblem(Http.post(url + "/orders", "[".repeat(5_000)), 400, "malformed-request");
  }

  @Test
  void more_than_64_kib_is_too_large_and_64_kib_is_not() {
    String most = request().encode();
    most = " ".repeat(64 * 1024 - most.length()) + most;

    assertThat(Http.post(url + "/orders", most).status()).isEqualTo(202);
    assertProblem(Http.post(url + "/orders", " " + most), 413, "too-large");
  }

  @Test
  void only_json_is_understood() {
    String body = request().encode();
    for (String type : List.of("text/plain", "application/xml", "application/jsonx")) {
      Answer answer = Http.post(url + "/orders", body, "Content-Type", type);
      assertProblem(answer, 415, "unsupported-media-type");
    }
    for (String type : List.of("application/json; charset=utf-8", "Application/JSON")) {
      assertThat(Http.post(url + "/orders", body, "Content-Type", type).status()).isEqualTo(202);
    }
  }

  static Stream<Arguments> bad_requests() {
    String order = "'customer_id':'c1','amount':40";
    String line = "'sku':'a','quantity':1,'unit_price':1";
    return Stream.of( // body, beside the fields that must be named
        arguments("{}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':null,'amount':null}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':'a b','amount':0}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':'a.b','amount':-1}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':7,'amount':'40'}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':'*','amount':true}", Set.of("customer_id", "amount")),
        arguments("{'customer_id':'c1','amount':1.999}", Set.of("amount")),
        arguments("{'customer_id':'c1','amount':1.5,'currency':'JPY'}", Set.of("amount")),
        arguments("{'customer_id':'c1','amount':1.2345,'currency':'KWD'}", Set.of("amount")),
        arguments("{'customer_id':'c1','amount':1000000}", Set.of("amount")),
        arguments("{'customer_id':'c1','amount':1E+1000000}", Set.of("amount")),
        arguments("{'customer_id':'c1','amount':1E-1000000}", Set.of("amount")),
        arguments(
            "{'customer_id':'c1','amount':-1,'currency':'EURO'}", Set.of("amount", "currency")),
        arguments("{" + order + ",'currency':'eur'}", Set.of("currency")),
        arguments("{" + order + ",'currency':'XXX'}", Set.of("currency")),
        arguments("{" + order + ",'currency':7}", Set.of("currency")),
        arguments("{" + order + ",'coupon':1,'Amount':2}", Set.of("coupon", "Amount")),
        arguments("{" + order + ",'payment_method':'a b'}", Set.of("payment_method")),
        arguments("{" + order + ",'payment_method':7}", Set.of("payment_method")),
        arguments("{" + order + ",'items':[]}", Set.of("items")),
        arguments("{" + order + ",'items':{}}", Set.of("items")),
        arguments("{" + order + ",'items':[7,null]}", Set.of("items[0]", "items[1]")),
        arguments("{" + order + ",'items':[{" + line + "}]}", Set.of("amount")), // costs 1, not 40
        arguments(
            "{'customer_id':'c1','items':[{}]}",
            Set.of("items[0].sku", "items[0].quantity", "items[0].unit_price")),
        arguments(
            "{'customer_id':'c1','items':[{'sku':'a','quantity':1,'unit_price':0}]}",
            Set.of("amount")),
        arguments(
            "{'customer_id':'c1','items':[{'sku':'a','quantity':1000000,'unit_price':1}]}",
            Set.of("amount")),
        arguments(
            "{'customer_id':'c1','items':[{"
                + line
                + "},{'sku':'b','quantity':1.5,'unit_price':1.999}]}",
            Set.of("items[1].quantity", "items[1].unit_price")),
        arguments(
            "{'customer_id':'','amount':-1,'currency':'EURO','payment_method':'','coupon':1,'items':"
                + "[{'sku':'a b','quantity':0,'unit_price':-1,'colour':'red'},{'sku':'a','quantity':"
                + "1000001,'unit_price':'1'}]}",
            Set.of(
                "customer_id",
                "amount",
                "currency",
                "payment_method",
                "coupon",
                "items[0].sku",
                "items[0].quantity",
                "items[0].unit_price",
                "items[0].colour",
                "items[1].quantity",
                "items[1].unit_price")));
  }

  @ParameterizedTest
  @MethodSource("bad_requests")
  void every_bad_field_is_named_and_nothing_is_stored(String quoted, Set<String> fields) {
    String key = newKey();

    Answer answer = Http.post(url + "/orders", quoted.replace('\'', '"'), KEY, key);

    assertProblem(answer, 422, "invalid-fields");
    assertThat(
            answer.json().getJsonArray("errors").stream()
                .map(error -> ((JsonObject) error).getString("field"))
                .collect(Collectors.toSet()))
        .isEqualTo(fields);
    assertThat(place(request(), KEY, key).status()).isEqualTo(202); // so the key was not used up
  }

  @Test
  void an_order_has_at_most_a_hundred_items() {
    JsonObject most =
        request()
            .put("amount", 100)
            .put("items", new JsonArray(Collections.nCopies(100, item("a", 1, "1"))));
    JsonObject more =
        request()
            .put("amount", 101)
            .put("items", new JsonArray(Collections.nCopies(101, item("a", 1, "1"))));

    assertThat(place(most).status()).isEqualTo(202);
    assertProblem(place(more), 422, "invalid-fields");
  }

  @Test
  void an_order_that_nobody_placed_is_not_found() {
    for (String id :
        new String[] {"ord_none", "a.b", "a%20b", "%3E", "%2A", "x".repeat(65), "%00", "%C3%A9"}) {
      Answer answer = Http.get(url + "/orders/" + id);
      assertProblem(answer, 404, "not-found");
      assertProblem(Http.get(url + "/orders/" + id + "/events"), 404, "not-found");
    }
  }

  private Answer place(JsonObject body, String... headers) {
    return Http.post(url + "/orders", body, headers);
  }

  private OrderCreated stored(Answer answer) {
    assertThat(answer.body()).contains("pending");
    return (OrderCreated) orders.facts(answer.json().getString("order_id")).getFirst();
  }

  private static boolean has(Envelope<?> fact, String id) {
    return fact.event().aggregateId().equals(id);
  }

  private static String traceparent(String digit) {
    return "00-" + digit.repeat(32) + "-00f067aa0ba902b7-01";
  }

  private static String newKey() {
    return UUID.randomUUID().toString();
  }

  private static void assertProblem(Answer answer, int status, String type) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(answer.json().getString("type")).isEqualTo("urn:holdfast:problem:" + type);
    assertThat(answer.json().getInteger("status")).isEqualTo(status);
    assertThat(answer.body()).doesNotContain("Exception");
  }
}
