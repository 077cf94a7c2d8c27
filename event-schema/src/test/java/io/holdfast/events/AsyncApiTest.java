package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: the AsyncAPI document says what the code does. Method: subjects, streams and types from the
 * code; who sends and who receives from the contract, written down here once more; the structure
 * from AsyncAPI 3.0's own rules, object by object.
 */
class AsyncApiTest {

  private static final String PATH = "/io/holdfast/events/asyncapi.yaml";
  private static final JsonNode DOCUMENT = document();
  private static final Subjects SUBJECTS = new Subjects("");
  private static final Pattern PARAMETER = Pattern.compile("\\{(\\w+)}");

  private static JsonNode document() {
    try {
      return new YAMLMapper().readTree(Golden.resource(PATH));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void it_is_an_asyncapi_3_document() {
    assertThat(DOCUMENT.path("asyncapi").asText()).isEqualTo("3.0.0");
    assertThat(DOCUMENT.at("/info/title").asText()).isNotBlank();
    assertThat(DOCUMENT.at("/info/version").asText()).isNotBlank();
    assertThat(DOCUMENT.path("defaultContentType").asText()).isEqualTo("application/json");
    fieldsAreAmong(
        DOCUMENT,
        "document",
        "asyncapi id info servers defaultContentType channels operations components");
    fieldsAreAmong(
        DOCUMENT.get("info"),
        "info",
        "title version description termsOfService contact license tags externalDocs");
    fieldsAreAmong(
        DOCUMENT.get("components"),
        "components",
        "schemas servers channels operations messages securitySchemes serverVariables parameters"
            + " correlationIds replies replyAddresses externalDocs tags operationTraits"
            + " messageTraits serverBindings channelBindings operationBindings messageBindings");
    each(
        DOCUMENT,
        "servers",
        (name, server) -> {
          fieldsAreAmong(
              server,
              name,
              "host protocol protocolVersion pathname description title summary variables security"
                  + " tags externalDocs bindings");
          assertThat(server.path("host").asText()).isNotBlank();
          assertThat(server.path("protocol").asText()).isEqualTo("nats");
        });
  }

  @Test
  void every_channel_is_well_formed() {
    each(
        DOCUMENT,
        "channels",
        (name, channel) -> {
          fieldsAreAmong(
              channel,
              name,
              "address messages title summary description servers parameters tags externalDocs"
                  + " bindings");
          assertThat(texts(channel.get("servers"), "$ref")).containsExactly("#/servers/broker");
          // Each parameter of the address is described, and none that is not in it.
          Set<String> inAddress = new TreeSet<>();
          PARAMETER
              .matcher(channel.get("address").asText())
              .results()
              .map(MatchResult::group)
              .forEach(parameter -> inAddress.add(parameter.substring(1, parameter.length() - 1)));
          assertThat(channel.get("parameters").fieldNames())
              .toIterable()
              .as(name)
              .containsExactlyInAnyOrderElementsOf(inAddress);
        });
  }

  @Test
  void every_message_is_well_formed() {
    each(
        DOCUMENT.get("components"),
        "messages",
        (name, message) -> {
          fieldsAreAmong(
              message,
              name,
              "headers payload correlationId contentType name title summary description tags"
                  + " externalDocs bindings examples traits");
          JsonNode headers = at(message.at("/headers/$ref").asText());
          Set<String> required = new TreeSet<>(allRequired(headers));
          assertThat(required).as(name).contains("Nats-Msg-Id", "traceparent");
          boolean guarded = required.contains("Nats-Expected-Last-Subject-Sequence");
          assertThat(guarded).as(name).isEqualTo(!name.equals("MessageDeadLettered"));
        });
  }

  @Test
  void every_operation_names_a_channel_and_a_message_of_that_channel() {
    each(
        DOCUMENT,
        "operations",
        (name, operation) -> {
          assertThat(name).matches("[A-Za-z0-9_-]+");
          fieldsAreAmong(
              operation,
              name,
              "action channel title summary description security tags externalDocs bindings"
                  + " traits messages reply");
          assertThat(operation.path("action").asText()).as(name).isIn("send", "receive");
          String channel = operation.at("/channel/$ref").asText();
          assertThat(channel).as(name).startsWith("#/channels/");
          at(channel);
          assertThat(operation.get("messages")).as(name).isNotEmpty();
          for (String message : texts(operation.get("messages"), "$ref")) {
            assertThat(message).as(name).startsWith(channel + "/messages/");
            at(message);
          }
          assertThat(operation.get("tags")).as(name).hasSize(1);
          assertThat(texts(DOCUMENT.at("/info/tags"), "name"))
              .as(name)
              .contains(operation.at("/tags/0/name").asText());
        });
  }

  @Test
  void every_reference_leads_somewhere_and_every_component_is_referred_to() {
    List<String> references = new ArrayList<>();
    DOCUMENT.findValues("$ref").forEach(reference -> references.add(reference.asText()));
    assertThat(references).hasSizeGreaterThan(100);
    for (String reference : references) {
      if (reference.startsWith("#/")) {
        at(reference);
      } else {
        String folder = PATH.substring(0, PATH.lastIndexOf('/') + 1);
        assertThat(Json.tree(Golden.resource(folder + reference)).isObject())
            .as(reference)
            .isTrue();
      }
    }
    for (Map.Entry<String, JsonNode> kind : DOCUMENT.get("components").properties()) {
      kind.getValue()
          .fieldNames()
          .forEachRemaining(
              name ->
                  assertThat(references).contains("#/components/" + kind.getKey() + "/" + name));
    }
  }

  @ParameterizedTest
  @EnumSource
  void every_type_is_a_message_with_the_channel_that_the_code_uses(EventType type) {
    String name = type.typeName();
    JsonNode message = DOCUMENT.at("/components/messages/" + name);
    JsonNode channel = channelOf(type);

    assertThat(message.path("name").asText()).isEqualTo(name);
    assertThat(message.at("/payload/$ref").asText()).isEqualTo("schema/v1/" + name + ".json");
    assertThat(channel.at("/messages/" + name + "/$ref").asText())
        .isEqualTo("#/components/messages/" + name);
    assertThat(channel.get("messages")).hasSize(1);
    assertThat(channel.get("x-stream").asText()).isEqualTo(type.domain().stream());
    String address = channel.get("address").asText();
    if (type == EventType.MESSAGE_DEAD_LETTERED) {
      assertThat(address).isEqualTo(SUBJECTS.deadLetter("{service}", "{subject}"));
    } else {
      assertThat(PARAMETER.matcher(address).replaceAll("*")).isEqualTo(SUBJECTS.every(type));
    }
  }

  @Test
  void there_is_no_channel_and_no_message_that_the_code_does_not_know() {
    List<String> names = Arrays.stream(EventType.values()).map(EventType::typeName).toList();

    assertThat(DOCUMENT.at("/components/messages").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrderElementsOf(names);
    assertThat(DOCUMENT.get("channels").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrderElementsOf(
            names.stream().map(AsyncApiTest::channelName).toList());
  }

  /** The parameter that is an aggregate's id is the field of data that names it. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "MESSAGE_DEAD_LETTERED")
  void the_parameter_of_a_channel_is_the_field_that_aggregate_id_repeats(EventType type) {
    String address = channelOf(type).get("address").asText();
    String parameter = address.substring(address.indexOf('{') + 1, address.length() - 1);

    assertThat(Golden.samples())
        .filteredOn(sample -> sample.envelope().type() == type)
        .isNotEmpty()
        .allSatisfy(
            sample ->
                assertThat(Json.tree(sample.bytes()).at("/data/" + parameter).asText())
                    .isEqualTo(sample.envelope().event().aggregateId()));
  }

  @ParameterizedTest
  @CsvSource({
    "ORDERS, orders",
    "INVENTORY, inventory",
    "PAYMENTS, payments",
    "NOTIFICATIONS, notifications",
  })
  void a_stream_has_one_owner_who_alone_sends_to_it(String stream, String owner) {
    int sent = 0;
    for (EventType type : EventType.values()) {
      if (type.domain().stream().equals(stream)) {
        assertThat(channelOf(type).path("x-owner").asText()).isEqualTo(owner);
        assertThat(services("send", type)).containsExactly(owner);
        sent++;
      }
    }
    assertThat(sent).isPositive();
  }

  @Test
  void what_becomes_of_a_dead_letter_is_an_operators_alone_to_say() {
    assertThat(channelOf(EventType.DEAD_LETTER_RESOLVED).path("x-owner").asText())
        .isEqualTo("operator");
    assertThat(services("send", EventType.DEAD_LETTER_RESOLVED)).containsExactly("operator");
  }

  @Test
  void whoever_reacts_to_something_may_park_it() {
    Set<String> reacting = new HashSet<>();
    for (EventType type : EventType.values()) {
      reacting.addAll(services("receive", type));
    }
    reacting.remove("audit"); // it seals what it cannot read as it is

    assertThat(services("send", EventType.MESSAGE_DEAD_LETTERED))
        .containsExactlyInAnyOrderElementsOf(reacting);
  }

  /** Durable consumers, as the contract has them. A new type does not compile without its line. */
  private static List<String> wakes(EventType type) {
    return switch (type) {
      case ORDER_CREATED -> List.of("inventory-reserve");
      case ORDER_CONFIRMED -> List.of("notifications-send");
      case ORDER_CANCELLED ->
          List.of("inventory-release", "payments-compensate", "notifications-send");
      case INVENTORY_RESERVED -> List.of("payments-charge");
      case INVENTORY_REJECTED -> List.of("orders-reject");
      case PAYMENT_PROCESSED, PAYMENT_FAILED -> List.of("orders-settle");
      case STOCK_RECEIVED,
          STOCK_LEVEL_CHANGED,
          INVENTORY_RELEASED,
          PAYMENT_VOIDED,
          PAYMENT_REFUNDED,
          NOTIFICATION_SENT,
          MESSAGE_DEAD_LETTERED,
          DEAD_LETTER_RESOLVED ->
          List.of();
    };
  }

  @ParameterizedTest
  @EnumSource
  void each_event_wakes_whom_the_contract_says_and_stands_in_the_ledger(EventType type) {
    List<String> named =
        operations("receive", type)
            .filter(operation -> operation.has("x-consumer"))
            .map(operation -> operation.get("x-consumer").asText())
            .toList();

    assertThat(named).containsExactlyInAnyOrderElementsOf(wakes(type));
    assertThat(services("receive", type))
        .contains("audit")
        .hasSize(named.size() + 1)
        .filteredOn(service -> !service.equals("audit"))
        .allMatch(service -> named.stream().anyMatch(name -> name.startsWith(service + "-")));
  }

  private static String channelName(String typeName) {
    return typeName.substring(0, 1).toLowerCase(Locale.ROOT) + typeName.substring(1);
  }

  private static JsonNode channelOf(EventType type) {
    return at("#/channels/" + channelName(type.typeName()));
  }

  private static Stream<JsonNode> operations(String action, EventType type) {
    String channel = "#/channels/" + channelName(type.typeName());
    return DOCUMENT.get("operations").properties().stream()
        .map(Map.Entry::getValue)
        .filter(operation -> operation.get("action").asText().equals(action))
        .filter(operation -> operation.at("/channel/$ref").asText().equals(channel));
  }

  private static List<String> services(String action, EventType type) {
    return operations(action, type)
        .map(operation -> operation.at("/tags/0/name").asText())
        .toList();
  }

  private static JsonNode at(String reference) {
    JsonNode target = DOCUMENT.at(reference.substring(1));
    assertThat(target.isObject()).as(reference).isTrue();
    return target;
  }

  private static List<String> allRequired(JsonNode schema) {
    List<String> names = new ArrayList<>();
    schema.path("required").forEach(name -> names.add(name.asText()));
    schema.path("allOf").forEach(part -> names.addAll(allRequired(at(part.get("$ref").asText()))));
    return names;
  }

  private static List<String> texts(JsonNode array, String field) {
    List<String> texts = new ArrayList<>();
    array.forEach(element -> texts.add(element.get(field).asText()));
    return texts;
  }

  private static void fieldsAreAmong(JsonNode object, String what, String allowed) {
    Set<String> names = Set.of(allowed.split(" "));
    assertThat(object.fieldNames())
        .toIterable()
        .as(what)
        .isNotEmpty()
        .allMatch(name -> names.contains(name) || name.startsWith("x-"));
  }

  private static void each(JsonNode parent, String field, BiConsumer<String, JsonNode> check) {
    assertThat(parent.get(field)).as(field).isNotEmpty();
    parent.get(field).properties().forEach(entry -> check.accept(entry.getKey(), entry.getValue()));
  }
}
