package io.holdfast.system;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** One object of a manifest. */
record KubeObject(JsonNode json) {

  String kind() {
    return json.path("kind").asText();
  }

  String name() {
    return json.at("/metadata/name").asText();
  }

  /** Kind and name, for messages and to look it up: {@code Deployment/orders}. */
  String id() {
    return kind() + "/" + name();
  }

  /** Runs until it is told to stop. */
  boolean isWorkload() {
    return kind().equals("Deployment") || kind().equals("StatefulSet");
  }

  boolean hasPods() {
    return isWorkload() || kind().equals("Job");
  }

  Map<String, String> podLabels() {
    return texts(json.at("/spec/template/metadata/labels"));
  }

  /** A workload's pods. */
  JsonNode pod() {
    return json.at("/spec/template/spec");
  }

  /** A workload's only container. */
  JsonNode container() {
    List<JsonNode> containers = list(pod().path("containers")).toList();
    if (containers.size() != 1 || !pod().path("initContainers").isMissingNode()) {
      throw new AssertionError(id() + " has another number of containers than one");
    }
    return containers.getFirst();
  }

  /** Runs a program of ours. */
  boolean isOurs() {
    return hasPods() && container().path("image").asText().startsWith("holdfast/");
  }

  /** The container's port of this number or name. */
  Optional<JsonNode> port(JsonNode numberOrName) {
    return list(container().path("ports"))
        .filter(
            port ->
                port.path("containerPort").equals(numberOrName)
                    || port.path("name").equals(numberOrName))
        .findFirst();
  }

  /** The container's volume of this name. */
  JsonNode volume(String name) {
    return list(pod().path("volumes"))
        .filter(volume -> volume.path("name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(id() + " has no volume " + name));
  }

  static Stream<JsonNode> list(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new HashMap<>();
    object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
    return texts;
  }

  @Override
  public String toString() {
    return id();
  }
}
