package io.holdfast.system.observability;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.system.observability.Promtool.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: every alert is right by Prometheus's own judgement, is seen firing and seen silent, and
 * tells what to do. Method: promtool for the first, our runbook's text for the last.
 */
class AlertRulesTest {

  private static final Path FOLDER = ProjectRoot.find().resolve("kube/observability");
  private static final YAMLMapper YAML = new YAMLMapper();
  private static final Pattern SECTION = Pattern.compile("(?m)^## (\\w+)\\n((?s).*?)(?=^## |\\z)");

  @TempDir Path copies;

  @Test
  void promtool_has_nothing_to_say_about_the_rules_and_the_configurations() throws Exception {
    assertFine(Promtool.run(FOLDER, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml"));
    assertFine(Promtool.run(FOLDER, "check", "config", "prometheus.yml"));
    assertFine(Promtool.run(FOLDER, "check", "config", "prometheus-kubernetes.yml"));
  }

  @Test
  void the_alerts_fire_when_they_should_and_not_when_all_is_well() throws Exception {
    assertFine(Promtool.run(FOLDER, "test", "rules", "rules-test.yml"));
  }

  @Test
  void an_alert_that_can_never_fire_any_more_is_noticed() throws Exception {
    Promtool.binaries();
    for (JsonNode rule : alerts()) {
      String rules = Files.readString(FOLDER.resolve("rules.yml"));
      String name = rule.path("alert").asText();
      String never =
          rules.replaceFirst(
              "(?s)(- alert: " + name + "\\n\\s+expr: >-\\n)(.*?)(\\n\\s+(for|labels):)",
              "$1          (0 > 1) and on () up$3");
      assertThat(never).isNotEqualTo(rules);
      Files.writeString(copies.resolve("rules.yml"), never);
      Files.copy(
          FOLDER.resolve("rules-test.yml"),
          copies.resolve("rules-test.yml"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      assertThat(Promtool.run(copies, "test", "rules", "rules-test.yml"))
          .as("the rules' tests with a dead %s", name)
          .satisfies(verdict -> assertThat(verdict.status()).isNotZero())
          .satisfies(verdict -> assertThat(verdict.output()).contains(name));
    }
  }

  @Test
  void every_alert_has_its_page_in_the_runbook_and_the_runbook_has_no_other() throws IOException {
    Map<String, String> sections =
        SECTION
            .matcher(Files.readString(FOLDER.resolve("RUNBOOK.md")))
            .results()
            .collect(Collectors.toMap(m -> m.group(1), (MatchResult m) -> m.group(2)));
    List<String> names = new ArrayList<>();
    for (JsonNode rule : alerts()) {
      String name = rule.path("alert").asText();
      names.add(name);
      assertThat(rule.at("/annotations/runbook_url").asText())
          .isEqualTo("kube/observability/RUNBOOK.md#" + name.toLowerCase(Locale.ROOT));
      assertThat(rule.at("/annotations/summary").asText()).as(name).isNotBlank();
      assertThat(rule.at("/labels/severity").asText()).as(name).isIn("warning", "critical");
      assertThat(sections.get(name))
          .as("three things to look at, and a command, for %s", name)
          .containsPattern("(?s)1\\. .+\\n2\\. .+\\n3\\. .+\\n\\n```sh\\n.+\\n```");
    }
    assertThat(sections.keySet()).containsExactlyInAnyOrderElementsOf(names);
  }

  private static List<JsonNode> alerts() throws IOException {
    List<JsonNode> all = new ArrayList<>();
    for (JsonNode group : YAML.readTree(FOLDER.resolve("rules.yml").toFile()).path("groups")) {
      group.path("rules").forEach(all::add);
    }
    assertThat(all).hasSizeGreaterThan(10).allMatch(rule -> rule.has("alert"));
    return all;
  }

  private static void assertFine(Verdict verdict) {
    assertThat(verdict.status()).as(verdict.output()).isZero();
  }
}
