package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Eventually;
import io.holdfast.testkit.Http;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the quick start of the README, in one JVM and in one each: up, order, reconcile, and a stop
 * that drains.
 */
class UpIT {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void up_order_reconcile_and_stop(boolean processes) {
    Path data = folder.resolve("data");
    List<String> args = new ArrayList<>(List.of("up", "--data", data.toString()));
    args.addAll(List.of("--port-offset", Integer.toString(freeOffset())));
    if (processes) {
      args.add("--processes");
    }
    try (JarProcess up =
        JarProcess.launcher(Map.of(), folder.resolve("up.log"), args.toArray(String[]::new))) {
      awaitUp(up);

      assertThat(run("order", "--data", data.toString()))
          .contains("NotificationSent")
          .contains("confirmed after")
          .contains("5 events, one trace");
      assertThat(
              run("order", "--data", data.toString(), "--payment-method", "pm_card_chargeDeclined"))
          .contains("InventoryReleased")
          .contains("cancelled after")
          .contains("6 events, one trace");
      assertThat(run("order", "--data", data.toString(), "--item", "last-piece:2"))
          .contains("InventoryRejected")
          .contains("cancelled after");
      assertThat(run("order", "--data", data.toString(), "--count", "300"))
          .contains("300 confirmed, 0 cancelled");
      String orderId = run("order", "--data", data.toString()).split(" ", 3)[1];
      assertThat(run("why", orderId, "--data", data.toString()))
          .contains(orderId + " is confirmed")
          .contains("OrderCreated", "InventoryReserved", "PaymentProcessed", "NotificationSent")
          .contains("Nothing is left to do.")
          .contains("The gateway has pi_", "succeeded")
          .contains("Order confirmed");
      assertThat(run("doctor", "--data", data.toString()))
          .contains("every write is on the disk before it is acknowledged")
          .contains("Nothing unsafe was found");
      if (processes) {
        comesBack(up, data, "payments");
      }
      comesBack(up, data, "nats-server");
      assertThat(run("order", "--data", data.toString())).contains("confirmed after");
      assertThat(run("reconcile", "--data", data.toString())).contains("All invariants hold");

      up.terminate();
      assertThat(up.exitStatus()).as(up.output()).isZero();
      assertThat(up.output()).contains("Stopped; everything in process was finished.");
    }
  }

  /**
   * Something is in process that takes a minute; nobody who presses Ctrl-C again wants to wait so
   * long.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_second_ctrl_c_waits_for_nothing(boolean processes) {
    Path data = folder.resolve("data");
    List<String> args = new ArrayList<>(List.of("up", "--no-seed", "--data", data.toString()));
    args.addAll(List.of("--port-offset", Integer.toString(freeOffset())));
    if (processes) {
      args.add("--processes");
    }
    Map<String, String> env = Map.of("DRAIN_TIMEOUT_SECONDS", "600", "DRAIN_GRACE_MS", "60000");
    try (JarProcess up =
        JarProcess.launcher(env, folder.resolve("up.log"), args.toArray(String[]::new))) {
      awaitUp(up);
      JsonObject pids = running(data).getJsonObject("pids");

      up.terminate();
      Eventually.eventually("it drains", () -> up.output().contains("Draining ..."));
      up.terminate();
      long told = System.nanoTime();

      assertThat(up.exitStatus()).as(up.output()).isEqualTo(1);
      assertThat(Duration.ofNanos(System.nanoTime() - told)).isLessThan(Duration.ofSeconds(20));
      assertThat(up.output())
          .contains("Waiting for nothing more ...")
          .contains("Stopped; not everything in process could be finished.");
      assertThat(pids.fieldNames())
          .allSatisfy(name -> assertThat(ProcessHandle.of(pids.getLong(name))).isEmpty());
    }
  }

  private static void awaitUp(JarProcess up) {
    Eventually.eventually(
        "Holdfast is up",
        Duration.ofMinutes(2),
        () -> {
          if (!up.isAlive()) {
            throw new IllegalStateException("it ended: " + up.output());
          }
          return up.output();
        },
        text -> text.contains("Ctrl-C drains and stops."));
  }

  /** Kills a process as somebody at the keyboard would, and waits until it is up and told of. */
  private static void comesBack(JarProcess up, Path data, String name) {
    long killed = pid(data, name);
    ProcessHandle.of(killed).orElseThrow().destroyForcibly();
    long now =
        Eventually.eventually(
            name + " is up again",
            Duration.ofSeconds(30),
            () -> pid(data, name),
            pid ->
                pid != killed && ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false));
    Eventually.eventually(
        "a line about it",
        () ->
            up.output()
                .lines()
                .anyMatch(
                    line ->
                        line.startsWith(name + " ended")
                            && line.endsWith("started again, pid " + now)));
    Eventually.eventually(
        "payments is ready",
        Duration.ofSeconds(60),
        () -> Http.get(running(data).getJsonObject("urls").getString("payments") + "/ready"),
        answer -> answer.status() == 200);
  }

  private static long pid(Path data, String name) {
    return running(data).getJsonObject("pids").getLong(name);
  }

  private static JsonObject running(Path data) {
    try {
      return new JsonObject(Files.readString(data.resolve("running.json")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A distance from the usual ports at which all of them are free. */
  private static int freeOffset() {
    return IntStream.generate(() -> ThreadLocalRandom.current().nextInt(2_000, 22_000))
        .limit(100)
        .filter(offset -> IntStream.rangeClosed(8_080, 8_090).allMatch(p -> free(p + offset)))
        .findFirst()
        .orElseThrow();
  }

  private static boolean free(int port) {
    try (ServerSocket socket = new ServerSocket(port)) {
      return socket.isBound();
    } catch (IOException taken) {
      return false;
    }
  }

  /** The command's output, once it has ended with status 0. */
  private String run(String... args) {
    Path log = folder.resolve(args[0] + "-" + System.nanoTime() + ".log");
    try (JarProcess command = JarProcess.launcher(Map.of(), log, args)) {
      assertThat(command.exitStatus()).as(command.output()).isZero();
      return command.output();
    }
  }
}
