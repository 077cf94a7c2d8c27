package io.holdfast.payments;

import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Money;
import io.holdfast.payments.GatewayLine.Exchange;
import io.holdfast.payments.GatewayLine.Fate;
import io.holdfast.payments.PaymentGateway.ChargeResult.Charged;
import io.holdfast.payments.PaymentGateway.ChargeResult.Declined;
import io.holdfast.payments.stripe.StripeGateway;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what we ask is what Stripe takes, and what our simulator answers is what Stripe answers, so
 * that a test against the one says something about the other. Method: every kind of call of ours,
 * written down on its way over the line, and held against {@code stripe-fields.json}: names, types
 * and values taken from Stripe's published description of its API.
 */
class StripeFieldsTest {

  private static final Money AMOUNT = Money.of(Payments.AMOUNT, "EUR");
  private static final JsonObject FIELDS = read();

  @TempDir Path folder;
  private Payments payments;
  private GatewayLine line;
  private StripeGateway stripe;
  private final Set<String> asked = new TreeSet<>();
  private final Set<String> answered = new TreeSet<>();

  @BeforeEach
  void open() {
    payments = new Payments(folder);
    line = payments.line();
    stripe = payments.stripe(line.url(), "sk_test_holdfast");
  }

  @AfterEach
  void close() {
    payments.close();
  }

  @Test
  void every_field_that_goes_over_the_line_is_one_of_stripes_and_of_its_type() {
    everyKindOfCall();

    for (Exchange exchange : line.exchanges()) {
      checkRequest(exchange);
      checkAnswer(exchange);
    }
    assertThat(asked).isEqualTo(FIELDS.getJsonObject("requests").fieldNames());
    assertThat(answered).containsAll(FIELDS.getJsonObject("objects").fieldNames());
    assertThat(line.exchanges().stream().map(Exchange::status))
        .contains(200, 400, 401, 402, 404, 429, 500);
  }

  @Test
  void the_version_that_we_ask_for_is_the_one_whose_fields_are_checked() {
    get(stripe.find("o1", AMOUNT));

    assertThat(line.exchanges().getFirst().headers().get("Stripe-Version"))
        .isEqualTo(FIELDS.getString("api_version"));
  }

  @Test
  void a_charge_that_is_still_processing_is_looked_at_again_and_not_declared_failed() {
    line.charge("o1", Fate.SAID_TO_BE_PROCESSING);

    assertThat(get(stripe.charge("o1", AMOUNT, null, "charge:o1"))).isInstanceOf(Charged.class);
    assertThat(payments.ledger("o1")).containsExactly("succeeded");
  }

  @Test
  void an_error_that_is_kept_under_one_orders_key_is_no_outage_for_the_others() {
    line.charge("o1", Fate.ERROR_KEPT);
    for (int i = 0; i < 10; i++) {
      Future<?> charge = stripe.charge("o1", AMOUNT, null, "charge:o1");
      assertThat(get(charge.transform(Future::succeededFuture)).cause())
          .isInstanceOf(IllegalStateException.class); // it is known of, and parked in the end
    }

    assertThat(get(stripe.charge("o2", AMOUNT, null, "charge:o2"))).isInstanceOf(Charged.class);
  }

  private void everyKindOfCall() {
    line.charge("o9", Fate.SAID_TO_BE_PROCESSING);
    get(stripe.charge("o9", AMOUNT, null, "charge:o9"));
    Charged charged = (Charged) get(stripe.charge("o1", AMOUNT, "pm_card_visa", "charge:o1"));
    get(stripe.charge("o1", AMOUNT, "pm_card_visa", "charge:o1")); // the same again
    assertThat(get(stripe.find("o1", AMOUNT))).contains(charged);
    assertThat(get(stripe.settle("o1", AMOUNT, "pm_card_visa", "charge:o1"))).contains(charged);
    assertThat(get(stripe.settle("o2", AMOUNT, "pm_card_visa", "charge:o2"))).isEmpty();
    assertThat(get(stripe.charge("o2", AMOUNT, "pm_card_visa", "charge:o2")))
        .isInstanceOf(Declined.class);
    assertThat(get(stripe.charge("o3", AMOUNT, "pm_card_chargeDeclined", "charge:o3")))
        .isInstanceOf(Declined.class);
    get(stripe.charge("o4", AMOUNT, "pm_card_chargeDeclinedInsufficientFunds", "charge:o4"));
    get(stripe.charge("o5", AMOUNT, "pm_card_unheardOf", "charge:o5"));
    get(stripe.refund("o1", charged.paymentId(), AMOUNT, "refund:o1"));
    get(stripe.refund("o1", charged.paymentId(), AMOUNT, "another")); // which was made before
    assertFails(stripe.refund("o6", "pi_unheardOf", AMOUNT, "refund:o6"));
    assertFails(payments.stripe(line.url(), " ").find("o1", AMOUNT));
    payments.faults("rate_limit_rate", 1.0);
    assertFails(stripe.charge("o7", AMOUNT, null, "charge:o7"));
    payments.faults("rate_limit_rate", 0, "error_rate", 1.0);
    assertFails(stripe.charge("o8", AMOUNT, null, "charge:o8"));
    payments.faults("error_rate", 0);
  }

