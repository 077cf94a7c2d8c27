package io.holdfast.events;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.core.exc.StreamReadException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import io.holdfast.events.UndecodableEventException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;

/**
 * Between an {@link Envelope} and its bytes: JSON, UTF-8, field names in snake_case, money as plain
 * decimal numbers. Unknown fields are ignored when reading. Thread-safe.
 */
public final class EventCodec {

  private final ObjectMapper json = EventJson.mapper();
  private final Map<EventType, ObjectReader> readers = new EnumMap<>(EventType.class);
  private final Map<EventType, ObjectWriter> writers = new EnumMap<>(EventType.class);

  public EventCodec() {
    for (EventType type : EventType.values()) {
      readers.put(type, json.readerFor(type.eventClass()));
      writers.put(type, json.writerFor(type.eventClass()));
    }
  }

  /** The bytes to store. */
  public byte[] encode(Envelope<?> envelope) {
    try {
      return encode(envelope, false);
    } catch (IOException halfACharacter) {
      // UTF-8 has no bytes for one half of a surrogate pair, as a text cut short may end in.
      try {
        return encode(envelope, true);
      } catch (IOException impossible) { // memory alone is written to
        throw new UncheckedIOException(impossible);
      }
    }
  }

  private byte[] encode(Envelope<?> envelope, boolean ascii) throws IOException {
    EventType type = envelope.type();
    try (ByteArrayBuilder bytes = new ByteArrayBuilder(512);
        JsonGenerator out = json.createGenerator(bytes)) {
      out.configure(JsonWriteFeature.ESCAPE_NON_ASCII.mappedFeature(), ascii);
      out.writeStartObject();
      out.writeStringField("id", envelope.id());
      out.writeStringField("type", type.typeName());
      out.writeStringField("aggregate_id", envelope.event().aggregateId());
      out.writeFieldName("data");
      writers.get(type).writeValue(out, envelope.event());
      out.writeStringField("timestamp", envelope.timestamp().toString());
      out.writeStringField("trace_id", envelope.traceId());
      out.writeNumberField("version", envelope.version());
      out.writeEndObject();
      out.flush();
      return bytes.toByteArray();
    }
  }

  /**
   * Reads one event. The fields may stand in any order.
   *
   * @throws UndecodableEventException if these bytes are no event that this code can read
   */
  public Envelope<?> decode(byte[] bytes) throws UndecodableEventException {
    if (!isUtf8(bytes)) { // the parser lets some of it pass
      throw new UndecodableEventException(Reason.UNDECODABLE, "not a JSON event: not UTF-8", null);
    }
    try (JsonParser in = json.createParser(bytes)) {
      return new Reading(in).envelope();
    } catch (IOException e) {
      throw new UndecodableEventException(Reason.UNDECODABLE, "not a JSON event: " + summary(e), e);
    }
  }

  /** One pass over the fields; only data that comes before its type is kept aside. */
  private final class Reading {
    private final JsonParser in;
    private String id;
    private String typeName;
    private String aggregateId;
    private Instant timestamp;
    private String traceId;
    private int version;
    private Event event;
    private TokenBuffer early;
    private JsonProcessingException fault;

    Reading(JsonParser in) {
      this.in = in;
    }

