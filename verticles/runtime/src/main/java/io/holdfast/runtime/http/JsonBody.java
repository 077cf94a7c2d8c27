package io.holdfast.runtime.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.events.EventJson;
import io.holdfast.events.Ids;
import io.holdfast.runtime.http.Problem.FieldError;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A JSON object from outside, read field by field. Every fault is noted under its field's path, so
 * that a client learns of all of them at once; {@link #check} then refuses the request.
 */
public final class JsonBody {

  private static final ObjectMapper JSON =
      EventJson.mapper()
          .enable(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final JsonNode node;
  private final String path;
  private final List<FieldError> errors;

  private JsonBody(JsonNode node, String path, List<FieldError> errors) {
    this.node = node;
    this.path = path;
    this.errors = errors;
  }

  /**
   * @param fields all that the object may have; any other is a fault, as a misspelt field about
   *     money must not pass
   * @throws ProblemException 415 if the request is not declared as JSON, 400 if it is no JSON
   *     object
   */
  public static JsonBody of(RoutingContext request, Set<String> fields) {
    String type = request.request().getHeader("Content-Type");
    String media =
        type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(java.util.Locale.ROOT);
    if (!media.equals("application/json")) {
      throw new ProblemException(
          Problem.of(
              415,
              "unsupported-media-type",
              "The body must be JSON",
              "Content-Type must be application/json"));
    }
    var buffer = request.body().buffer();
    JsonNode node;
    try {
      node = buffer == null ? null : JSON.readTree(buffer.getBytes());
    } catch (JsonProcessingException e) {
      throw new ProblemException(
          Problem.malformed(
              "The body is not valid JSON, line "
                  + (e.getLocation() == null ? 1 : e.getLocation().getLineNr())
                  + ", column "
                  + (e.getLocation() == null ? 1 : e.getLocation().getColumnNr())));
    } catch (IOException e) {
      throw new ProblemException(Problem.malformed("The body is not valid JSON"));
    } catch (NumberFormatException e) { // which the parser lets through if an exponent is too long
      throw new ProblemException(Problem.malformed("The body holds a number out of all range"));
    }
    if (node == null || !node.isObject()) {
      throw new ProblemException(Problem.malformed("The body must be a JSON object"));
    }
    JsonBody body = new JsonBody(node, "", new ArrayList<>());
    body.allow(fields);
    return body;
  }

  /** An id that must be there. */
  public String id(String field) {
    Optional<String> value = text(field);
    if (value.isEmpty()) {
      required(field);
      return "";
    }
    if (!Ids.valid(value.get())) {
      fault(field, Ids.RULE);
    }
    return value.get();
  }

  public Optional<String> text(String field) {
    JsonNode value = node.get(field);
    if (absent(value)) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      fault(field, "must be a string");
      return Optional.empty();
    }
    return Optional.of(value.textValue());
  }

  public Optional<BigDecimal> decimal(String field) {
    JsonNode value = node.get(field);
    if (absent(value)) {
      return Optional.empty();
    }
    if (!value.isNumber()) {
      fault(field, "must be a decimal number");
      return Optional.empty();
    }
    return Optional.of(value.decimalValue());
  }

  /** A whole number that must be there. */
  public long wholeNumber(String field, long min, long max) {
    JsonNode value = node.get(field);
    if (absent(value)) {
      required(field);
      return min;
    }
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < min
        || value.longValue() > max) {
      fault(field, "must be a whole number from " + min + " to " + max);
      return min;
    }
    return value.longValue();
  }

  /** The objects of an array; empty if it is not there. */
  public List<JsonBody> objects(String field, int maxSize, Set<String> fields) {
    JsonNode value = node.get(field);
    if (absent(value)) {
      return List.of();
    }
    if (!value.isArray() || value.size() > maxSize) {
      fault(field, "must be an array of at most " + maxSize);
      return List.of();
    }
    List<JsonBody> bodies = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      String at = path + field + "[" + i + "]";
      if (!value.get(i).isObject()) {
        errors.add(new FieldError(at, "must be an object"));
        continue;
      }
      JsonBody body = new JsonBody(value.get(i), at + ".", errors);
      body.allow(fields);
      bodies.add(body);
    }
    return bodies;
  }

  public boolean has(String field) {
    return !absent(node.get(field));
  }

  public void required(String field) {
    fault(field, "is required");
  }

  public void fault(String field, String message) {
    errors.add(new FieldError(path + field, message));
  }

  public boolean sound() {
    return errors.isEmpty();
  }

  /**
   * @throws ProblemException 422 that names every fault so far, if there is one
   */
  public void check() {
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.invalid(List.copyOf(errors)));
    }
  }

  private void allow(Set<String> fields) {
    for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!fields.contains(name)) {
        String shown = name.length() > 64 ? name.substring(0, 64) + "..." : name;
        fault(shown, "is not a field of this request");
      }
    }
  }

  private static boolean absent(JsonNode value) {
    return value == null || value.isNull();
  }
}
