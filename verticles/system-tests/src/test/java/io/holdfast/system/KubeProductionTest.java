package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.runtime.jetstream.StreamCatalog;
import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what keeps a system going while nodes, load and versions change belongs together. Method:
 * scaling, disruption budgets, network policies, alerts and provisioning as they are rendered, held
 * against the workloads, the stream catalogue and each other.
 */
class KubeProductionTest {

  private static final String PRODUCTION = "overlays/production";

  static Stream<String> overlays() {
    return KubeFolder.overlays().stream();
  }

  @ParameterizedTest
  @ValueSource(strings = {PRODUCTION, "overlays/production-nack"})
  void an_emptied_node_takes_at_most_one_pod_of_a_workload_away(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    for (KubeObject workload : workloads(objects)) {
      List<KubeObject> budgets =
          of(objects, "PodDisruptionBudget").stream()
              .filter(budget -> selects(budget.json().at("/spec/selector"), workload.podLabels()))
              .toList();
      assertThat(budgets).as("budgets of %s", workload).hasSize(1);
      assertThat(budgets.getFirst().json().at("/spec/maxUnavailable").asInt()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {PRODUCTION, "overlays/production-nack"})
  void no_workload_runs_once_only_and_each_one_is_counted_in_one_place(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    Set<String> scaled = new HashSet<>();
    for (KubeObject scaler : scalers(objects)) {
      JsonNode spec = scaler.json().path("spec");
      boolean keda = scaler.kind().equals("ScaledObject");
      String target = spec.at("/scaleTargetRef/name").asText();
      int least = spec.path(keda ? "minReplicaCount" : "minReplicas").asInt();
      int most = spec.path(keda ? "maxReplicaCount" : "maxReplicas").asInt();
      assertThat(least).as("%s", scaler).isGreaterThanOrEqualTo(2).isLessThan(most);
      assertThat(spec.at("/fallback/replicas").asInt(least)).isBetween(least, most);
      assertThat(scaled.add(target)).as("%s is scaled by one only", target).isTrue();
    }
    for (KubeObject workload : workloads(objects)) {
      JsonNode replicas = workload.json().at("/spec/replicas");
      if (scaled.remove(workload.name())) {
        assertThat(replicas.isMissingNode())
            .as("who scales %s says how many there are", workload)
            .isTrue();
      } else {
        assertThat(replicas.asInt()).as("%s", workload).isGreaterThanOrEqualTo(2);
      }
    }
    assertThat(scaled).as("scaled, but not there").isEmpty();
  }

  @Test
  void a_scaler_asks_the_broker_of_the_overlay_for_a_consumer_that_the_scaled_group_has() {
    List<KubeObject> objects = KubeFolder.render(PRODUCTION);
    Set<String> asked = new HashSet<>();
    for (KubeObject scaler : of(objects, "ScaledObject")) {
      for (JsonNode trigger : scaler.json().at("/spec/triggers")) {
        Map<String, String> settings = KubeObject.texts(trigger.path("metadata"));
        assertThat(trigger.path("type").asText()).isEqualTo("nats-jetstream");
        URI monitor = URI.create("http://" + settings.get("natsServerMonitoringEndpoint"));
        KubeObject service = object(objects, "Service/" + monitor.getHost().split("\\.", 2)[0]);
        assertThat(monitor.getHost())
            .isEqualTo(
                "%s.%s.svc.cluster.local",
                service.name(), service.json().at("/metadata/namespace").asText());
        assertThat(list(service.json().at("/spec/ports")).map(port -> port.path("port").asInt()))
            .contains(monitor.getPort());
        StreamCatalog.ConsumerSpec consumer = StreamCatalog.consumer(settings.get("consumer"));
        assertThat(consumer.stream()).isEqualTo(settings.get("stream"));
        assertThat(consumer.group()).isEqualTo(scaler.name());
        asked.add(consumer.name());
      }
    }
    assertThat(asked)
        .containsExactlyInAnyOrderElementsOf(
            StreamCatalog.CONSUMERS.stream()
                .filter(spec -> Set.of("payments", "notifications").contains(spec.group()))
                .map(StreamCatalog.ConsumerSpec::name)
                .toList());
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void a_pod_reaches_what_it_is_configured_with_and_its_metrics_are_reached(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    KubeNetwork network = new KubeNetwork(objects);
    for (KubeObject pod : ours(objects)) {
      assertThat(network.resolvesNames(pod)).as("%s resolves names", pod).isTrue();
      for (URI address : addresses(pod, objects)) {
        if (address.getHost().contains(".")) {
          assertThat(network.reachesTheWorld(pod, 443)).as("%s to %s", pod, address).isTrue();
        } else {
          assertThat(network.reaches(pod, address.getHost(), address.getPort()))
              .as("%s to %s", pod, address)
              .isTrue();
        }
      }
      if (pod.isWorkload()) {
        int metrics = metricsPort(pod);
        assertThat(metrics).as("%s", pod).isEqualTo(overlay.contains("production") ? 9090 : 8080);
        list(pod.container().path("ports"))
            .map(port -> port.path("containerPort").asInt())
            .forEach(
                port ->
                    assertThat(network.reachedFromNamespace("monitoring", pod, port))
                        .as("port %d of %s, from monitoring", port, pod)
                        .isEqualTo(port == metrics));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void nobody_reaches_what_he_has_no_business_with(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    KubeNetwork network = new KubeNetwork(objects);
    for (KubeObject pod : ours(objects)) {
      assertThat(network.reaches(pod, "nats", 8222)).as("%s to the monitoring", pod).isFalse();
      assertThat(network.reachesTheWorld(pod, 443))
          .as("%s to the world", pod)
          .isEqualTo(overlay.contains("production") && pod.name().equals("payments"));
      for (String service : List.of("orders", "inventory", "payments", "audit")) {
        assertThat(network.reaches(pod, service, 8080)).as("%s to %s", pod, service).isFalse();
        assertThat(network.reaches(pod, service, 9090)).as("%s to %s", pod, service).isFalse();
      }
      for (String namespace : List.of("ingress", "default", "keda")) {
        assertThat(network.reachedFromNamespace(namespace, pod, 9090)).as("%s", pod).isFalse();
      }
      assertThat(network.reachedFromNamespace("ingress", pod, 8080))
          .as("%s from outside", pod)
          .isEqualTo(pod.name().equals("orders"));
      assertThat(network.reachedFromNamespace("default", pod, 8080)).as("%s", pod).isFalse();
    }
    KubeObject nats = object(objects, "StatefulSet/nats");
    assertThat(network.reachedFromNamespace("keda", nats, 8222)).isTrue();
    assertThat(network.reachedFromNamespace("keda", nats, 4222)).isFalse();
    assertThat(network.reachedFromNamespace("nack", nats, 4222))
        .isEqualTo(overlay.endsWith("nack"));
    assertThat(network.reachedFromNamespace("default", nats, 4222)).isFalse();
  }

  @Test
  void an_operator_scrapes_every_group_under_the_name_that_the_alerts_know() {
    List<KubeObject> objects = KubeFolder.render(PRODUCTION);
    KubeObject monitor = of(objects, "PodMonitor").getFirst();
    List<KubeObject> scraped =
        objects.stream()
            .filter(KubeObject::hasPods)
            .filter(pods -> selects(monitor.json().at("/spec/selector"), pods.podLabels()))
            .toList();
    assertThat(scraped.stream().map(KubeObject::name))
        .containsExactlyInAnyOrder("orders", "inventory", "payments", "notifications", "audit");
    JsonNode endpoint = monitor.json().at("/spec/podMetricsEndpoints/0");
    for (KubeObject pods : scraped) {
      JsonNode port = pods.port(endpoint.path("port")).orElseThrow();
      assertThat(port.path("containerPort").asInt()).isEqualTo(metricsPort(pods));
      assertThat(endpoint.path("path"))
          .isEqualTo(
              pods.json().at("/spec/template/metadata/annotations").path("prometheus.io/path"));
    }
    assertThat(
            of(objects, "Service").stream()
                .flatMap(service -> list(service.json().at("/spec/ports")))
                .map(port -> port.path("targetPort").asText()))
        .as("no Service leads to where the metrics are")
        .contains("http")
        .doesNotContain("management", "9090");
    assertThat(list(endpoint.path("relabelings")))
        .anyMatch(
            label ->
                label.path("targetLabel").asText().equals("job")
                    && label.path("replacement").asText().equals("holdfast"));
  }

  /**
   * The subjects of all orders that are kept stand in the broker's memory. Full streams are an
   * answer to customers; a broker without memory is an outage that every start of it repeats.
   */
  @ParameterizedTest
  @MethodSource("overlays")
  void the_streams_are_full_before_the_brokers_memory_is(String overlay) {
    long subjectBytes = 400;
    long subjectsOfAnOrder = 5;
    long brokerItself = 200_000_000;
    long orderInItsStream = 1_486; // ORDERS holds most of an order; measured with one item
    double noMoreOrdersFrom = 0.9;

    List<KubeObject> objects = KubeFolder.render(overlay);
    long streamMaxBytes =
        of(objects, "ConfigMap").stream()
            .map(map -> map.json().at("/data/STREAM_MAX_BYTES").asText())
            .filter(text -> !text.isEmpty())
            .mapToLong(Long::parseLong)
            .findFirst()
            .orElseThrow();
    double orders = noMoreOrdersFrom * streamMaxBytes / orderInItsStream;
    JsonNode nats = object(objects, "StatefulSet/nats").container();
    String limit = nats.at("/resources/limits/memory").asText();
    String soft =
        list(nats.path("env"))
            .filter(variable -> variable.path("name").asText().equals("GOMEMLIMIT"))
            .findFirst()
            .orElseThrow()
            .path("value")
            .asText();
    assertThat(limit).matches("\\d+Gi");
    assertThat(soft).matches("\\d+MiB");
    long softBytes = Long.parseLong(soft.replace("MiB", "")) << 20;
    assertThat((double) softBytes)
        .as("%,.0f orders", orders)
        .isGreaterThan(brokerItself + orders * subjectsOfAnOrder * subjectBytes)
        .isLessThan(0.95 * (Long.parseLong(limit.replace("Gi", "")) << 30));
  }

  @Test
  void an_operator_alerts_by_the_rules_that_promtool_tests() {
    KubeObject rule = of(KubeFolder.render(PRODUCTION), "PrometheusRule").getFirst();
    assertThat(rule.json().at("/spec/groups"))
        .as("components/monitoring/alerts.yaml has the groups of observability/rules.yml")
        .isEqualTo(
            KubeFolder.read(KubeFolder.ROOT.resolve("observability/rules.yml"))
                .getFirst()
                .path("groups"));
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void a_group_is_spread_over_nodes_and_zones_but_runs_where_there_is_one(String overlay) {
    for (KubeObject deployment : of(KubeFolder.render(overlay), "Deployment")) {
      if (!deployment.isOurs() || deployment.name().equals("gateway")) {
        continue; // the simulator runs once
      }
      JsonNode spread = deployment.pod().path("topologySpreadConstraints");
      assertThat(list(spread).map(rule -> rule.path("topologyKey").asText()))
          .containsExactlyInAnyOrder("topology.kubernetes.io/zone", "kubernetes.io/hostname");
      for (JsonNode rule : spread) {
        assertThat(rule.path("whenUnsatisfiable").asText()).isEqualTo("ScheduleAnyway");
        assertThat(selects(rule.path("labelSelector"), deployment.podLabels())).isTrue();
        // Else one group would be spread against the others' pods.
        assertThat(list(rule.path("matchLabelKeys")).map(JsonNode::asText))
            .contains("app.kubernetes.io/name");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {PRODUCTION, "overlays/production-nack"})
  void production_has_three_copies_over_tls_and_one_owner_of_the_streams(String overlay) {
    List<KubeObject> objects = KubeFolder.render(overlay);
    Map<String, String> settings =
        of(objects, "ConfigMap").stream()
            .map(map -> KubeObject.texts(map.json().path("data")))
            .filter(data -> data.containsKey("NATS_URL"))
            .findFirst()
            .orElseThrow();
    assertThat(settings)
        .containsEntry("NATS_URL", "tls://nats:4222")
        .containsEntry("PROVISION", "false")
        .containsEntry("STREAM_REPLICAS", "3");
    assertThat(object(objects, "StatefulSet/nats").json().at("/spec/replicas").asInt())
        .isEqualTo(3);
    boolean job = objects.stream().anyMatch(object -> object.id().equals("Job/provision"));
    boolean nack = objects.stream().anyMatch(object -> object.kind().equals("Stream"));
    assertThat(job).isNotEqualTo(nack);
    assertThat(objects.stream().map(KubeObject::id))
        .as("no simulator, no test key")
        .doesNotContain("Deployment/gateway", "Deployment/jaeger")
        .noneMatch(id -> id.startsWith("Secret/"));
  }

  @ParameterizedTest
  @ValueSource(strings = {PRODUCTION, "overlays/production-nack"})
  void each_program_is_another_user_at_the_broker(String overlay) {
    Set<String> secrets = new HashSet<>();
    List<KubeObject> ours = ours(KubeFolder.render(overlay));
    for (KubeObject program : ours) {
      for (String variable : List.of("NATS_USER", "NATS_PASSWORD")) {
        JsonNode reference =
            list(program.container().path("env"))
                .filter(env -> env.path("name").asText().equals(variable))
                .findFirst()
                .orElseThrow()
                .at("/valueFrom/secretKeyRef");
        assertThat(reference.path("name").asText()).isEqualTo("nats-" + program.name());
        secrets.add(reference.path("name").asText());
      }
      JsonNode mounted = program.volume("nats-ca").path("secret");
      assertThat(list(mounted.path("items")).map(item -> item.path("key").asText()))
          .as("no key of the CA gets into %s", program)
          .containsExactly("ca.crt");
    }
    assertThat(secrets).hasSameSizeAs(ours);
  }

  /** Where a pod says that its metrics are. */
  private static int metricsPort(KubeObject pods) {
    return pods.json().at("/spec/template/metadata/annotations").path("prometheus.io/port").asInt();
  }

  private static List<URI> addresses(KubeObject program, List<KubeObject> objects) {
    Stream<String> whole =
        list(program.container().path("envFrom"))
            .map(from -> "ConfigMap/" + from.at("/configMapRef/name").asText())
            .flatMap(id -> values(object(objects, id)));
    Stream<String> single =
        list(program.container().path("env"))
            .map(variable -> variable.at("/valueFrom/configMapKeyRef"))
            .filter(reference -> !reference.isMissingNode())
            .map(
                reference ->
                    object(objects, "ConfigMap/" + reference.path("name").asText())
                        .json()
                        .path("data")
                        .path(reference.path("key").asText())
                        .asText());
    return Stream.concat(whole, single)
        .filter(value -> value.contains("://"))
        .map(URI::create)
        .toList();
  }

  private static Stream<String> values(KubeObject map) {
    return KubeObject.texts(map.json().path("data")).values().stream();
  }

  private static List<KubeObject> scalers(List<KubeObject> objects) {
    return Stream.concat(
            of(objects, "HorizontalPodAutoscaler").stream(), of(objects, "ScaledObject").stream())
        .toList();
  }

  private static boolean selects(JsonNode selector, Map<String, String> labels) {
    return labels.entrySet().containsAll(KubeObject.texts(selector.path("matchLabels")).entrySet());
  }

  private static List<KubeObject> workloads(List<KubeObject> objects) {
    return objects.stream().filter(KubeObject::isWorkload).toList();
  }

  private static List<KubeObject> ours(List<KubeObject> objects) {
    return objects.stream().filter(KubeObject::isOurs).toList();
  }

  private static List<KubeObject> of(List<KubeObject> objects, String kind) {
    return objects.stream().filter(object -> object.kind().equals(kind)).toList();
  }

  private static KubeObject object(List<KubeObject> objects, String id) {
    return objects.stream()
        .filter(object -> object.id().equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no " + id));
  }
}