    Envelope<?> envelope() throws IOException, UndecodableEventException {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw undecodable("not a JSON object");
      }
      JsonStreamContext level = in.getParsingContext();
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String field = in.currentName();
        in.nextToken();
        switch (field) {
          case "id" -> id = text(field);
          case "type" -> typeName = text(field);
          case "aggregate_id" -> aggregateId = text(field);
          case "timestamp" -> timestamp = instant(text(field));
          case "trace_id" -> traceId = text(field);
          case "version" -> version = version(field);
          case "data" -> data(level);
          default -> in.skipChildren();
        }
      }
      if (in.nextToken() != null) {
        throw undecodable("something follows the event");
      }
      return assembled();
    }

    private void data(JsonStreamContext level) throws IOException {
      EventType type = typeName == null ? null : EventType.named(typeName).orElse(null);
      if (type == null) {
        early = new TokenBuffer(in);
        early.copyCurrentStructure(in);
        return;
      }
      try {
        event = readers.get(type).readValue(in);
      } catch (JsonProcessingException e) {
        if (isSyntax(e)) {
          throw e;
        }
        fault = e; // the version, which may follow, says whether it is one
        while (in.getParsingContext() != level) {
          in.nextToken();
        }
      }
    }

    private Envelope<?> assembled() throws IOException, UndecodableEventException {
      if (typeName == null || version == 0) {
        throw undecodable("without " + (typeName == null ? "type" : "version"));
      }
      if (version > Envelope.VERSION) {
        throw new UndecodableEventException(
            Reason.UNSUPPORTED_VERSION,
            "version " + version + ", and this code reads up to " + Envelope.VERSION,
            null);
      }
      EventType type =
          EventType.named(typeName)
              .orElseThrow(
                  () ->
                      new UndecodableEventException(
                          Reason.UNKNOWN_TYPE,
                          "unknown type" + (Ids.valid(typeName) ? " " + typeName : ""),
                          null));
      if (early != null) {
        readEarly(type);
      }
      if (fault != null) {
        throw new UndecodableEventException(Reason.INVALID, "data: " + summary(fault), fault);
      }
      require("data", event);
      require("id", id);
      require("aggregate_id", aggregateId);
      require("timestamp", timestamp);
      require("trace_id", traceId);
      if (!event.aggregateId().equals(aggregateId)) {
        throw new UndecodableEventException(
            Reason.INVALID, "aggregate_id is not the one in data", null);
      }
      try {
        return new Envelope<>(id, event, timestamp, traceId, version);
      } catch (IllegalArgumentException e) {
        throw new UndecodableEventException(Reason.INVALID, e.getMessage(), e);
      }
    }

    private void readEarly(EventType type) throws IOException {
      try (JsonParser kept = early.asParser(json)) {
        kept.nextToken();
        event = readers.get(type).readValue(kept);
      } catch (JsonProcessingException e) {
        fault = e;
      }
    }

    private void require(String field, Object value) throws UndecodableEventException {
      if (value == null) {
        throw undecodable("without " + field);
      }
    }

    private String text(String field) throws IOException, UndecodableEventException {
      if (in.currentToken() != JsonToken.VALUE_STRING) {
        throw undecodable(field + " is not a string");
      }
      return in.getText();
    }

    private int version(String field) throws IOException, UndecodableEventException {
      if (in.currentToken() != JsonToken.VALUE_NUMBER_INT || in.getIntValue() < 1) {
        throw undecodable(field + " is not a whole number from 1");
      }
      return in.getIntValue();
    }

    private Instant instant(String text) throws UndecodableEventException {
      try {
        return Timestamps.parse(text);
      } catch (DateTimeException e) {
        throw new UndecodableEventException(
            Reason.UNDECODABLE, "not an event: timestamp is not RFC 3339 UTC", e);
      }
    }

    private UndecodableEventException undecodable(String what) {
      return new UndecodableEventException(Reason.UNDECODABLE, "not an event: " + what, null);
    }
  }

  private static boolean isUtf8(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        try {
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
          return true;
        } catch (CharacterCodingException e) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether the bytes are no JSON at all, rather than JSON of another form than was wanted. */
  private static boolean isSyntax(JsonProcessingException e) {
    for (Throwable at = e; at != null; at = at.getCause()) {
      if (at instanceof StreamReadException && !(at instanceof InputCoercionException)) {
        return true;
      }
    }
    return false;
  }

  /** What was wrong and where, without the document's own text, which may be anything. */
  private static String summary(IOException e) {
    if (e instanceof ValueInstantiationException && e.getCause() != null) {
      Throwable rule = e.getCause(); // from the record's own checks, which name a field
      if (rule instanceof NullPointerException) { // copying a list says no name
        return (rule.getMessage() == null ? "an element" : rule.getMessage()) + " is missing";
      }
      return rule.getMessage();
    }
    if (e instanceof JsonMappingException databind && !isSyntax(databind)) {
      return field(databind) + " is missing or of another kind";
    }
    JsonLocation at = e instanceof JsonProcessingException json ? json.getLocation() : null;
    return "no JSON" + (at == null ? "" : " from byte " + at.getByteOffset());
  }

  /** The field that could not be read, as far as its name is one of ours. */
  private static String field(JsonMappingException e) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference step : e.getPath()) {
      if (step.getFieldName() == null) {
        path.append('[').append(step.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".");
        path.append(Ids.valid(step.getFieldName()) ? step.getFieldName() : "?");
      }
    }
    return path.isEmpty() ? "it" : path.toString();
  }
}
