package io.holdfast.runtime.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What may be done at a path, for the answer to those who try something else. */
final class Methods {

  private record Entry(List<String> path, Set<HttpMethod> methods) {}

  private final List<Entry> entries = new ArrayList<>();

  Methods(Router... routers) {
    for (Router router : routers) {
      for (Route route : router.getRoutes()) {
        if (route.getPath() != null && route.methods() != null && !route.methods().isEmpty()) {
          entries.add(new Entry(segments(route.getPath()), route.methods()));
        }
      }
    }
  }

  /** As the header {@code Allow} names them. */
  String at(String path) {
    List<String> asked = segments(path);
    return entries.stream()
        .filter(entry -> matches(entry.path, asked))
        .flatMap(entry -> entry.methods.stream())
        .map(HttpMethod::name)
        .collect(Collectors.toCollection(TreeSet::new))
        .stream()
        .collect(Collectors.joining(", "));
  }

  /** The router takes a path with a slash at its end for the same. */
  private static List<String> segments(String path) {
    String bare =
        path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    return List.of(bare.split("/", -1));
  }

  private static boolean matches(List<String> pattern, List<String> asked) {
    if (pattern.size() != asked.size()) {
      return false;
    }
    for (int i = 0; i < asked.size(); i++) {
      if (!pattern.get(i).startsWith(":") && !pattern.get(i).equals(asked.get(i))) {
        return false;
      }
    }
    return true;
  }
}
