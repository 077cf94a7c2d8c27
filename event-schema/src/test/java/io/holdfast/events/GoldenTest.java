package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.events.Golden.Sample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what was stored once can be read for ever. Method: files as version 1 stored them, beside
 * what they must mean. If a test here fails, the code is wrong, never the file.
 */
class GoldenTest {

  private static final String FOLDER = "/golden/v1/";

  private final EventCodec codec = new EventCodec();

  static List<Sample> samples() {
    return Golden.samples();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void a_stored_event_is_read_as_it_was_meant(Sample sample) throws Exception {
    assertThat(codec.decode(sample.bytes())).isEqualTo(sample.envelope());
  }

  @ParameterizedTest
  @MethodSource("samples")
  void the_same_event_is_stored_in_the_same_form_today(Sample sample) {
    assertThat(Json.tree(codec.encode(sample.envelope()))).isEqualTo(Json.tree(sample.bytes()));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void a_stored_event_keeps_to_its_schema(Sample sample) {
    JsonNode stored = Json.tree(sample.bytes());

    assertThat(Schemas.objections(Schemas.of(sample.envelope().type()), stored)).isEmpty();
    assertThat(Schemas.objections(Schemas.of("envelope"), stored)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void fields_that_nobody_knows_yet_change_nothing_at_any_level(Sample sample) throws Exception {
    ObjectNode stored = Json.object(sample.bytes());
    int levels = addUnknownFields(stored);

    assertThat(levels).isGreaterThanOrEqualTo(2);
    assertThat(codec.decode(Json.bytes(stored))).isEqualTo(sample.envelope());
    assertThat(Schemas.objections(Schemas.of(sample.envelope().type()), stored)).isEmpty();
  }

  @Test
  void every_type_has_a_sample_under_its_own_name() {
    assertThat(samples())
        .filteredOn(sample -> sample.name().equals(sample.envelope().type().typeName()))
        .extracting(sample -> sample.envelope().type())
        .containsExactlyInAnyOrder(EventType.values());
  }

  @Test
  void every_file_has_its_meaning_here_and_none_is_gone() throws IOException {
    assertThat(filesInFolder())
        .containsExactlyInAnyOrderElementsOf(
            samples().stream().map(sample -> sample.name() + ".json").toList());
  }

  @Test
  void no_file_was_ever_changed() throws Exception {
    Map<String, String> noted =
        new String(Golden.resource(FOLDER + "SHA256SUMS"), StandardCharsets.UTF_8)
            .lines()
            .map(line -> line.split(" [ *]", 2))
            .collect(Collectors.toMap(line -> line[1], line -> line[0]));

    assertThat(noted.keySet()).containsExactlyInAnyOrderElementsOf(filesInFolder());
    for (Map.Entry<String, String> file : noted.entrySet()) {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(Golden.resource(FOLDER + file.getKey()));
      assertThat(HexFormat.of().formatHex(hash))
          .as("%s stands for messages that are stored already; add a new file instead", file)
          .isEqualTo(file.getValue());
    }
  }

  @Test
  void money_is_pinned_for_currencies_of_no_two_and_three_decimals() {
    assertThat(samples())
        .filteredOn(sample -> sample.envelope().type() == EventType.ORDER_CREATED)
        .map(sample -> Json.tree(sample.bytes()).at("/data/currency").textValue())
        .contains("JPY", "EUR", "KWD");
  }

  private static List<String> filesInFolder() throws IOException {
    Path folder = Path.of("src/test/resources" + FOLDER);
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".json"))
          .toList();
    }
  }

  /** Adds a value of every kind to this object and those below, and tells to how many. */
  private static int addUnknownFields(ObjectNode object) {
    int levels = 1;
    for (Map.Entry<String, JsonNode> field : List.copyOf(object.properties())) {
      if (field.getKey().equals("headers")) {
        continue; // whatever stands there is a header, none unknown
      }
      // An object is itself the level below; a list's elements are.
      Iterable<JsonNode> below =
          field.getValue().isArray() ? field.getValue() : List.of(field.getValue());
      for (JsonNode value : below) {
        if (value instanceof ObjectNode deeper) {
          levels += addUnknownFields(deeper);
        }
      }
    }
    object.set("a_later_idea", Json.tree("{\"text\":\"x\",\"list\":[1,2.5,null,{\"deep\":{}}]}"));
    object.put("version_of_idea", 2);
    object.put("Type", "not the type");
    object.putNull("nothing");
    object.put("", true);
    return levels;
  }
}
