package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.holdfast.runtime.boot.VerticleGroup;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what is applied to a cluster is right before there is one. Method: every kustomization is
 * rendered, and its objects are held against the API server's schema and against each other.
 */
class KubeManifestsTest {

  private static final Pattern QUOTED_PATH = Pattern.compile("\"(/[^\"]+)\"");

  static Stream<String> kustomizations() {
    return KubeFolder.kustomizations().stream();
  }

  static Stream<String> overlays() {
    return KubeFolder.overlays().stream();
  }

  @ParameterizedTest
  @MethodSource("kustomizations")
  void renders_to_objects_that_an_api_server_takes(String folder) {
    List<KubeObject> objects = KubeFolder.render(folder);
    assertThat(objects).isNotEmpty();
    for (KubeObject object : objects) {
      assertThat(KubeSchema.faults(object)).as("%s in kube/%s", object, folder).isEmpty();
      assertThat(object.json().at("/metadata/labels/app.kubernetes.io~1part-of").asText())
          .as("%s in kube/%s is labelled as ours", object, folder)
          .isEqualTo("holdfast");
    }
    assertThat(objects.stream().map(KubeObject::id)).doesNotHaveDuplicates();
  }

  @Test
  void the_base_has_every_group_but_the_simulator() {
    Set<String> groups =
        KubeVariables.GROUPS.stream().map(VerticleGroup::name).collect(Collectors.toSet());
    groups.remove("gateway");
    List<KubeObject> base = KubeFolder.render("base");
    for (String kind : List.of("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget")) {
      assertThat(base.stream().filter(object -> object.kind().equals(kind)).map(KubeObject::name))
          .as(kind)
          .containsExactlyInAnyOrderElementsOf(groups);
    }
  }

