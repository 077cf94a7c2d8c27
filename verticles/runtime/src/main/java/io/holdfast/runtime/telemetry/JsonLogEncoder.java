package io.holdfast.runtime.telemetry;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.slf4j.event.KeyValuePair;

/**
 * One JSON object a line: {@code level, time, service}, the event's own key-value pairs, {@code
 * msg}, and for a failure {@code error} and {@code stack}.
 *
 * <p>{@code service} is the verticle group whose code logged, told by the logger's name {@code
 * io.holdfast.<group>....}; anything else belongs to the process.
 */
public final class JsonLogEncoder extends EncoderBase<ILoggingEvent> {

  private static final String OURS = "io.holdfast.";
  private static final int STACK_LINES = 12;

  private final JsonFactory json = new JsonFactory();

  @Override
  public byte[] encode(ILoggingEvent event) {
    try {
      return encode(event, false);
    } catch (IOException halfACharacter) {
      // UTF-8 has no bytes for one half of a surrogate pair, as a text cut short may end in.
      try {
        return encode(event, true);
      } catch (IOException impossible) { // memory alone is written to
        throw new UncheckedIOException(impossible);
      }
    }
  }

  private byte[] encode(ILoggingEvent event, boolean ascii) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (JsonGenerator out = json.createGenerator(bytes)) {
      out.configure(JsonWriteFeature.ESCAPE_NON_ASCII.mappedFeature(), ascii);
      out.writeStartObject();
      out.writeStringField("level", event.getLevel().toString().toLowerCase(Locale.ROOT));
      out.writeStringField("time", event.getInstant().toString());
      out.writeStringField("service", service(event.getLoggerName()));
      if (event.getKeyValuePairs() != null) {
        for (KeyValuePair pair : event.getKeyValuePairs()) {
          writePair(out, pair);
        }
      }
      out.writeStringField("msg", event.getFormattedMessage());
      if (event.getThrowableProxy() != null) {
        writeFailure(out, event.getThrowableProxy());
      }
      out.writeEndObject();
    }
    bytes.write('\n');
    return bytes.toByteArray();
  }

  private static void writePair(JsonGenerator out, KeyValuePair pair) throws IOException {
    if (pair.value == null) {
      return;
    }
    out.writeFieldName(pair.key);
    if (pair.value instanceof Integer || pair.value instanceof Long) {
      out.writeNumber(((Number) pair.value).longValue());
    } else if (pair.value instanceof Boolean flag) {
      out.writeBoolean(flag);
    } else {
      out.writeString(pair.value.toString());
    }
  }

  private static void writeFailure(JsonGenerator out, IThrowableProxy failure) throws IOException {
    out.writeStringField("error", failure.getClassName() + ": " + failure.getMessage());
    StringBuilder stack = new StringBuilder();
    StackTraceElementProxy[] frames = failure.getStackTraceElementProxyArray();
    for (int i = 0; i < Math.min(frames.length, STACK_LINES); i++) {
      stack.append(frames[i].getSTEAsString()).append('\n');
    }
    IThrowableProxy cause = failure.getCause();
    if (cause != null) {
      stack.append("caused by ").append(cause.getClassName()).append(": ");
      stack.append(cause.getMessage()).append('\n');
    }
    out.writeStringField("stack", stack.toString());
  }

  static String service(String logger) {
    if (!logger.startsWith(OURS)) {
      return System.getProperty("holdfast.service", "holdfast");
    }
    int end = logger.indexOf('.', OURS.length());
    return end < 0 ? logger.substring(OURS.length()) : logger.substring(OURS.length(), end);
  }

  @Override
  public byte[] headerBytes() {
    return new byte[0];
  }

  @Override
  public byte[] footerBytes() {
    return "".getBytes(StandardCharsets.UTF_8);
  }
}
