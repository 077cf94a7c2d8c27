package io.holdfast.notifications.preferences;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.events.Ids;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who wants to be told how: {@code {"CUST-1": {"channel": "smtp", "to": "a@example.org"}, ...}}.
 * Immutable.
 */
public final class Preferences {

  public static final Preferences NONE = new Preferences(Map.of());

  private static final int MAX_BYTES = 8 << 20;
  private static final Set<String> FIELDS = Set.of("channel", "to");

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Map<String, Preference> byCustomer;

  private Preferences(Map<String, Preference> byCustomer) {
    this.byCustomer = Map.copyOf(byCustomer);
  }

  /**
   * Reads a file of them. Blocks.
   *
   * @param channels the names that a preference may have
   * @throws IllegalArgumentException saying what is wrong and with whom, but nothing of an address
   */
  public static Preferences read(Path file, Set<String> channels) {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw new IllegalArgumentException("must name a file that can be read", e);
    }
    if (content.length > MAX_BYTES) {
      throw new IllegalArgumentException("must name a file of at most 8 MiB");
    }
    return parse(content, channels);
  }

  static Preferences parse(byte[] content, Set<String> channels) {
    Map<String, Preference> byCustomer = new HashMap<>();
    try (JsonParser parser = JSON.createParser(content)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("must name a file that is one JSON object");
      }
      // One customer at a time: a tree of all of them is many times as large as the file.
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String who = parser.currentName();
        if (!Ids.valid(who)) {
          throw new IllegalArgumentException(
              "entry " + (byCustomer.size() + 1) + " is for no customer: an id " + Ids.RULE);
        }
        parser.nextToken();
        byCustomer.put(who, preference(who, JSON.readTree(parser), channels));
      }
      if (parser.nextToken() != null) {
        throw new IllegalArgumentException("must name a file that is one JSON object, no more");
      }
    } catch (JsonProcessingException e) { // whose message quotes the file
      throw new IllegalArgumentException(
          "must name a JSON file without duplicates; fault in line "
              + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()));
    } catch (IOException e) {
      throw new IllegalArgumentException("must name a JSON file", e);
    }
    return new Preferences(byCustomer);
  }

  public Preference of(String customerId) {
    return byCustomer.getOrDefault(customerId, Preference.NONE);
  }

  /** How many customers have one. */
  public int size() {
    return byCustomer.size();
  }

  private static Preference preference(String who, JsonNode value, Set<String> channels) {
    if (!value.isObject()) {
      throw wrong(who, "must be {\"channel\": ..., \"to\": ...}");
    }
    for (Iterator<String> fields = value.fieldNames(); fields.hasNext(); ) {
      if (!FIELDS.contains(fields.next())) {
        throw wrong(who, "has a field that is neither channel nor to");
      }
    }
    Optional<String> channel = text(who, value, "channel");
    if (channel.isPresent() && !channels.contains(channel.get())) {
      throw wrong(
          who,
          "has a channel that is not set up; there is "
              + String.join(", ", channels.stream().sorted().toList()));
    }
    Optional<String> to = text(who, value, "to");
    if (to.isPresent() && !MailAddress.valid(to.get())) {
      throw wrong(who, "has a \"to\" that is no plain e-mail address");
    }
    if (channel.isPresent() && channel.get().equals("smtp") && to.isEmpty()) {
      throw wrong(who, "has channel smtp and no \"to\"");
    }
    return new Preference(channel, to);
  }

  private static Optional<String> text(String who, JsonNode value, String field) {
    JsonNode text = value.get(field);
    if (text == null) {
      return Optional.empty();
    }
    if (!text.isTextual()) {
      throw wrong(who, "has a \"" + field + "\" that is no text");
    }
    return Optional.of(text.textValue());
  }

  private static IllegalArgumentException wrong(String who, String what) {
    return new IllegalArgumentException("customer " + who + " " + what);
  }
}
