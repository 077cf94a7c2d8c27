package io.holdfast.events;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.util.List;

/** The JSON Schemas beside the classes, as somebody else's validator would read them. */
final class Schemas {

  static final String FOLDER = "/io/holdfast/events/schema/v1/";

  private static final JsonSchemaFactory FACTORY =
      JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
  private static final SchemaValidatorsConfig CONFIG =
      SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();

  private Schemas() {}

  static JsonSchema of(String name) {
    return FACTORY.getSchema(SchemaLocation.of("classpath:" + FOLDER + name + ".json"), CONFIG);
  }

  static JsonSchema of(EventType type) {
    return of(type.typeName());
  }

  /** The schema that schemas themselves must keep to. */
  static JsonSchema ofSchemas() {
    return FACTORY.getSchema(
        SchemaLocation.of("https://json-schema.org/draft/2020-12/schema"), CONFIG);
  }

  /** What a schema has against a document, in words; empty if nothing. */
  static List<String> objections(JsonSchema schema, JsonNode document) {
    return schema.validate(document).stream().map(ValidationMessage::getMessage).toList();
  }

  /** A schema's own text. */
  static JsonNode text(String name) {
    return Json.tree(Golden.resource(FOLDER + name + ".json"));
  }

  /** Follows references to the definition that a part of a schema stands for. */
  static JsonNode resolved(JsonNode schema) {
    JsonNode at = schema;
    while (at.has("$ref")) {
      String[] reference = at.get("$ref").textValue().split("#", 2);
      JsonNode document = text(reference[0].replace(".json", ""));
      at = reference.length == 1 ? document : document.at(reference[1]);
    }
    return at;
  }
}
