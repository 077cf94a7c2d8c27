package io.holdfast.events;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import io.holdfast.events.UndecodableEventException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
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
    EventType type = envelope.type();
    try (ByteArrayBuilder bytes = new ByteArrayBuilder(512);
        JsonGenerator out = json.createGenerator(bytes)) {
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
    } catch (IOException impossible) { // memory alone is written to
      throw new UncheckedIOException(impossible);
    }
  }

  /**
   * Reads one event. The fields may stand in any order.
   *
   * @throws UndecodableEventException if these bytes are no event that this code can read
   */
  public Envelope<?> decode(byte[] bytes) throws UndecodableEventException {
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

    Reading(JsonParser in) {
      this.in = in;
    }

    Envelope<?> envelope() throws IOException, UndecodableEventException {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw undecodable("not a JSON object");
      }
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String field = in.currentName();
        in.nextToken();
        switch (field) {
          case "id" -> id = text(field);
          case "type" -> typeName = text(field);
          case "aggregate_id" -> aggregateId = text(field);
          case "timestamp" -> timestamp = instant(text(field));
          case "trace_id" -> traceId = text(field);
          case "version" -> version = number(field);
          case "data" -> data();
          default -> in.skipChildren();
        }
      }
      if (in.nextToken() != null) {
        throw undecodable("something follows the event");
      }
      return assembled();
    }

    private void data() throws IOException, UndecodableEventException {
      EventType type = typeName == null ? null : EventType.named(typeName).orElse(null);
      if (type == null) {
        early = new TokenBuffer(in);
        early.copyCurrentStructure(in);
      } else {
        event = read(type, in);
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
                          Reason.UNKNOWN_TYPE, "unknown type '" + typeName + "'", null));
      if (event == null && early != null) {
        try (JsonParser kept = early.asParser(json)) {
          kept.nextToken();
          event = read(type, kept);
        }
      }
      if (event == null) {
        throw undecodable("without data");
      }
      if (!event.aggregateId().equals(aggregateId)) {
        throw new UndecodableEventException(
            Reason.INVALID, "aggregate_id is not the one in data", null);
      }
      try {
        return new Envelope<>(id, event, timestamp, traceId, version);
      } catch (IllegalArgumentException | NullPointerException e) {
        throw new UndecodableEventException(Reason.INVALID, e.getMessage(), e);
      }
    }

    private Event read(EventType type, JsonParser from)
        throws IOException, UndecodableEventException {
      try {
        Event read = readers.get(type).readValue(from);
        if (read == null) {
          throw undecodable("data is null");
        }
        return read;
      } catch (JsonProcessingException e) {
        if (version > Envelope.VERSION) {
          return null; // its form is a later one: the version is what is to be reported
        }
        throw new UndecodableEventException(Reason.INVALID, "data: " + summary(e), e);
      }
    }

    private String text(String field) throws IOException, UndecodableEventException {
      if (in.currentToken() != JsonToken.VALUE_STRING) {
        throw undecodable(field + " is not a string");
      }
      return in.getText();
    }

    private int number(String field) throws IOException, UndecodableEventException {
      if (in.currentToken() != JsonToken.VALUE_NUMBER_INT) {
        throw undecodable(field + " is not a whole number");
      }
      return in.getIntValue();
    }

    private Instant instant(String text) throws UndecodableEventException {
      try {
        return Instant.parse(text);
      } catch (DateTimeException e) {
        throw new UndecodableEventException(Reason.UNDECODABLE, "timestamp is not RFC 3339 UTC", e);
      }
    }

    private UndecodableEventException undecodable(String what) {
      return new UndecodableEventException(Reason.UNDECODABLE, "not an event: " + what, null);
    }
  }

  /** What was wrong and where, without the document's own text, which may be anything. */
  private static String summary(IOException e) {
    if (e instanceof JsonProcessingException json) {
      Throwable cause = json.getCause();
      String rule = cause instanceof IllegalArgumentException ? cause.getMessage() : null;
      return rule != null ? rule : json.getOriginalMessage();
    }
    return e.getMessage();
  }
}
