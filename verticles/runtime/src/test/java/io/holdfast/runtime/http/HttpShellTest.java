package io.holdfast.runtime.http;

import static io.holdfast.runtime.support.Eventually.eventually;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.config.SettingsException;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.support.TestGroup;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whatever a client sends, it gets a sound answer or is cut off, and everybody else is served
 * on. Method: a group with routes of every kind over real HTTP, and bare sockets for what no client
 * library would send.
 */
class HttpShellTest {

  private static final HttpClient CLIENT =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private static final String JSON = "application/json";

  private final Platform platform = Platform.start();
  private final List<RoutingContext> waiting = new CopyOnWriteArrayList<>();
  private RunningGroup group;

  @AfterEach
  void stop() {
    waiting.forEach(request -> platform.vertx().runOnContext(v -> request.response().end()));
    if (group != null) {
      get(group.drain());
    }
    get(platform.close());
  }

  // What every group serves.

  @Test
  void a_group_that_needs_no_broker_is_alive_ready_and_measured() throws Exception {
    start(Set.of());

    assertThat(send("/health").statusCode()).isEqualTo(200);
    eventually("ready", () -> send("/ready").statusCode() == 200);
    HttpResponse<String> metrics = send("/metrics");
    assertThat(metrics.statusCode()).isEqualTo(200);
    assertThat(metrics.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain"));
    assertThat(metrics.body()).contains("jvm_memory_used_bytes").contains("vertx_http_server");
  }

  @Test
  void without_a_broker_a_group_is_alive_and_says_why_it_is_not_ready() throws Exception {
    start(Set.of("ORDERS"), "NATS_URL", "nats://127.0.0.1:1");

    assertThat(send("/health").statusCode()).isEqualTo(200);
    HttpResponse<String> ready =
        eventually(
            "told why", () -> send("/ready"), answer -> answer.body().contains("cannot connect"));
    assertThat(ready.statusCode()).isEqualTo(503);
    JsonObject checks = new JsonObject(ready.body());
    assertThat(checks.getString("outcome")).isEqualTo("DOWN");
    assertThat(checks.getJsonArray("checks").stream().map(c -> ((JsonObject) c).getString("id")))
        .contains("broker", "consumers", "verticles", "draining");
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void a_blocked_event_loop_wants_a_restart_even_if_it_is_not_the_one_that_answers()
      throws Exception {
    start(Set.of());
    eventually("ready", () -> send("/ready").statusCode() == 200);
    String answers = send("/thread").body();
    Map<String, Context> loops = new ConcurrentHashMap<>();
    get(
        platform
            .vertx()
            .deployVerticle(
                () ->
                    new VerticleBase() {
                      @Override
                      public Future<?> start() {
                        loops.put(Thread.currentThread().getName(), context);
                        return Future.succeededFuture();
                      }
                    },
                new DeploymentOptions().setInstances(4)));
    loops.remove(answers);
    Map.Entry<String, Context> another = loops.entrySet().iterator().next();
    CountDownLatch blocked = new CountDownLatch(1);

    another.getValue().runOnContext(v -> uninterruptibly(blocked));
    try {
      HttpResponse<String> health =
          eventually("it is told", () -> send("/health"), answer -> answer.statusCode() == 503);
      assertThat(health.body()).contains("event-loops", "blocked: " + another.getKey());
      assertThat(send("/ready").statusCode())
          .as("another instance could do no better")
          .isEqualTo(200);
      assertThat(send("/metrics").body()).containsPattern("event_loop_delay_seconds [3-9]");
    } finally {
      blocked.countDown();
    }
    eventually("it turns again", () -> send("/health").statusCode() == 200);
  }

  private static void uninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // Refusals.

  @Test
  void what_is_not_there_is_404_and_another_method_405() throws Exception {
    start(Set.of());

    assertProblem(send("/nothing"), 404, "not-found");
    assertProblem(send("/nothing/at/all?x=1"), 404, "not-found");
    HttpResponse<String> wrong = send("DELETE", "/echo", "", null);
    assertProblem(wrong, 405, "method-not-allowed");
    assertThat(wrong.headers().firstValue("Allow")).contains("POST");
    assertThat(send("PUT", "/things/7", "", null).headers().firstValue("Allow"))
        .contains("DELETE, GET");
    assertThat(send("PUT", "/things/7/", "", null).headers().firstValue("Allow"))
        .contains("DELETE, GET");
    HttpResponse<String> health = send("POST", "/health", "", JSON);
    assertProblem(health, 405, "method-not-allowed");
    assertThat(health.headers().firstValue("Allow")).contains("GET");
  }

  @Test
  void every_answer_tells_browsers_to_make_nothing_of_it_and_none_tells_what_we_run_on()
      throws Exception {
    start(Set.of());

    for (HttpResponse<String> answer :
        List.of(
            send("/things/7"),
            send("POST", "/echo", "{\"text\":\"a\"}", JSON),
            send("/nothing"),
            send("/throws"),
            send("/health"),
            send("/ready"),
            send("/metrics"))) {
      Map<String, List<String>> headers = answer.headers().map();
      assertThat(headers)
          .as(answer.uri().getPath())
          .containsEntry("x-content-type-options", List.of("nosniff"))
          .containsEntry(
              "content-security-policy", List.of("default-src 'none'; frame-ancestors 'none'"))
          .doesNotContainKeys("server", "x-powered-by", "via");
      assertThat(headers.get("cache-control")).as(answer.uri().getPath()).hasSize(1);
      assertThat(headers.get("cache-control").getFirst()).contains("no-store");
    }
  }

  @Test
  void a_page_says_itself_what_it_may_do() throws Exception {
    start(Set.of());

    assertThat(send("/page").headers().allValues("Content-Security-Policy"))
        .containsExactly("default-src 'self'");
  }

  @Test
  void with_a_management_port_health_and_metrics_are_there_and_nowhere_else() throws Exception {
    start(Set.of(), "MANAGEMENT_PORT", "0");
    eventually("ready", () -> group.notReady().isEmpty());

    for (String path : List.of("/health", "/ready", "/metrics")) {
      assertProblem(send(path), 404, "not-found");
      assertThat(managed(path).statusCode()).as(path).isEqualTo(200);
    }
    assertThat(send("/things/7").statusCode()).isEqualTo(200);
    assertProblem(managed("/things/7"), 404, "not-found");
    assertThat(group.managementPort()).isNotEqualTo(group.port());

    CompletableFuture<HttpResponse<String>> accepted =
        CLIENT.sendAsync(HttpRequest.newBuilder(uri("/waits")).build(), BodyHandlers.ofString());
    eventually("in process", () -> waiting.size() == 1);
    Future<Boolean> drained = group.drain();
    assertThat(managed("/ready").statusCode()).as("told while it drains").isEqualTo(503);
    int port = group.managementPort();
    answerWaiting();
    assertThat(accepted.get().statusCode()).isEqualTo(200);
    assertThat(get(drained)).isTrue();
    group = null;
    try (Socket closed = new Socket()) {
      assertThat(connects(closed, port)).isFalse();
    }
  }

  @Test
  void a_management_port_that_is_taken_or_the_other_one_stops_the_start() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertThatThrownBy(() -> start(Set.of(), "MANAGEMENT_PORT", port))
          .isInstanceOf(BindException.class);
      assertThatThrownBy(() -> start(Set.of(), "HTTP_PORT", "8080", "MANAGEMENT_PORT", "8080"))
          .isInstanceOf(SettingsException.class)
          .hasMessage("MANAGEMENT_PORT and HTTP_PORT must differ");
    }
  }

