package io.holdfast.system.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.holdfast.broker.ProjectRoot;
import io.holdfast.system.JarProcess;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: each JAR says what is in it, all of it may be shipped, and two builds give the same bytes.
 * Method: the packaged JARs' bills of materials against what else the JARs hold, against the
 * licences that we may use, and the time of each entry. That two builds are the same byte by byte
 * is for {@code sha256sum}; here is what would make them differ.
 */
class SupplyChainIT {

  private static final String BOM = "META-INF/sbom/bom.json";

  /** With none of them must we give our own source away, or ask anybody. */
  private static final Set<String> LICENCES =
      Set.of(
          "Apache-2.0",
          "MIT",
          "MIT-0",
          "BSD-2-Clause",
          "BSD-3-Clause",
          "EPL-2.0",
          "EPL-1.0",
          "CC0-1.0");

  /** Names that some projects write instead of the identifier. */
  private static final Map<String, String> NAMES = Map.of("The (New) BSD License", "BSD-3-Clause");

  private static final Pattern LEFT_BEHIND =
      Pattern.compile("META-INF/(micrometer-[a-z-]+)\\.properties");

  private static final List<String> PACKAGED =
      List.of("orders", "inventory", "payments", "notifications", "audit", "gateway", "launcher");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orders",
        "inventory",
        "payments",
        "notifications",
        "audit",
        "gateway",
        "launcher"
      })
  void a_jar_says_what_is_in_it(String group) throws IOException {
    JsonObject bom = bom(group);

    assertThat(bom.getString("bomFormat")).isEqualTo("CycloneDX");
    JsonObject itself = bom.getJsonObject("metadata").getJsonObject("component");
    assertThat(itself.getString("name")).isEqualTo("holdfast-" + group);
    assertThat(itself.getString("type")).isEqualTo("application");
    assertThat(bom.getString("serialNumber")).as("it would differ each time").isNull();
    List<JsonObject> components = components(bom);
    assertThat(components).extracting(SupplyChainIT::name).doesNotHaveDuplicates();
    assertThat(components)
        .allSatisfy(
            one -> {
              assertThat(one.getString("purl")).startsWith("pkg:maven/");
              assertThat(one.getString("version")).isNotBlank().doesNotContain("SNAPSHOT");
            });
    Set<String> listed =
        components.stream().map(one -> one.getString("name")).collect(Collectors.toSet());
    assertThat(listed).contains("vertx-core", "vertx-auth-jwt", "jnats", "jackson-databind");
    assertThat(listed)
        .as("nothing that only tests need")
        .doesNotContain("junit-jupiter", "assertj-core", "archunit");
    assertThat(listed).as("what leaves its name in the JAR").containsAll(named(group));
  }

  /** A second witness: most libraries leave a file that names them. */
  private static Set<String> named(String group) throws IOException {
    Set<String> names = new TreeSet<>();
    try (JarFile jar = new JarFile(JarProcess.jar(group).toFile())) {
      jar.stream()
          .map(entry -> LEFT_BEHIND.matcher(entry.getName()))
          .filter(Matcher::matches)
          .forEach(found -> names.add(found.group(1)));
    }
    assertThat(names).contains("micrometer-core");
    return names;
  }

  @Test
  void everything_that_is_shipped_has_a_licence_that_we_may_use() throws IOException {
    Map<String, String> report = new TreeMap<>();
    for (String group : PACKAGED) {
      for (JsonObject component : components(bom(group))) {
        if (!component.getString("group").equals("io.holdfast")) {
          report.put(name(component), String.join(" or ", licences(component)));
        }
      }
    }
    Path file = ProjectRoot.find().resolve("verticles/system-tests/target/licences.tsv");
    Files.createDirectories(file.getParent());
    Files.write(
        file, report.entrySet().stream().map(e -> e.getKey() + "\t" + e.getValue()).toList());

    assertThat(report).hasSizeGreaterThan(40);
    assertThat(report)
        .allSatisfy(
            (name, licences) ->
                assertThat(List.of(licences.split(" or ", -1)))
                    .as(name)
                    .anyMatch(LICENCES::contains));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orders",
        "inventory",
        "payments",
        "notifications",
        "audit",
        "gateway",
        "launcher"
      })
  void no_entry_of_a_jar_bears_the_time_of_its_build(String group) throws IOException {
    Path root = ProjectRoot.find();
    Matcher pinned =
        Pattern.compile("<project.build.outputTimestamp>([^<]+)<")
            .matcher(Files.readString(root.resolve("pom.xml")));
    assertThat(pinned.find()).isTrue();
    LocalDateTime time = OffsetDateTime.parse(pinned.group(1)).toLocalDateTime();

    List<String> late = new ArrayList<>();
    Set<String> ours = new TreeSet<>();
    try (JarFile jar = new JarFile(JarProcess.jar(group).toFile())) {
      for (ZipEntry entry : (Iterable<ZipEntry>) jar.stream().map(ZipEntry.class::cast)::iterator) {
        if (entry.getTimeLocal().isAfter(time)) {
          late.add(entry.getName() + " of " + entry.getTimeLocal());
        }
        if (entry.getName().startsWith("io/holdfast/")
            || entry.getName().startsWith("META-INF/services/")
            || entry.getName().equals(BOM)
            || entry.getName().equals(JarFile.MANIFEST_NAME)) {
          ours.add(entry.getTimeLocal().toString());
        }
      }
    }
    assertThat(late).isEmpty();
    assertThat(ours).containsExactly(time.toString());
    assertThat(text(group, JarFile.MANIFEST_NAME))
        .doesNotContain("Built-By", "Build-Time", "Build-Host", System.getProperty("user.home"));
    assertThat(bom(group).encode())
        .doesNotContain(root.toString(), System.getProperty("user.home"), "\"timestamp\"");
  }

  /** Maven's plugin for it makes none while Maven is offline. */
  private static JsonObject bom(String group) throws IOException {
    assumeFalse(
        "offline:true".equals(System.getProperty("holdfast.offline")),
        "mvn -o makes no bill of materials");
    return new JsonObject(Buffer.buffer(text(group, BOM)));
  }

  private static String text(String group, String entry) throws IOException {
    try (JarFile jar = new JarFile(JarProcess.jar(group).toFile())) {
      assertThat(jar.stream().map(ZipEntry::getName).filter(entry::equals)).hasSize(1);
      return new String(
          jar.getInputStream(jar.getEntry(entry)).readAllBytes(),
          java.nio.charset.StandardCharsets.UTF_8);
    }
  }

  private static List<JsonObject> components(JsonObject bom) {
    return bom.getJsonArray("components").stream().map(JsonObject.class::cast).toList();
  }

  private static String name(JsonObject component) {
    return component.getString("group")
        + ":"
        + component.getString("name")
        + ":"
        + component.getString("version");
  }

  /** Whichever of them one likes. */
  private static List<String> licences(JsonObject component) {
    return component.getJsonArray("licenses", new JsonArray()).stream()
        .map(JsonObject.class::cast)
        .flatMap(
            one ->
                one.containsKey("expression")
                    ? Stream.of(one.getString("expression").split(" OR ", -1))
                    : Stream.of(one.getJsonObject("license")).map(SupplyChainIT::identifier))
        .map(licence -> NAMES.getOrDefault(licence, licence))
        .toList();
  }

  private static String identifier(JsonObject licence) {
    return licence.getString("id", licence.getString("name", "?"));
  }
}
