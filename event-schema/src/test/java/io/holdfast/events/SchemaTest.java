package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import io.holdfast.events.Golden.Sample;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the schemas say what the code does. Method: names and kinds by reflection over the records;
 * what is required, and what is refused, by trying each change of each stored event on both.
 */
class SchemaTest {

  /** The keywords that draft 7 and 2020-12 agree on, so that any validator will do. */
  private static final Set<String> PORTABLE =
      Set.of(
          "$schema",
          "$ref",
          "$defs",
          "title",
          "description",
          "examples",
          "type",
          "const",
          "enum",
          "allOf",
          "required",
          "properties",
          "additionalProperties",
          "items",
          "pattern",
          "format",
          "minimum",
          "maximum",
          "contentEncoding");

  private final EventCodec codec = new EventCodec();

  static List<Sample> samples() {
    return Golden.samples();
  }

  @Test
  void every_type_has_a_schema_and_every_schema_a_type() throws IOException {
    List<String> expected = new ArrayList<>(List.of("envelope.json", "common.json"));
    for (EventType type : EventType.values()) {
      expected.add(type.typeName() + ".json");
    }
    assertThat(schemaFiles()).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void schemas_are_schemas_in_keywords_that_every_validator_knows() throws IOException {
    for (String file : schemaFiles()) {
      JsonNode schema = Schemas.text(file.replace(".json", ""));

      assertThat(Schemas.objections(Schemas.ofSchemas(), schema)).as(file).isEmpty();
      Set<String> keywords = new TreeSet<>();
      collectKeywords(schema, keywords);
      assertThat(PORTABLE).as(file).containsAll(keywords);
    }
  }

  /** A base URI would have to be one that every validator can resolve a relative path against. */
  @Test
  void schemas_refer_to_each_other_by_file_name_alone() throws IOException {
    for (String file : schemaFiles()) {
      for (JsonNode reference : Schemas.text(file.replace(".json", "")).findValues("$ref")) {
        String target = reference.textValue();
        assertThat(schemaFiles()).as(file).contains(target.split("#", 2)[0]);
        assertThat(Schemas.resolved(Json.tree("{\"$ref\":\"" + target + "\"}")).isObject())
            .as("%s -> %s", file, target)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_schema_names_its_type_and_includes_the_envelope(EventType type) {
    JsonNode schema = Schemas.text(type.typeName());

    assertThat(schema.get("title").textValue()).isEqualTo(type.typeName());
    assertThat(schema.at("/properties/type/const").textValue()).isEqualTo(type.typeName());
    assertThat(schema.at("/allOf/0/$ref").textValue()).isEqualTo("envelope.json");
    assertThat(schema.get("description").textValue()).isNotBlank();
  }

  @ParameterizedTest
  @EnumSource
  void every_component_of_a_record_is_a_property_and_every_property_a_component(EventType type) {
    compare(
        type.eventClass(), Schemas.text(type.typeName()).at("/properties/data"), type.typeName());
  }

  @Test
  void the_envelopes_fields_are_those_of_the_contract() {
    JsonNode envelope = Schemas.text("envelope");

    assertThat(envelope.get("properties").fieldNames())
        .toIterable()
        .containsExactly("id", "type", "aggregate_id", "data", "timestamp", "trace_id", "version");
    assertThat(texts(envelope.get("required")))
        .containsExactlyElementsOf(() -> envelope.get("properties").fieldNames());
    assertThat(envelope.at("/properties/version/const").intValue()).isEqualTo(Envelope.VERSION);
  }

  /** Down through every object: the schema refuses the loss of a field if the code does. */
  @ParameterizedTest
  @MethodSource("samples")
  void a_field_is_required_by_the_schema_if_the_code_needs_it(Sample sample) {
    JsonSchema schema = Schemas.of(sample.envelope().type());
    ObjectNode document = Json.object(sample.bytes());
    int tried = 0;
    for (String path : pathsToFields(document)) {
      ObjectNode without = document.deepCopy();
      parent(without, path).remove(lastOf(path));

      assertThat(Schemas.objections(schema, without).isEmpty())
          .as("schema without %s", path)
          .isEqualTo(reads(without));
      tried++;
    }
    assertThat(tried).isGreaterThanOrEqualTo(8);
  }

  /** Every property marked required is lost once, and every other one too. */
  @ParameterizedTest
  @EnumSource
  void every_property_is_in_some_sample(EventType type) {
    Set<String> seen = new TreeSet<>();
    for (Sample sample : samples()) {
      if (sample.envelope().type() == type) {
        Json.tree(sample.bytes()).get("data").fieldNames().forEachRemaining(seen::add);
      }
    }
    assertThat(Schemas.text(type.typeName()).at("/properties/data/properties").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrderElementsOf(seen);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void a_value_of_another_kind_is_refused_by_both(Sample sample) {
    JsonSchema schema = Schemas.of(sample.envelope().type());
    ObjectNode document = Json.object(sample.bytes());
    for (String path : pathsToFields(document)) {
      JsonNode was = parent(document, path).get(lastOf(path));
      for (String other : List.of("true", "17", "1.5", "\"\\u0001 no\"", "[[]]", "{\"a\":[1]}")) {
        JsonNode value = Json.tree(other);
        boolean money = path.endsWith("/amount") || path.endsWith("/unit_price");
        boolean sameKind =
            was.isNumber()
                ? value.isIntegralNumber() || (money && value.isNumber())
                : value.getNodeType() == was.getNodeType();
        if (sameKind) {
          continue;
        }
        ObjectNode changed = document.deepCopy();
        parent(changed, path).set(lastOf(path), value);

        assertThat(reads(changed)).as("code reads %s as %s", path, other).isFalse();
        assertThat(Schemas.objections(schema, changed))
            .as("schema takes %s as %s", path, other)
            .isNotEmpty();
      }
    }
  }

  /** As the contract has it, a field without a value is left out. A reader is more lenient. */
  @ParameterizedTest
  @MethodSource("samples")
  void null_is_written_by_nobody_and_never_read_as_a_value(Sample sample) {
    JsonSchema schema = Schemas.of(sample.envelope().type());
    ObjectNode document = Json.object(sample.bytes());
    for (String path : pathsToFields(document)) {
      ObjectNode changed = document.deepCopy();
      parent(changed, path).putNull(lastOf(path));
      ObjectNode without = document.deepCopy();
      parent(without, path).remove(lastOf(path));

      assertThat(Schemas.objections(schema, changed)).as(path).isNotEmpty();
      assertThat(reads(changed)).as(path).isEqualTo(reads(without));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a.b", "a b", "*", "ä", "-_-", "x64", "x65"})
  void an_id_of_the_schema_is_an_id_of_the_code(String given) {
    String id = given.matches("x6\\d") ? "x".repeat(Integer.parseInt(given.substring(1))) : given;
    ObjectNode document = golden("PaymentVoided");
    document.put("aggregate_id", id);
    ((ObjectNode) document.get("data")).put("order_id", id);

    assertThat(Schemas.objections(Schemas.of("PaymentVoided"), document).isEmpty())
        .isEqualTo(Ids.valid(id))
        .isEqualTo(reads(document));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-27T08:15:30Z",
        "2026-11-27T08:15:30.123456789Z",
        "2026-11-27T08:15:30.1234567891Z",
        "2026-11-27T08:15:30+00:00",
        "2026-11-27T08:15:30",
        "2026-11-27 08:15:30Z",
        "2026-11-27T08:15Z",
        "2026-11-27t08:15:30z",
        "2026-13-27T08:15:30Z",
        "2026-02-30T08:15:30Z",
        "1795767330"
      })
  void a_timestamp_of_the_schema_is_one_of_the_code(String timestamp) {
    ObjectNode document = golden("PaymentVoided");
    document.put("timestamp", timestamp);

    assertThat(Schemas.objections(Schemas.of("PaymentVoided"), document).isEmpty())
        .isEqualTo(reads(document));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"amount\":-0.01}",
        "{\"amount\":\"59.40\"}",
        "{\"amount\":1e18}",
        "{\"amount\":1e999999999}",
        "{\"currency\":\"eur\"}",
        "{\"currency\":\"EURO\"}",
        "{\"items\":[{\"sku\":\"cup\",\"quantity\":0,\"unit_price\":1}]}",
        "{\"items\":[{\"sku\":\"cup\",\"quantity\":1.5,\"unit_price\":1}]}",
        "{\"items\":[{\"sku\":\"cup\",\"quantity\":2147483648,\"unit_price\":1}]}",
        "{\"items\":[{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":-1}]}",
        "{\"items\":[{\"sku\":\"c p\",\"quantity\":1,\"unit_price\":1}]}",
        "{\"items\":[null]}"
      })
  void what_is_no_order_is_none_for_both(String change) {
    ObjectNode document = golden("OrderCreated");
    ((ObjectNode) document.get("data")).setAll((ObjectNode) Json.tree(change));

    assertThat(reads(document)).isFalse();
    assertThat(Schemas.objections(Schemas.of("OrderCreated"), document)).isNotEmpty();
  }

  private static ObjectNode golden(String name) {
    return Json.object(Golden.resource("/golden/v1/" + name + ".json"));
  }

  private boolean reads(JsonNode document) {
    try {
      codec.decode(Json.bytes(document));
      return true;
    } catch (UndecodableEventException refused) {
      return false;
    }
  }

  /** Names, kinds and, below them, the records that components consist of. */
  private static void compare(Type type, JsonNode unresolved, String where) {
    JsonNode schema = Schemas.resolved(unresolved);
    String kind = schema.path("type").asText();
    if (type instanceof ParameterizedType generic) {
      Type[] of = generic.getActualTypeArguments();
      boolean list = generic.getRawType() == List.class;
      assertThat(kind).as(where).isEqualTo(list ? "array" : "object");
      compare(of[of.length - 1], schema.get(list ? "items" : "additionalProperties"), where + "[]");
      return;
    }
    Class<?> single = (Class<?>) type;
    if (single.isRecord()) {
      assertThat(kind).as(where).isEqualTo("object");
      assertThat(schema.get("additionalProperties").booleanValue()).as(where).isTrue();
      RecordComponent[] components = single.getRecordComponents();
      assertThat(schema.get("properties").fieldNames())
          .toIterable()
          .as(where)
          .containsExactlyInAnyOrderElementsOf(
              Arrays.stream(components).map(SchemaTest::wireName).toList());
      assertThat(schema.get("properties").fieldNames())
          .toIterable()
          .as(where)
          .containsAll(texts(schema.get("required")));
      for (RecordComponent component : components) {
        String name = wireName(component);
        compare(component.getGenericType(), schema.get("properties").get(name), where + "." + name);
      }
    } else if (single.isEnum()) {
      assertThat(texts(schema.get("enum")))
          .as(where)
          .containsExactlyElementsOf(
              Arrays.stream(single.getEnumConstants())
                  .map(constant -> EventJson.mapper().convertValue(constant, String.class))
                  .toList());
    } else {
      assertThat(kind).as(where).isEqualTo(kindOf(single));
      if (single == Instant.class) {
        assertThat(schema.path("format").asText()).as(where).isEqualTo("date-time");
      }
      if (single == long.class) {
        assertThat(schema.get("maximum").longValue()).as(where).isEqualTo(Long.MAX_VALUE);
      }
      if (single == int.class) {
        assertThat(schema.get("maximum").longValue()).as(where).isEqualTo(Integer.MAX_VALUE);
      }
    }
  }

  private static String kindOf(Class<?> single) {
    if (single == String.class || single == Instant.class) {
      return "string";
    }
    if (single == long.class || single == int.class || single == Integer.class) {
      return "integer";
    }
    if (single == BigDecimal.class) {
      return "number";
    }
    throw new AssertionError("a component of a kind that this test does not know: " + single);
  }

  private static String wireName(RecordComponent component) {
    return PropertyNamingStrategies.SnakeCaseStrategy.INSTANCE.translate(component.getName());
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.textValue()));
    return texts;
  }

  private static List<String> schemaFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/main/resources" + Schemas.FOLDER))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static void collectKeywords(JsonNode schema, Set<String> keywords) {
    for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
      keywords.add(keyword.getKey());
      switch (keyword.getKey()) {
        case "properties", "$defs" ->
            keyword.getValue().forEach(below -> collectKeywords(below, keywords));
        case "allOf" -> keyword.getValue().forEach(below -> collectKeywords(below, keywords));
        case "items", "additionalProperties" -> collectKeywords(keyword.getValue(), keywords);
        default -> {}
      }
    }
  }

  /** JSON pointers to every field of every object, except the names of headers. */
  private static List<String> pathsToFields(JsonNode document) {
    List<String> paths = new ArrayList<>();
    collectPaths(document, "", paths);
    return paths;
  }

  private static void collectPaths(JsonNode at, String path, List<String> paths) {
    if (at instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        collectPaths(array.get(i), path + "/" + i, paths);
      }
    }
    for (Map.Entry<String, JsonNode> field : at.properties()) {
      String below = path + "/" + field.getKey();
      paths.add(below);
      if (!field.getKey().equals("headers")) {
        collectPaths(field.getValue(), below, paths);
      }
    }
  }

  private static ObjectNode parent(ObjectNode document, String path) {
    return (ObjectNode) document.at(path.substring(0, path.lastIndexOf('/')));
  }

  private static String lastOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
