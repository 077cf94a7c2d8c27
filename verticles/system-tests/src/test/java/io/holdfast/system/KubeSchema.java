package io.holdfast.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What an API server takes, without one: its own schema of each kind, strict about fields that it
 * does not know. {@code kubernetes/trim.jq} tells where the schema comes from; that of the
 * Prometheus operator's kinds is ours and knows only what we use.
 */
final class KubeSchema {

  private static final Map<String, JsonSchema> BY_KIND = new HashMap<>();

  static {
    BY_KIND.putAll(load("/kubernetes/strict-schema.json"));
    BY_KIND.putAll(load("/kubernetes/monitoring-schema.json"));
  }

  private KubeSchema() {}

  /** What is wrong with an object; empty if nothing is. */
  static List<String> faults(KubeObject object) {
    return validate(object, fault -> true);
  }

  /** What is wrong with a part of an object, as a patch is one: it may lack what is required. */
  static List<String> faultsOfPart(KubeObject part) {
    return validate(part, fault -> !fault.getType().equals("required"));
  }

  private static List<String> validate(KubeObject object, Predicate<ValidationMessage> counts) {
    String kind = object.json().path("apiVersion").asText() + "/" + object.kind();
    JsonSchema schema = BY_KIND.get(kind);
    if (schema == null) {
      return List.of(kind + " is not in strict-schema.json; add it to trim.jq if it is right");
    }
    return schema.validate(object.json()).stream()
        .filter(counts)
        .map(ValidationMessage::getMessage)
        .toList();
  }

  private static Map<String, JsonSchema> load(String resource) {
    try (InputStream file = KubeSchema.class.getResourceAsStream(resource)) {
      ObjectMapper mapper = new ObjectMapper();
      JsonNode all = mapper.readTree(file);
      JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4);
      Map<String, JsonSchema> schemas = new HashMap<>();
      all.path("kinds")
          .properties()
          .forEach(
              kind -> {
                ObjectNode schema = mapper.createObjectNode();
                schema.put("$ref", "#/definitions/" + kind.getValue().asText());
                schema.set("definitions", all.path("definitions"));
                schemas.put(kind.getKey(), factory.getSchema(schema));
              });
      return schemas;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
