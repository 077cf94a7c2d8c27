package io.holdfast.events;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.events.UndecodableEventException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Goal: what the README tells a stranger is so. */
class ReadmeTest {

  private static final String README = read();
  private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)");

  @Test
  void the_example_is_a_stored_event() {
    String example = README.split("```json\n", -1)[1].split("```", -1)[0];

    assertThat(Json.tree(example))
        .isEqualTo(Json.tree(Golden.resource("/golden/v1/OrderCreated.json")));
  }

  @ParameterizedTest
  @EnumSource
  void every_event_has_its_row(EventType type) {
    List<String> cells =
        README
            .lines()
            .filter(line -> line.startsWith("| " + type.typeName() + " |"))
            .map(line -> Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
            .findFirst()
            .orElseThrow(() -> new AssertionError("no row for " + type.typeName()));

    String subject = cells.get(2).replace("`", "");
    if (type == EventType.MESSAGE_DEAD_LETTERED) {
      assertThat(subject.replace("<subject>", "orders.created.o1"))
          .isEqualTo(new Subjects("").deadLetter("<service>", "orders.created.o1"));
    } else {
      assertThat(subject.replaceAll("<\\w+>", "*")).isEqualTo(new Subjects("").every(type));
    }
    assertThat(cells.get(3)).isEqualTo(type.domain().stream());
    JsonNode data = Schemas.text(type.typeName()).at("/properties/data");
    Set<String> required = new HashSet<>();
    data.get("required").forEach(name -> required.add(name.textValue()));
    List<String> fields = new ArrayList<>();
    data.get("properties")
        .fieldNames()
        .forEachRemaining(
            name -> fields.add("`" + name + "`" + (required.contains(name) ? "" : "?")));
    assertThat(cells.get(6).split(", ")).containsExactlyElementsOf(fields);
  }

  @Test
  void every_reason_is_explained() {
    for (Reason reason : Reason.values()) {
      assertThat(README).contains("| `" + reason.word() + "` |");
    }
  }

  @Test
  void every_link_within_the_project_leads_somewhere() {
    List<String> links =
        LINK.matcher(README)
            .results()
            .map(match -> match.group(1))
            .filter(link -> !link.startsWith("https://"))
            .toList();

    assertThat(links).hasSizeGreaterThan(8).allSatisfy(link -> assertThat(Path.of(link)).exists());
  }

  private static String read() {
    try {
      return Files.readString(Path.of("README.md"), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
