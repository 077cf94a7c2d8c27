package io.holdfast.launcher.why;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A trace as Zipkin tells it, each span under the one that led to it.
 *
 * @see <a href="https://zipkin.io/zipkin-api/#/default/get_trace__traceId_">its API</a>
 */
public final class SpanTree {

  /**
   * A span in its place.
   *
   * @param depth 0 for one whose parent is not there
   * @param startMicros after the first span's start
   * @param error what became of it, or null
   */
  public record Branch(
      int depth, String service, String name, long startMicros, long micros, String error) {}

  private SpanTree() {}

  /** From an answer of {@code /api/v2/trace/{traceId}}, in the order of a reader. */
  public static List<Branch> of(JsonArray trace) {
    List<JsonObject> spans =
        trace.stream()
            .map(JsonObject.class::cast)
            .sorted(Comparator.comparing(SpanTree::start))
            .toList();
    Set<String> ids = new HashSet<>();
    spans.forEach(span -> ids.add(span.getString("id")));
    Map<String, List<JsonObject>> children = new HashMap<>();
    for (JsonObject span : spans) {
      String parent = span.getString("parentId", "");
      children
          .computeIfAbsent(ids.contains(parent) ? parent : "", p -> new ArrayList<>())
          .add(span);
    }
    List<Branch> branches = new ArrayList<>();
    long first = spans.isEmpty() ? 0 : start(spans.getFirst());
    grow("", 0, first, children, branches);
    return branches;
  }

  /** Takes the children away, so that spans that name each other as parents come to an end. */
  private static void grow(
      String parent,
      int depth,
      long first,
      Map<String, List<JsonObject>> children,
      List<Branch> branches) {
    List<JsonObject> own = children.remove(parent);
    if (own == null) {
      return;
    }
    for (JsonObject span : own) {
      branches.add(
          new Branch(
              depth,
              span.getJsonObject("localEndpoint", new JsonObject()).getString("serviceName", "?"),
              span.getString("name", "?"),
              start(span) - first,
              span.getLong("duration", 0L),
              span.getJsonObject("tags", new JsonObject()).getString("error")));
      grow(span.getString("id"), depth + 1, first, children, branches);
    }
  }

  private static long start(JsonObject span) {
    return span.getLong("timestamp", 0L);
  }
}
