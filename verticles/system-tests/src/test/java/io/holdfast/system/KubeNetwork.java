package io.holdfast.system;

import static io.holdfast.system.KubeObject.list;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Who may talk to whom, by the NetworkPolicies of an overlay and by Kubernetes' rules: a pod that
 * some policy selects is closed but for what one of them lets through, and both ends must agree.
 */
final class KubeNetwork {

  private static final String NAMESPACE = "kubernetes.io/metadata.name";

  private final List<KubeObject> objects;
  private final List<JsonNode> policies;

  KubeNetwork(List<KubeObject> objects) {
    this.objects = objects;
    this.policies =
        objects.stream()
            .filter(object -> object.kind().equals("NetworkPolicy"))
            .map(object -> object.json().path("spec"))
            .toList();
  }

  /** Whether a pod may open a connection to a Service of the overlay. */
  boolean reaches(KubeObject from, String service, int port) {
    KubeObject to =
        objects.stream()
            .filter(KubeObject::isWorkload)
            .filter(workload -> workload.name().equals(service))
            .findFirst()
            .orElseThrow(() -> new AssertionError("no workload " + service));
    return allows(from, "Egress", peer -> isPod(peer, to), rule -> isPort(rule, to, port))
        && allows(to, "Ingress", peer -> isPod(peer, from), rule -> isPort(rule, to, port));
  }

  /** Whether any pod of another namespace may open a connection to this one. */
  boolean reachedFromNamespace(String namespace, KubeObject to, int port) {
    return allows(
        to, "Ingress", peer -> isNamespace(peer, namespace), rule -> isPort(rule, to, port));
  }

  /** Whether a pod may open a connection to an address that is not a private one. */
  boolean reachesTheWorld(KubeObject from, int port) {
    return allows(
        from,
        "Egress",
        peer -> peer.at("/ipBlock/cidr").asText().equals("0.0.0.0/0"),
        rule -> rule.path("port").asInt() == port);
  }

  boolean resolvesNames(KubeObject from) {
    return Stream.of("UDP", "TCP")
        .allMatch(
            protocol ->
                allows(
                    from,
                    "Egress",
                    peer -> isNamespace(peer, "kube-system"),
                    rule ->
                        rule.path("port").asInt() == 53
                            && rule.path("protocol").asText().equals(protocol)));
  }

  private boolean allows(
      KubeObject pod, String direction, Predicate<JsonNode> peer, Predicate<JsonNode> port) {
    List<JsonNode> applying =
        policies.stream()
            .filter(
                policy ->
                    list(policy.path("policyTypes"))
                        .anyMatch(type -> type.asText().equals(direction)))
            .filter(policy -> selects(policy.path("podSelector"), pod.podLabels()))
            .toList();
    boolean egress = direction.equals("Egress");
    return applying.isEmpty()
        || applying.stream()
            .flatMap(policy -> list(policy.path(egress ? "egress" : "ingress")))
            .anyMatch(
                rule ->
                    list(rule.path(egress ? "to" : "from")).anyMatch(peer)
                        && list(rule.path("ports")).anyMatch(port));
  }

  /** A peer without a namespace's selector is in the policy's own. */
  private static boolean isPod(JsonNode peer, KubeObject pod) {
    return peer.has("podSelector")
        && !peer.has("namespaceSelector")
        && selects(peer.path("podSelector"), pod.podLabels());
  }

  private static boolean isNamespace(JsonNode peer, String name) {
    return peer.has("namespaceSelector")
        && !peer.has("podSelector")
        && selects(peer.path("namespaceSelector"), Map.of(NAMESPACE, name));
  }

  private static boolean isPort(JsonNode rule, KubeObject of, int number) {
    return rule.path("protocol").asText().equals("TCP")
        && of.port(rule.path("port"))
            .filter(port -> port.path("containerPort").asInt() == number)
            .isPresent();
  }

  private static boolean selects(JsonNode selector, Map<String, String> labels) {
    return labels.entrySet().containsAll(KubeObject.texts(selector.path("matchLabels")).entrySet())
        && list(selector.path("matchExpressions"))
            .allMatch(
                expression -> {
                  if (!expression.path("operator").asText().equals("In")) {
                    throw new AssertionError("only In is known here: " + expression);
                  }
                  String value = labels.get(expression.path("key").asText());
                  return list(expression.path("values"))
                      .anyMatch(text -> text.asText().equals(value));
                });
  }
}