  @Test
  void the_base_leaves_to_an_overlay_which_gateway_is_paid_with_which_key() {
    assertThat(missingReferences(KubeFolder.render("base")))
        .containsExactlyInAnyOrder(
            "Deployment/payments: ConfigMap/payments PAYMENT_GATEWAY_URL",
            "Deployment/payments: Secret/payment-gateway api-key");
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void an_overlay_has_everything_that_its_pods_refer_to_but_the_secrets_of_production(
      String overlay) {
    List<String> missing = missingReferences(KubeFolder.render(overlay));
    if (!overlay.contains("production")) {
      assertThat(missing).isEmpty();
      return;
    }
    String readme = KubeFolder.text("README.md");
    assertThat(missing)
        .isNotEmpty()
        .allSatisfy(
            reference -> {
              assertThat(reference).matches(".*: Secret/[a-z-]+ [a-z.-]+");
              assertThat(readme)
                  .as("kube/README.md tells what production's Secrets hold")
                  .contains(
                      Stream.of(reference.replaceFirst(".*: Secret/", "").split(" ", -1))
                          .map(name -> "`" + name + "`")
                          .toList());
            });
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void an_overlay_stays_in_a_namespace_that_admits_restricted_pods_only(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    List<KubeObject> namespaces =
        objects.stream().filter(object -> object.kind().equals("Namespace")).toList();
    assertThat(namespaces).hasSize(1);
    assertThat(
            namespaces
                .getFirst()
                .json()
                .at("/metadata/labels/pod-security.kubernetes.io~1enforce")
                .asText())
        .isEqualTo("restricted");
    assertThat(objects)
        .filteredOn(object -> !object.kind().equals("Namespace"))
        .allMatch(
            object ->
                object
                    .json()
                    .at("/metadata/namespace")
                    .asText()
                    .equals(namespaces.getFirst().name()));
  }

  @ParameterizedTest
  @MethodSource("kustomizations")
  void a_service_selects_the_workload_of_its_name_and_a_port_that_it_opens(String folder) {
    List<KubeObject> objects = KubeFolder.render(folder);
    for (KubeObject service : of(objects, "Service")) {
      Map<String, String> selector = KubeObject.texts(service.json().at("/spec/selector"));
      List<KubeObject> selected =
          objects.stream()
              .filter(KubeObject::isWorkload)
              .filter(workload -> workload.podLabels().entrySet().containsAll(selector.entrySet()))
              .toList();
      assertThat(selected.stream().map(KubeObject::name))
          .as("selected by %s in kube/%s", service, folder)
          .containsExactly(service.name().replaceFirst("-headless$", ""));
      for (JsonNode port : service.json().at("/spec/ports")) {
        assertThat(selected.getFirst().port(port.path("targetPort")))
            .as("targetPort of %s in kube/%s", service, folder)
            .isPresent();
      }
    }
    for (KubeObject workload : workloads(folder)) {
      Map<String, String> selector =
          KubeObject.texts(workload.json().at("/spec/selector/matchLabels"));
      assertThat(workload.podLabels())
          .as("%s selects its own pods", workload)
          .containsAllEntriesOf(selector);
      assertThat(selector).containsOnlyKeys("app.kubernetes.io/name", "app.kubernetes.io/part-of");
    }
  }

  @ParameterizedTest
  @MethodSource("kustomizations")
  void an_image_is_pinned_by_its_tag_and_ours_tells_its_version(String folder) {
    for (KubeObject workload : withPods(folder)) {
      String image = workload.container().path("image").asText();
      assertThat(image).as("%s", workload).matches("[a-z/-]+:\\d+\\.\\d+\\.\\d+[a-z0-9.-]*");
      if (workload.isOurs()) {
        assertThat(image)
            .isEqualTo(
                "holdfast/%s:%s",
                workload.name(), workload.podLabels().get("app.kubernetes.io/version"));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kustomizations")
  void a_container_is_probed_for_start_life_and_readiness_on_a_port_that_it_has(String folder) {
    for (KubeObject workload : workloads(folder)) {
      for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
        JsonNode request = workload.container().path(probe).path("httpGet");
        assertThat(request.isMissingNode()).as("%s has no %s", workload, probe).isFalse();
        assertThat(workload.port(request.path("port"))).as("%s: %s", workload, probe).isPresent();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kustomizations")
  void a_pod_asks_for_no_right_that_it_does_not_need(String folder) {
    for (KubeObject workload : withPods(folder)) {
      JsonNode pod = workload.pod();
      assertThat(pod.at("/automountServiceAccountToken").asText())
          .as("%s", workload)
          .isEqualTo("false");
      assertThat(pod.at("/enableServiceLinks").asText()).as("%s", workload).isEqualTo("false");
      assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).as("%s", workload).isTrue();
      assertThat(pod.at("/securityContext/runAsUser").asInt()).as("%s", workload).isPositive();
      assertThat(pod.at("/securityContext/seccompProfile/type").asText())
          .as("%s", workload)
          .isEqualTo("RuntimeDefault");
      for (String host : List.of("hostNetwork", "hostPID", "hostIPC")) {
        assertThat(pod.has(host)).as("%s: %s", workload, host).isFalse();
      }
      JsonNode container = workload.container();
      JsonNode context = container.path("securityContext");
      assertThat(context.at("/allowPrivilegeEscalation").asText())
          .as("%s", workload)
          .isEqualTo("false");
      assertThat(context.at("/readOnlyRootFilesystem").asBoolean()).as("%s", workload).isTrue();
      assertThat(context.at("/capabilities/drop"))
          .as("%s", workload)
          .containsExactly(new TextNode("ALL"));
      assertThat(context.at("/capabilities/add").isMissingNode()).as("%s", workload).isTrue();
      assertThat(container.at("/resources/limits/memory"))
          .as("%s has as much memory as it may use", workload)
          .isEqualTo(container.at("/resources/requests/memory"))
          .isInstanceOf(TextNode.class);
      assertThat(container.at("/resources/requests/cpu").isTextual()).as("%s", workload).isTrue();
    }
  }

  @Test
  void a_rollout_takes_no_group_away_before_its_successor_is_ready() {
    for (KubeObject deployment : of(KubeFolder.render("base"), "Deployment")) {
      JsonNode strategy = deployment.json().at("/spec/strategy");
      assertThat(strategy.path("type").asText()).as("%s", deployment).isEqualTo("RollingUpdate");
      assertThat(strategy.at("/rollingUpdate/maxUnavailable").asText())
          .as("%s", deployment)
          .isEqualTo("0");
    }
  }

  @Test
  void the_simulators_ledger_never_has_two_writers() {
    KubeObject gateway = of(KubeFolder.render("gateway"), "Deployment").getFirst();
    assertThat(gateway.json().at("/spec/replicas").asInt()).isEqualTo(1);
    assertThat(gateway.json().at("/spec/strategy/type").asText()).isEqualTo("Recreate");
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void an_address_in_the_configuration_is_a_service_of_the_overlay(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    Set<String> open = new TreeSet<>();
    for (KubeObject service : of(objects, "Service")) {
      for (JsonNode port : service.json().at("/spec/ports")) {
        open.add(service.name() + ":" + port.path("port").asInt());
      }
    }
    List<URI> addresses =
        of(objects, "ConfigMap").stream()
            .flatMap(map -> KubeObject.texts(map.json().path("data")).entrySet().stream())
            .filter(entry -> entry.getKey().endsWith("_URL"))
            .flatMap(entry -> Stream.of(entry.getValue().split(",", -1)))
            .map(URI::create)
            .toList();
    assertThat(addresses).hasSizeGreaterThanOrEqualTo(2);
    // An address of the world outside has a domain.
    assertThat(addresses)
        .filteredOn(address -> !address.getHost().contains("."))
        .allSatisfy(address -> assertThat(open).contains(address.getAuthority()));
  }

  /** ConfigMaps, Secrets (with the key), claims and accounts that pods name and nobody made. */
  private static List<String> missingReferences(List<KubeObject> objects) {
    Set<String> there = new TreeSet<>();
    for (KubeObject object : objects) {
      there.add(object.id());
      Stream.of("data", "binaryData")
          .flatMap(field -> KubeObject.texts(object.json().path(field)).keySet().stream())
          .forEach(key -> there.add(object.id() + " " + key));
    }
    return objects.stream()
        .filter(KubeObject::hasPods)
        .flatMap(
            workload ->
                references(workload, objects)
                    .filter(reference -> !there.contains(reference))
                    .map(reference -> workload + ": " + reference))
        .toList();
  }

  private static Stream<String> references(KubeObject workload, List<KubeObject> objects) {
    JsonNode pod = workload.pod();
    JsonNode container = workload.container();
    Stream<String> whole =
        list(container.path("envFrom"))
            .map(
                from ->
                    from.has("secretRef")
                        ? "Secret/" + from.at("/secretRef/name").asText()
                        : "ConfigMap/" + from.at("/configMapRef/name").asText());
    Stream<String> keys =
        list(container.path("env"))
            .map(variable -> variable.path("valueFrom"))
            .flatMap(
                from ->
                    Stream.of(
                            key("ConfigMap", from.path("configMapKeyRef")),
                            key("Secret", from.path("secretKeyRef")))
                        .flatMap(found -> found));
    // A secret that is mounted is read by a variable X_FILE, which names mount path and key.
    Stream<String> mounted =
        list(container.path("volumeMounts")).flatMap(mount -> mounted(workload, mount, objects));
    Stream<String> account = Stream.of("ServiceAccount/" + pod.path("serviceAccountName").asText());
    return Stream.of(whole, keys, mounted, account).flatMap(found -> found);
  }

  private static Stream<String> key(String kind, JsonNode reference) {
    return reference.isMissingNode()
        ? Stream.empty()
        : Stream.of(
            kind + "/" + reference.path("name").asText() + " " + reference.path("key").asText());
  }

  private static Stream<String> mounted(
      KubeObject workload, JsonNode mount, List<KubeObject> objects) {
    String name = mount.path("name").asText();
    String prefix = mount.path("mountPath").asText() + "/";
    if (list(workload.json().at("/spec/volumeClaimTemplates"))
        .anyMatch(claim -> claim.at("/metadata/name").asText().equals(name))) {
      return Stream.empty();
    }
    JsonNode volume = workload.volume(name);
    if (volume.has("persistentVolumeClaim")) {
      return Stream.of(
          "PersistentVolumeClaim/" + volume.at("/persistentVolumeClaim/claimName").asText());
    }
    String object =
        volume.has("secret")
            ? "Secret/" + volume.at("/secret/secretName").asText()
            : "ConfigMap/" + volume.at("/configMap/name").asText();
    return volume.has("emptyDir")
        ? Stream.empty()
        : files(workload, objects)
            .filter(file -> file.startsWith(prefix))
            .map(file -> object + " " + file.substring(prefix.length()));
  }

  /** What a container's variables, command line and configuration name as files. */
  private static Stream<String> files(KubeObject workload, List<KubeObject> objects) {
    Stream<String> configured =
        objects.stream()
            .filter(object -> object.kind().equals("ConfigMap"))
            .filter(object -> workload.pod().toString().contains('"' + object.name() + '"'))
            .flatMap(object -> KubeObject.texts(object.json().path("data")).values().stream())
            .flatMap(text -> QUOTED_PATH.matcher(text).results())
            .map(found -> found.group(1));
    return Stream.concat(
            configured,
            Stream.concat(
                    list(workload.container().path("env")).map(variable -> variable.path("value")),
                    list(workload.container().path("command")))
                .map(JsonNode::asText))
        .distinct();
  }

  private static List<KubeObject> workloads(String folder) {
    return KubeFolder.render(folder).stream().filter(KubeObject::isWorkload).toList();
  }

  private static List<KubeObject> withPods(String folder) {
    return KubeFolder.render(folder).stream().filter(KubeObject::hasPods).toList();
  }

  private static List<KubeObject> of(List<KubeObject> objects, String kind) {
    return objects.stream().filter(object -> object.kind().equals(kind)).toList();
  }
}