  private static void assertFails(Future<?> call) {
    assertThat(get(call.transform(Future::succeededFuture)).failed()).isTrue();
  }

  private void checkRequest(Exchange exchange) {
    String route = route(exchange);
    asked.add(route);
    JsonObject fields = FIELDS.getJsonObject("requests").getJsonObject(route);
    String query = URI.create(exchange.uri()).getRawQuery();
    Map<String, List<String>> sent = parameters(exchange.form() == null ? query : exchange.form());
    assertThat(fields).as(route).isNotNull();
    sent.forEach(
        (name, values) -> {
          JsonObject field = fields.getJsonObject(name.replaceAll("\\[.*", ""));
          assertThat(field).as("%s takes %s", route, name).isNotNull();
          for (String value : values) {
            String type = field.getString("type");
            switch (type) {
              case "integer" -> assertThat(value).as(name).matches("[0-9]+");
              case "boolean" -> assertThat(value).as(name).isIn("true", "false");
              case "array" -> assertThat(name).endsWith("[]");
              case "map" -> assertThat(name).matches("\\w+\\[\\w+]");
              default -> assertThat(type).as(name).isEqualTo("string");
            }
            if (field.containsKey("values")) {
              assertThat(field.getJsonArray("values")).as(name).contains(value);
            }
          }
        });
    for (String name : fields.fieldNames()) {
      if (fields.getJsonObject(name).getBoolean("required", false)) {
        assertThat(sent).as(route).containsKey(name);
      }
    }
    if (exchange.method().name().equals("POST")) {
      assertThat(exchange.headers().get("Idempotency-Key")).isNotEmpty().hasSizeLessThan(256);
    }
    if (sent.containsKey("currency")) {
      assertThat(sent.get("currency").getFirst()).matches("[a-z]{3}");
    }
  }

  private static String route(Exchange exchange) {
    String path = URI.create(exchange.uri()).getPath().replaceAll("/pi_\\w+", "/{id}");
    return exchange.method() + " " + path;
  }

  private void checkAnswer(Exchange exchange) {
    JsonObject answer = new JsonObject(exchange.answer());
    if (exchange.status() == 200) {
      check(answer.getString("object"), answer);
    } else {
      assertThat(answer.fieldNames()).as(exchange.answer()).containsExactly("error");
      check("error", answer.getJsonObject("error"));
    }
  }

  /** As an object of this name; what it holds in turn is checked by its own name. */
  private void check(String name, JsonObject object) {
    answered.add(name);
    JsonObject fields = FIELDS.getJsonObject("objects").getJsonObject(name);
    assertThat(fields).as(name).isNotNull();
    for (Map.Entry<String, Object> entry : object) {
      JsonObject field = fields.getJsonObject(entry.getKey());
      String what = name + "." + entry.getKey();
      assertThat(field).as("%s is known", what).isNotNull();
      if (entry.getValue() == null) {
        assertThat(field.getBoolean("nullable", false)).as("%s may be null", what).isTrue();
        continue;
      }
      assertThat(List.of(field.getString("type").split(" or ")))
          .as(what)
          .contains(type(entry.getValue(), field.getString("type")));
      if (field.containsKey("values")) {
        assertThat(field.getJsonArray("values")).as(what).contains(entry.getValue());
      }
      if (entry.getKey().equals("last_payment_error")) {
        check("error", (JsonObject) entry.getValue());
      } else if (entry.getKey().equals("payment_intent")
          && entry.getValue() instanceof JsonObject intent) {
        check("payment_intent", intent);
      } else if (entry.getKey().equals("data")) {
        for (Object held : (JsonArray) entry.getValue()) {
          check(((JsonObject) held).getString("object"), (JsonObject) held);
        }
      }
    }
    for (String required : fields.fieldNames()) {
      if (fields.getJsonObject(required).getBoolean("required", false)) {
        assertThat(object.fieldNames()).as(name).contains(required);
      }
    }
  }

  private static String type(Object value, String wanted) {
    return switch (value) {
      case String text -> "string";
      case Boolean flag -> "boolean";
      case Integer number -> "integer";
      case Long number -> "integer";
      case JsonArray array -> "array";
      case JsonObject map when wanted.equals("map") -> {
        map.forEach(pair -> assertThat(pair.getValue()).isInstanceOf(String.class));
        yield "map";
      }
      case JsonObject object -> "object";
      default -> value.getClass().getSimpleName();
    };
  }

  private static Map<String, List<String>> parameters(String encoded) {
    Map<String, List<String>> parameters = new LinkedHashMap<>();
    if (encoded != null) {
      for (String pair : encoded.split("&", -1)) {
        String[] parts = pair.split("=", 2);
        parameters
            .computeIfAbsent(
                URLDecoder.decode(parts[0], StandardCharsets.UTF_8), name -> new ArrayList<>())
            .add(URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
      }
    }
    return parameters;
  }

  private static JsonObject read() {
    try (InputStream in = StripeFieldsTest.class.getResourceAsStream("/stripe-fields.json")) {
      return new JsonObject(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
