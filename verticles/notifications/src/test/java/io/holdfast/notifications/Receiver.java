package io.holdfast.notifications;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A webhook's receiver that answers as it was told, and 204 once it has nothing more to say. */
final class Receiver {

  /** What a call is answered. */
  interface Answer {
    void to(HttpServerResponse response);
  }

  /** A request as it came. */
  record Call(String path, Map<String, String> headers, String body, long atNanos) {
    String header(String name) {
      return headers.get(name);
    }
  }

  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final Vertx vertx;
  private HttpServer server;
  private volatile Answer otherwise = status(204);

  Receiver(Vertx vertx) {
    this.vertx = vertx;
    start(0);
  }

  private void start(int port) {
    server = get(vertx.createHttpServer().requestHandler(this::taken).listen(port, "127.0.0.1"));
  }

  void stop() {
    get(server.close());
  }

  void startAgain() {
    start(server.actualPort());
  }

  String url() {
    return "http://127.0.0.1:" + server.actualPort() + "/hooks?tenant=1";
  }

  static Answer status(int status, String... headers) {
    return response -> {
      response.setStatusCode(status);
      for (int i = 0; i < headers.length; i += 2) {
        response.putHeader(headers[i], headers[i + 1]);
      }
      response.end("an answer");
    };
  }

  /** Leaves the connection open and says nothing. */
  static Answer silence() {
    return response -> {};
  }

  /** The next calls are answered so, one after the other. */
  Receiver answers(Answer... next) {
    answers.addAll(List.of(next));
    return this;
  }

  /** All calls for which there is no answer of their own are answered so. */
  Receiver otherwise(Answer answer) {
    otherwise = answer;
    return this;
  }

  List<Call> calls() {
    return List.copyOf(calls);
  }

  List<Call> calls(int atLeast) {
    return eventually(atLeast + " calls came", this::calls, found -> found.size() >= atLeast);
  }

  private void taken(HttpServerRequest request) {
    request
        .body()
        .onSuccess(
            body -> {
              Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
              request.headers().forEach(header -> headers.put(header.getKey(), header.getValue()));
              calls.add(new Call(request.uri(), headers, body.toString(), System.nanoTime()));
              Answer answer = answers.poll();
              (answer == null ? otherwise : answer).to(request.response());
            });
  }
}
