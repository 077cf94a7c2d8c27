package io.holdfast.runtime.http;

import io.vertx.core.Future;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.List;

/**
 * An error as a client gets it. {@code type} is stable, for programs; {@code detail} is for people.
 *
 * @param retryAfterSeconds 0 if trying again makes no difference
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>
 */
public record Problem(
    int status,
    String type,
    String title,
    String detail,
    List<FieldError> errors,
    int retryAfterSeconds) {

  /** One bad field: its path, such as {@code items[0].quantity}, and what it must be. */
  public record FieldError(String field, String message) {}

  private static final String URN = "urn:holdfast:problem:";

  public static Problem of(int status, String type, String title, String detail) {
    return new Problem(status, URN + type, title, detail, List.of(), 0);
  }

  /** 400: the request cannot be read. */
  public static Problem malformed(String detail) {
    return of(400, "malformed-request", "The request cannot be read", detail);
  }

  /** 422: the request can be read, and these fields of it are wrong. */
  public static Problem invalid(List<FieldError> errors) {
    String detail =
        String.join("; ", errors.stream().map(e -> e.field() + " " + e.message()).toList());
    return new Problem(422, URN + "invalid-fields", "Fields are not valid", detail, errors, 0);
  }

  public static Problem notFound(String detail) {
    return of(404, "not-found", "There is no such thing", detail);
  }

  /** 503: nothing was done, or nobody knows yet; safe to repeat with the same Idempotency-Key. */
  public static Problem unavailable(String detail) {
    return new Problem(
        503, URN + "unavailable", "Cannot be served at the moment", detail, List.of(), 1);
  }

  /** 429: too much at once. */
  public static Problem overloaded() {
    return new Problem(
        429,
        URN + "overloaded",
        "Too many requests at once",
        "Try again in a moment",
        List.of(),
        1);
  }

  /** Answers the request with this. */
  public void send(RoutingContext request) {
    send(request.response());
  }

  /** The same, for what never became a request to a route. */
  Future<Void> send(HttpServerResponse response) {
    if (response.ended() || response.closed()) {
      return Future.succeededFuture();
    }
    JsonObject body =
        new JsonObject()
            .put("type", type)
            .put("title", title)
            .put("status", status)
            .put("detail", detail);
    if (!errors.isEmpty()) {
      JsonArray list = new JsonArray();
      errors.forEach(
          e -> list.add(new JsonObject().put("field", e.field()).put("message", e.message())));
      body.put("errors", list);
    }
    if (retryAfterSeconds > 0) {
      response.putHeader("Retry-After", Integer.toString(retryAfterSeconds));
    }
    return response
        .setStatusCode(status)
        .putHeader("Content-Type", "application/problem+json")
        .end(body.toBuffer());
  }
}
