package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Goal: the files in kube/ hold together on a machine without kustomize, too. Method: what can be
 * seen in them without rendering; {@link KubeManifestsTest} looks at what they render to.
 */
class KubeSourcesTest {

  /** For a Prometheus on one machine, for promtool, for Helm and for who builds the images. */
  private static final Set<Path> FOR_NO_CLUSTER =
      Set.of(
          KubeFolder.ROOT.resolve("observability/prometheus.yml"),
          KubeFolder.ROOT.resolve("observability/rules-test.yml"),
          KubeFolder.ROOT.resolve("nats-chart/values.yaml"),
          KubeFolder.ROOT.resolve("images/Dockerfile"));

  @Test
  void every_file_that_a_kustomization_names_is_there_and_every_file_is_named_by_one() {
    Set<Path> named = new HashSet<>();
    for (Path kustomization : kustomizations()) {
      named.add(kustomization);
      for (String reference : references(KubeFolder.read(kustomization).getFirst())) {
        Path target = kustomization.resolveSibling(reference).normalize();
        Path file = Files.isDirectory(target) ? target.resolve("kustomization.yaml") : target;
        assertThat(file).as("%s names %s", kustomization, reference).isRegularFile();
        named.add(file);
      }
    }
    assertThat(
            KubeFolder.files()
                .filter(
                    file ->
                        !file.toString().matches(".*\\.(md|png|html|sh)")
                            && !FOR_NO_CLUSTER.contains(file)))
        .containsExactlyInAnyOrderElementsOf(named);
  }

  @Test
  void every_object_and_patch_knows_only_fields_that_kubernetes_has() {
    List<Path> manifests =
        KubeFolder.files()
            .filter(file -> file.toString().endsWith(".yaml"))
            .filter(file -> !kustomizations().contains(file) && !FOR_NO_CLUSTER.contains(file))
            .toList();
    assertThat(manifests).isNotEmpty();
    for (Path manifest : manifests) {
      for (JsonNode document : KubeFolder.read(manifest)) {
        assertThat(KubeSchema.faultsOfPart(new KubeObject(document))).as("%s", manifest).isEmpty();
      }
    }
  }

  @Test
  void the_images_are_made_for_the_user_and_with_the_broker_of_the_manifests() {
    String dockerfile = KubeFolder.text("images/Dockerfile");
    JsonNode pod =
        KubeFolder.read(KubeFolder.ROOT.resolve("components/service/pod.yaml"))
            .getFirst()
            .at("/spec/template/spec");
    String user = pod.at("/securityContext/runAsUser").asText();
    String group = pod.at("/securityContext/runAsGroup").asText();
    assertThat(dockerfile).contains("\nUSER " + user + ":" + group + "\n");
    assertThat(dockerfile)
        .contains("\nEXPOSE " + pod.at("/containers/0/ports/0/containerPort").asText() + "\n");
    String tag =
        KubeFolder.read(KubeFolder.ROOT.resolve("nats/kustomization.yaml"))
            .getFirst()
            .at("/images/0/newTag")
            .asText();
    assertThat(dockerfile).contains("\nARG BROKER=nats:" + tag + "\n").doesNotContain(":latest");
    // Without a shell in between, the JVM hears SIGTERM and drains.
    assertThat(dockerfile).contains("\nENTRYPOINT [\"/opt/holdfast/jre/bin/java\", ");
  }

  @Test
  void every_variable_is_one_that_a_group_reads() {
    Set<String> names = new LinkedHashSet<>();
    KubeFolder.files()
        .filter(file -> file.toString().endsWith(".yaml"))
        .filter(file -> !KubeFolder.ROOT.relativize(file).toString().startsWith("nats"))
        .flatMap(file -> KubeFolder.read(file).stream())
        .flatMap(document -> variables(document).stream())
        .forEach(names::add);
    assertThat(names).contains("NATS_URL", "HTTP_PORT", "PAYMENT_GATEWAY_KEY_FILE");

    Set<String> unread = new HashSet<>(names);
    KubeVariables.GROUPS.forEach(
        group -> unread.retainAll(KubeVariables.unreadBy(group, Set.copyOf(names))));
    assertThat(unread).isEmpty();
  }

  private static List<Path> kustomizations() {
    return KubeFolder.kustomizationFiles().toList();
  }

  private static List<String> references(JsonNode kustomization) {
    return Stream.of(
            KubeObject.list(kustomization.path("resources")),
            KubeObject.list(kustomization.path("components")),
            KubeObject.list(kustomization.path("patches")).map(patch -> patch.path("path")),
            KubeObject.list(kustomization.path("configMapGenerator"))
                .flatMap(generator -> KubeObject.list(generator.path("files"))))
        .flatMap(nodes -> nodes)
        .filter(JsonNode::isTextual)
        .map(JsonNode::asText)
        .toList();
  }

  /** Names in the containers' {@code env} and in the ConfigMaps that the groups read whole. */
  private static List<String> variables(JsonNode document) {
    Stream<String> set =
        document.findValues("env").stream()
            .flatMap(KubeObject::list)
            .map(variable -> variable.path("name").asText());
    Stream<String> generated =
        KubeObject.list(document.path("configMapGenerator"))
            .flatMap(generator -> KubeObject.list(generator.path("literals")))
            .map(literal -> literal.asText().split("=", 2)[0]);
    return Stream.concat(set, generated).toList();
  }
}
