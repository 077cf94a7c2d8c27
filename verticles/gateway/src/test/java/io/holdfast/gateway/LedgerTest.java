package io.holdfast.gateway;

import static io.holdfast.gateway.Simulator.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.runtime.config.SettingsException;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ledger over restarts, and as tests read it. */
class LedgerTest {

  @TempDir Path folder;

  @Test
  void everything_is_there_again_after_a_restart() {
    Path file = folder.resolve("ledger.jsonl");
    HttpResponse<Buffer> charged;
    HttpResponse<Buffer> declined;
    HttpResponse<Buffer> refunded;
    List<JsonObject> before;
    try (Simulator gateway = Simulator.on(file)) {
      charged = await(gateway.charge("o1"));
      declined = await(gateway.charge("o2", "pm_card_chargeDeclined"));
      String intent = await(gateway.charge("o3")).bodyAsJsonObject().getString("id");
      refunded = await(gateway.post("/v1/refunds", "refund:o3", "payment_intent=" + intent));
      before = gateway.ledger();
    }

    try (Simulator gateway = Simulator.on(file)) {
      assertThat(gateway.ledger()).isEqualTo(before).hasSize(2);
      assertThat(replay(gateway.charge("o1"))).isEqualTo(charged.body());
      assertThat(replay(gateway.charge("o2", "pm_card_chargeDeclined"))).isEqualTo(declined.body());
      assertThat(
              replay(
                  gateway.post(
                      "/v1/refunds",
                      "refund:o3",
                      "payment_intent=" + refunded.bodyAsJsonObject().getString("payment_intent"))))
          .isEqualTo(refunded.body());
      assertThat(gateway.ledger()).isEqualTo(before);
    }
  }

  /**
   * Goal: what was answered happened. Method: a process of its own, killed in the middle of 200
   * charges; each that was answered before must stand in the ledger after, and its key must give
   * the same answer; the others may have happened once or not at all.
   */
  @Test
  void every_answered_charge_survives_kill_nine() throws Exception {
    Path file = folder.resolve("ledger.jsonl");
    int port = freePort();
    Process first = process(file, port);
    Map<String, Buffer> answered = new ConcurrentHashMap<>();
    try (Simulator gateway = Simulator.at(port)) {
      awaitHealth(gateway, first);
      Queue<Future<?>> asked = new ConcurrentLinkedQueue<>();
      for (int i = 0; i < 200; i++) {
        String order = "o" + i;
        asked.add(
            gateway
                .charge(order)
                .onSuccess(
                    response -> {
                      answered.put(order, response.body());
                      if (answered.size() == 60) {
                        first.destroyForcibly(); // SIGKILL
                      }
                    })
                .otherwiseEmpty());
      }
      await(Future.all(List.copyOf(asked)));
    } finally {
      first.destroyForcibly();
    }
    assertThat(first.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(answered.size()).as("killed in the middle").isBetween(60, 199);

    try (Simulator gateway = Simulator.on(file)) {
      Map<String, Long> charges =
          gateway.ledger().stream()
              .collect(Collectors.groupingBy(c -> c.getString("order_id"), Collectors.counting()));
      assertThat(charges.keySet()).containsAll(answered.keySet());
      assertThat(charges.values()).containsOnly(1L);
      answered.forEach(
          (order, body) -> assertThat(replay(gateway.charge(order))).as(order).isEqualTo(body));
      for (int i = 0; i < 200; i++) {
        assertThat(await(gateway.charge("o" + i)).statusCode()).isEqualTo(200);
      }
      assertThat(gateway.ledger()).hasSize(200);
    }
  }

  @Test
  void a_torn_last_line_does_not_stop_the_start() throws Exception {
    Path file = folder.resolve("ledger.jsonl");
    List<JsonObject> before;
    try (Simulator gateway = Simulator.on(file)) {
      await(gateway.charge("o1"));
      before = gateway.ledger();
    }
    Files.writeString(file, "{\"at\":1,\"key\":\"charge:o2\",\"int", StandardOpenOption.APPEND);

    try (Simulator gateway = Simulator.on(file)) {
      assertThat(gateway.ledger()).isEqualTo(before);
      assertThat(await(gateway.charge("o2")).statusCode()).isEqualTo(200);
    }
    assertThat(Files.readAllLines(file)).hasSize(2);
  }

  @Test
  void a_ledger_that_cannot_be_read_stops_the_start_and_says_where() throws Exception {
    Path file = folder.resolve("ledger.jsonl");
    Files.writeString(file, "not an entry\n");

    assertThatThrownBy(() -> Simulator.on(file).close())
        .isInstanceOf(SettingsException.class)
        .hasMessage(
            "LEDGER_FILE="
                + file
                + ": line 1 is not an entry of a ledger; mend the file, or move it away");
  }

  @Test
  void a_long_ledger_comes_whole_in_parts_or_by_order() {
    try (Simulator gateway = Simulator.on(folder.resolve("ledger.jsonl"))) {
      List<Future<HttpResponse<Buffer>>> charged =
          IntStream.range(0, 1_000).mapToObj(i -> gateway.charge("o" + i)).toList();
      await(Future.all(charged));

      List<JsonObject> all = gateway.ledger();
      assertThat(all).extracting(c -> c.getString("order_id")).doesNotHaveDuplicates();
      assertThat(all).hasSize(1_000);
      assertThat(gateway.ledger("after", "990")).isEqualTo(all.subList(990, 1_000));
      assertThat(gateway.ledger("after", "100", "limit", "600")).isEqualTo(all.subList(100, 700));
      assertThat(gateway.ledger("after", "1000")).isEmpty();
      assertThat(gateway.ledger("limit", "0")).isEmpty();
      assertThat(gateway.ledger("order_id", "o500")).hasSize(1);
      assertThat(gateway.ledger("order_id", "nobody")).isEmpty();
      assertThat(await(gateway.get("/simulator/ledger", "after", "-1")).statusCode())
          .isEqualTo(422);
    }
  }

  private static Buffer replay(Future<HttpResponse<Buffer>> request) {
    HttpResponse<Buffer> response = await(request);
    assertThat(response.getHeader("Idempotent-Replayed")).isEqualTo("true");
    return response.body();
  }

  private Process process(Path ledger, int port) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            GatewayMain.class.getName());
    builder.environment().put("HTTP_PORT", Integer.toString(port));
    builder.environment().put("HOST", "127.0.0.1");
    builder.environment().put("LEDGER_FILE", ledger.toString());
    File output = folder.resolve("output.log").toFile();
    return builder.redirectErrorStream(true).redirectOutput(output).start();
  }

  private void awaitHealth(Simulator gateway, Process process) throws Exception {
    long deadline = System.nanoTime() + 15_000_000_000L;
    while (System.nanoTime() < deadline && process.isAlive()) {
      try {
        if (await(gateway.get("/ready")).statusCode() == 200) {
          return;
        }
      } catch (Exception notYet) {
        Thread.sleep(50);
      }
    }
    throw new AssertionError(Files.readString(folder.resolve("output.log")));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
