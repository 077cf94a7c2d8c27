# Makes strict-schema.json, the schema that KubeManifestsTest holds manifests against, out of an API server's own OpenAPI
# dump. On a machine with jq and a cluster (1.30 or newer, as the manifests use the preStop action "sleep";
# with KEDA and NACK installed, for their kinds). monitoring-schema.json beside it has what we use of the Prometheus operator.
#
#   kubectl get --raw /openapi/v2 | jq -c -f trim.jq > strict-schema.json
#
# It keeps the kinds below and what they refer to, drops the prose, and refuses unknown fields. The dump is part of
# Kubernetes (Apache License 2.0); the one here is from 1.36. A kind that is new in kube/ is added to the list.
def kinds: [
  "io.k8s.api.apps.v1.Deployment",
  "io.k8s.api.apps.v1.StatefulSet",
  "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  "io.k8s.api.batch.v1.Job",
  "io.k8s.api.core.v1.ConfigMap",
  "io.k8s.api.core.v1.Namespace",
  "io.k8s.api.core.v1.PersistentVolumeClaim",
  "io.k8s.api.core.v1.Secret",
  "io.k8s.api.core.v1.Service",
  "io.k8s.api.core.v1.ServiceAccount",
  "io.k8s.api.networking.v1.NetworkPolicy",
  "io.k8s.api.policy.v1.PodDisruptionBudget",
  "io.nats.jetstream.v1beta2.Account",
  "io.nats.jetstream.v1beta2.Consumer",
  "io.nats.jetstream.v1beta2.Stream",
  "sh.keda.v1alpha1.ScaledObject"
];
def refs: [.. | objects | .["$ref"]? | strings | ltrimstr("#/definitions/")];
# JSON Schema's words only; a property may itself be called "description", so this walks schemas, not any object.
def schema:
  {type, format, required, enum, minimum, pattern, "$ref"}
  + {properties: (if .properties then .properties | map_values(schema) else null end)}
  + {items: (if .items then .items | schema else null end)}
  + {additionalProperties:
      (if .additionalProperties then .additionalProperties | (if type == "object" then schema else . end)
       elif .properties then "refused" else null end)}
  | with_entries(select(.value != null))
  | if .additionalProperties == "refused" then .additionalProperties = false else . end;

.definitions as $all
| {
    # "apps/v1/Deployment": the name of its definition
    kinds: (kinds | map({
      key: ($all[.]["x-kubernetes-group-version-kind"][0] | [.group, .version, .kind] | map(select(. != "")) | join("/")),
      value: .
    }) | from_entries),
    definitions: (
      {seen: [], next: kinds}
      | until(.next == []; (.seen + .next | unique) as $seen
          | {seen: $seen, next: ([.next[] | $all[.] | refs[]] | unique - $seen)})
      | .seen | map({key: ., value: ($all[.] | schema)}) | from_entries
      # What the API takes as a number or a text alike.
      | .["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {type: ["integer", "string"]}
      | .["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {type: ["number", "string"]}
    )
  }