  private static boolean connects(Socket socket, int port) {
    try {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 2_000);
      return true;
    } catch (IOException refused) {
      return false;
    }
  }

  private HttpResponse<String> managed(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + group.managementPort() + path);
    return CLIENT.send(
        HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build(),
        BodyHandlers.ofString());
  }

  @Test
  void a_body_over_64_kib_is_413_whether_it_says_so_or_not() throws Exception {
    start(Set.of());
    byte[] large = ("{\"text\":\"" + "x".repeat(70_000) + "\"}").getBytes(StandardCharsets.UTF_8);

    assertProblem(
        send("POST", "/echo", new String(large, StandardCharsets.UTF_8), JSON), 413, "too-large");
    HttpRequest chunked =
        HttpRequest.newBuilder(uri("/echo"))
            .header("Content-Type", JSON)
            .POST(BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(large)))
            .build();
    assertProblem(CLIENT.send(chunked, BodyHandlers.ofString()), 413, "too-large");
    String most = "{\"text\":\"" + "x".repeat(64 * 1024 - 11) + "\"}";
    assertThat(send("POST", "/echo", most, JSON).statusCode()).isEqualTo(200);
  }

  @Test
  void a_connection_on_which_a_body_was_refused_unread_is_ended() throws Exception {
    start(Set.of());
    try (Socket client = connect()) {
      client.setSoTimeout(30_000);
      client
          .getOutputStream()
          .write(
              ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      + "Content-Length: 70000\r\n\r\n"
                      + "x".repeat(100)) // and no more
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .contains("HTTP/1.1 413");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "nonsense"
      })
  void a_body_that_is_not_declared_as_json_is_415(String type) throws Exception {
    start(Set.of());

    assertProblem(send("POST", "/echo", "{\"text\":\"a\"}", type), 415, "unsupported-media-type");
  }

  @Test
  void what_is_no_json_object_is_400_and_never_500() throws Exception {
    start(Set.of());
    for (String body :
        List.of(
            "",
            "{",
            "nonsense",
            "[]",
            "null",
            "\"text\"",
            "{\"text\":\"a\"} {}",
            "{\"text\":\"a\",\"text\":\"b\"}",
            "{'text':'a'}",
            "{\"text\":NaN}",
            "{\"text\":\"\\ud800",
            "[".repeat(30_000),
            "{\"text\":" + "[".repeat(1_500) + "]".repeat(1_500) + "}",
            "{\"text\":" + "{\"a\":".repeat(5_000),
            "{\"number\":" + "9".repeat(5_000) + "}",
            "{\"number\":1e99999999999}")) {
      assertProblem(send("POST", "/echo", body, JSON), 400, "malformed-request");
    }
    assertThat(send("POST", "/echo", "{\"text\":\"a\"}", JSON + "; charset=utf-8").statusCode())
        .isEqualTo(200);
  }

  @Test
  void every_bad_field_is_named_in_one_answer() throws Exception {
    start(Set.of());

    HttpResponse<String> answer =
        send("POST", "/echo", "{\"text\":7,\"number\":1e999999999,\"amuont\":1}", JSON);

    assertProblem(answer, 422, "invalid-fields");
    assertThat(new JsonObject(answer.body()).getJsonArray("errors").encode())
        .isEqualTo(
            "[{\"field\":\"amuont\",\"message\":\"is not a field of this request\"},"
                + "{\"field\":\"text\",\"message\":\"must be a string\"},"
                + "{\"field\":\"number\",\"message\":\"must be a whole number from 0 to 10\"}]");
  }

  @Test
  void a_handler_that_throws_is_500_and_shows_nothing_of_its_inside() throws Exception {
    start(Set.of());

    for (String path : List.of("/throws", "/fails", "/error")) {
      HttpResponse<String> answer = send(path);
      assertProblem(answer, 500, "internal");
      assertThat(answer.body()).doesNotContain("canary", "Exception", "Error", "at io.");
    }
    assertThat(send("/health").statusCode()).isEqualTo(200);
    assertThat(send("/metrics").body())
        .contains("http_internal_errors_total{group=\"inventory\"} 3");
  }

  @Test
  void a_broker_s_failure_in_a_handler_is_503_and_says_when_to_come_back() throws Exception {
    start(Set.of());

    HttpResponse<String> answer = send("/broker");

    assertProblem(answer, 503, "unavailable");
    assertThat(answer.headers().firstValue("Retry-After")).contains("1");
  }

  @Test
  void a_path_that_cannot_be_decoded_is_answered_with_400_not_500() throws Exception {
    start(Set.of());

    for (String path :
        List.of("/things/%zz", "/things/%", "/%zz", "/%c0%af/..%2f", "/things/%e0%80")) {
      String answer = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      assertThat(answer).as(path).matches("(?s)HTTP/1.1 (200|400|404) .*").doesNotContain("at io.");
      if (!answer.startsWith("HTTP/1.1 200")) {
        assertThat(answer).as(path).contains("application/problem+json");
      }
    }
  }

  @Test
  void headers_that_are_too_large_are_refused_and_others_served_on() throws Exception {
    start(Set.of());

    assertThat(raw("GET /echo HTTP/1.1\r\nHost: x\r\nX: " + "x".repeat(20_000) + "\r\n\r\n"))
        .startsWith("HTTP/1.1 431")
        .contains("urn:holdfast:problem:headers-too-large");
    assertThat(raw("GET /health HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n".repeat(101) + "\r\n"))
        .as("many small ones")
        .startsWith("HTTP/1.1 431");
    assertThat(raw("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
        .matches("(?s)HTTP/1.[01] 414 .*");
    assertThat(send("/health").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense\r\n\r\n",
        "GET /things/7 HTTP/9.9.9\r\nHost: x\r\n\r\n",
        "GET /things/7 HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"
      })
  void what_is_no_http_is_refused_and_its_connection_ended(String bytes) throws Exception {
    start(Set.of());

    String answer = raw(bytes);

    assertThat(answer).matches("(?s)(HTTP/1.[01] 400 .*)?");
    assertThat(answer).doesNotContain("Exception", "at io.");
  }

  @Test
  void a_body_in_chunks_ends_where_they_do_whatever_length_is_told_besides() throws Exception {
    start(Set.of());

    String answers =
        raw(
            String.join(
                "\r\n",
                "POST /echo HTTP/1.1",
                "Host: x",
                "Content-Type: application/json",
                "Content-Length: 3",
                "Transfer-Encoding: chunked",
                "",
                "c",
                "{\"text\":\"a\"}",
                "0",
                "",
                "GET /things/next HTTP/1.1",
                "Host: x",
                "Connection: close",
                "",
                ""));

    assertThat(answers).endsWith("next").containsOnlyOnce("\r\n\r\necho");
    assertThat(answers.split("HTTP/1.1 200 OK", -1)).hasSize(3);
  }

  @Test
  void requests_sent_ahead_are_served_one_after_the_other_in_their_order() throws Exception {
    start(Set.of(), "HTTP_MAX_IN_FLIGHT", "1");
    StringBuilder ahead = new StringBuilder();
    for (int i = 0; i < 500; i++) {
      ahead.append("GET /things/").append(i).append(" HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    ahead.append("GET /things/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    String answers = raw(ahead.toString());

    List<String> bodies =
        java.util.Arrays.stream(answers.split("HTTP/1.1 200 OK", -1))
            .skip(1)
            .map(answer -> answer.substring(answer.indexOf("\r\n\r\n") + 4))
            .toList();
    assertThat(bodies).hasSize(501).endsWith("last");
    for (int i = 0; i < 500; i++) {
      assertThat(bodies.get(i)).isEqualTo(Integer.toString(i));
    }
  }

  @Test
  void one_connection_more_than_may_be_is_closed_at_once_and_the_others_go_on() throws Exception {
    start(Set.of(), "HTTP_MAX_CONNECTIONS", "3", "MANAGEMENT_PORT", "0");
    try (Socket first = connect();
        Socket second = connect();
        Socket third = connect()) {
      for (Socket one : List.of(first, second, third)) {
        ask(one);
        assertThat(head(one)).startsWith("HTTP/1.1 200");
      }

      try (Socket fourth = connect()) {
        assertThat(ended(fourth)).isTrue();
      }
      assertThat(managed("/health").statusCode()).as("no flood hides it").isEqualTo(200);
      ask(first);
      assertThat(head(first)).startsWith("HTTP/1.1 200");

      second.shutdownOutput();
      eventually(
          "room again",
          () -> {
            try (Socket another = connect()) {
              ask(another);
              return head(another).startsWith("HTTP/1.1 200");
            }
          });
    }
  }

  private static void ask(Socket client) throws IOException {
    client
        .getOutputStream()
        .write("GET /four HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
  }

  private static boolean ended(Socket client) {
    try {
      return client.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException stillOpen) {
      return false;
    } catch (IOException closed) {
      return true;
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void a_head_that_trickles_is_cut_off_though_it_never_pauses_and_what_is_served_is_not()
      throws Exception {
    start(Set.of());
    long begun = System.nanoTime();
    CompletableFuture<HttpResponse<String>> slowAnswer =
        CLIENT.sendAsync(HttpRequest.newBuilder(uri("/waits")).build(), BodyHandlers.ofString());
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        Socket client = connect();
        client.setSoTimeout(1);
        slow.add(client);
        client
            .getOutputStream()
            .write("GET /four HTTP/1.1\r\nX: ".getBytes(StandardCharsets.US_ASCII));
      }
      try (Socket silent = connect()) {
        silent.setSoTimeout(1);
        for (Socket client : slow) {
          eventually(
              "cut off", Duration.ofSeconds(40), () -> cutOff(client), Boolean::booleanValue);
        }
        eventually(
            "nothing sent", Duration.ofSeconds(20), () -> ended(silent), Boolean::booleanValue);
      }
    } finally {
      for (Socket client : slow) {
        client.close();
      }
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofSeconds(9));
    assertThat(slowAnswer).as("it only takes its time").isNotDone();
    answerWaiting();
    assertThat(slowAnswer.get().statusCode()).isEqualTo(200);
  }

  // Load, and the end.

  @Test
  void over_so_many_requests_at_once_are_told_to_come_back_and_health_is_not_counted()
      throws Exception {
    start(Set.of(), "HTTP_MAX_IN_FLIGHT", "3");
    List<CompletableFuture<HttpResponse<String>>> held = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      held.add(
          CLIENT.sendAsync(HttpRequest.newBuilder(uri("/waits")).build(), BodyHandlers.ofString()));
    }
    eventually("as many as may", () -> waiting.size() == 3);

    HttpResponse<String> refused = send("/waits");

    assertProblem(refused, 429, "overloaded");
    assertThat(refused.headers().firstValue("Retry-After")).contains("1");
    assertThat(send("/health").statusCode()).isEqualTo(200);
    answerWaiting();
    for (CompletableFuture<HttpResponse<String>> request : held) {
      assertThat(request.get().statusCode()).isEqualTo(200);
    }
    eventually(
        "room again", () -> send("POST", "/echo", "{\"text\":\"a\"}", JSON).statusCode() == 200);
  }

  @Test
  void a_request_that_its_client_gave_up_counts_no_more() throws Exception {
    start(Set.of(), "HTTP_MAX_IN_FLIGHT", "1");
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), group.port())) {
      client
          .getOutputStream()
          .write("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      eventually("in process", () -> waiting.size() == 1);
    }

    eventually(
        "room again", () -> send("POST", "/echo", "{\"text\":\"a\"}", JSON).statusCode() == 200);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // only waits
  void a_body_that_trickles_is_cut_off_at_its_deadline_though_it_never_pauses() throws Exception {
    start(Set.of());
    long begun = System.nanoTime();
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), group.port())) {
      client.setSoTimeout(100);
      client
          .getOutputStream()
          .write(
              "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
                  .getBytes(StandardCharsets.US_ASCII));

      StringBuilder told = new StringBuilder();
      eventually(
          "cut off",
          Duration.ofSeconds(40),
          () -> {
            if (told.isEmpty()) {
              client.getOutputStream().write('x');
            }
            return told.append((char) client.getInputStream().read()).toString();
          },
          answer -> answer.contains("HTTP/1.1 408"));
      eventually("cut off", Duration.ofSeconds(20), () -> cutOff(client), Boolean::booleanValue);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofSeconds(9));
  }

  @Test
  void while_draining_what_was_accepted_is_answered_and_new_requests_are_told_to_come_back()
      throws Exception {
    start(Set.of(), "DRAIN_TIMEOUT_SECONDS", "10");
    eventually("ready", () -> send("/ready").statusCode() == 200);
    CompletableFuture<HttpResponse<String>> accepted =
        CLIENT.sendAsync(HttpRequest.newBuilder(uri("/waits")).build(), BodyHandlers.ofString());
    eventually("in process", () -> waiting.size() == 1);

    Future<Boolean> drained = group.drain();
    HttpResponse<String> refused = send("/waits");
    HttpResponse<String> ready = send("/ready");
    answerWaiting();

    assertProblem(refused, 503, "unavailable");
    assertThat(refused.headers().firstValue("Retry-After")).contains("1");
    assertThat(ready.statusCode()).isEqualTo(503);
    assertThat(accepted.get().statusCode()).isEqualTo(200);
    assertThat(get(drained)).isTrue();
    group = null;
  }

  @Test
  void in_the_grace_of_a_drain_requests_are_served_and_their_connections_ended() throws Exception {
    start(Set.of(), "DRAIN_GRACE_MS", "2000");
    eventually("ready", () -> send("/ready").statusCode() == 200);
    String echo =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"text\":\"a\"}";
    try (Socket kept = connect()) {
      kept.getOutputStream().write(echo.getBytes(StandardCharsets.US_ASCII));
      assertThat(head(kept)).startsWith("HTTP/1.1 200").doesNotContainIgnoringCase("connection:");

      Future<Boolean> drained = group.drain();
      assertThat(send("/ready").statusCode()).isEqualTo(503);
      kept.getOutputStream().write(echo.getBytes(StandardCharsets.US_ASCII));

      assertThat(head(kept)).startsWith("HTTP/1.1 200").containsIgnoringCase("connection: close");
      assertThat(drained.isComplete()).as("it still listens").isFalse();
      try (Socket another = connect()) {
        another.getOutputStream().write(echo.getBytes(StandardCharsets.US_ASCII));
        assertThat(head(another)).startsWith("HTTP/1.1 200");
        assertThat(drained.isComplete()).isFalse();
      }
      assertThat(get(drained)).isTrue();
      assertThat(cutOff(kept)).isTrue();
    }
    group = null;
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), group.port());
    socket.setSoTimeout(10_000);
    return socket;
  }

  /** An answer's head; its body, four letters, is read too. */
  private static String head(Socket client) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = client.getInputStream().read();
      if (next < 0) {
        throw new IOException("cut off after: " + head);
      }
      head.append((char) next);
    }
    assertThat(client.getInputStream().readNBytes(4)).hasSize(4);
    return head.toString();
  }

  private static boolean cutOff(Socket client) {
    try {
      client.getOutputStream().write('x');
      return client.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException stillOpen) {
      return false;
    } catch (IOException closed) {
      return true;
    }
  }

  private void answerWaiting() {
    waiting.forEach(request -> platform.vertx().runOnContext(v -> request.response().end("done")));
    waiting.clear();
  }

  private void start(Set<String> streams, String... variables) {
    Map<String, String> env = new java.util.HashMap<>();
    env.putAll(Map.of("HOST", "127.0.0.1", "HTTP_PORT", "0", "DRAIN_TIMEOUT_SECONDS", "5"));
    env.put("DRAIN_GRACE_MS", "0");
    for (int i = 0; i < variables.length; i += 2) {
      env.put(variables[i], variables[i + 1]);
    }
    group = get(RunningGroup.start(new TestGroup(this::routes, streams), env, platform, "test"));
  }

  private void routes(Router router) {
    router
        .post("/echo")
        .handler(
            request -> {
              JsonBody body = JsonBody.of(request, Set.of("text", "number"));
              body.text("text");
              if (body.has("number")) {
                body.wholeNumber("number", 0, 10);
              }
              body.check();
              request.end("echo");
            });
    router.get("/things/:id").handler(request -> request.end(request.pathParam("id")));
    router.delete("/things/:id").handler(request -> request.end("gone"));
    router.get("/four").handler(request -> request.end("four"));
    router
        .get("/page")
        .handler(
            request -> {
              request.response().putHeader("Content-Security-Policy", "default-src 'self'");
              request.end("<p>");
            });
    router.get("/waits").handler(waiting::add);
    router.get("/thread").handler(request -> request.end(Thread.currentThread().getName()));
    router
        .get("/throws")
        .handler(
            request -> {
              throw new IllegalStateException("canary");
            });
    router
        .get("/error")
        .handler(
            request -> {
              throw new StackOverflowError("canary");
            });
    router.get("/fails").handler(request -> request.fail(new IOException("canary")));
    router
        .get("/broker")
        .handler(
            request ->
                request.fail(
                    new BrokerException(BrokerException.Kind.DISCONNECTED, "broker: gone")));
  }

  private static void assertProblem(HttpResponse<String> answer, int status, String type) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    JsonObject problem = new JsonObject(answer.body());
    assertThat(problem.getString("type")).isEqualTo("urn:holdfast:problem:" + type);
    assertThat(problem.getInteger("status")).isEqualTo(status);
    assertThat(problem.getString("title")).isNotBlank();
    assertThat(problem.getString("detail")).isNotBlank();
  }

  private HttpResponse<String> send(String path) throws IOException, InterruptedException {
    return send("GET", path, "", null);
  }

  private HttpResponse<String> send(String method, String path, String body, String type)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path))
            .timeout(Duration.ofSeconds(10))
            .method(
                method,
                body.isEmpty() && type == null
                    ? BodyPublishers.noBody()
                    : BodyPublishers.ofString(body));
    if (type != null) {
      request.header("Content-Type", type);
    }
    return CLIENT.send(request.build(), BodyHandlers.ofString());
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + group.port() + path);
  }

  /** What comes back for these very bytes. */
  private String raw(String request) throws IOException {
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), group.port())) {
      client.setSoTimeout(10_000);
      client.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
