package io.holdfast.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: an order does not become dearer by an oversight. Method: a short {@code bench} of
 * everything in one JVM at a steady 10,000 orders a minute, of which only figures are looked at
 * that hardly depend on the machine: what is stored, what goes to and from the broker, what is
 * allocated.
 */
class CostOfAnOrderIT {

  /**
   * What an order may cost, {@value #ROOM} times what it did when these were set. On a busy machine
   * more travels together, so an order costs less there: set them by a calm one. Lower one when
   * something was made cheaper; raise one only for something that is worth it, and say what in the
   * commit.
   */
  private enum Cost {
    /** Five facts, a stock level for each batch of reservations, a block now and then. */
    MESSAGES_STORED("stored_messages", 6.1),
    /** In the four streams and in the ledger. */
    BYTES_STORED("stored_bytes", 7_600),
    /** Six publishes, four acknowledgements, up to four pulls, and what is asked now and then. */
    MESSAGES_TO_THE_BROKER("broker_in", 14.5),
    /** Answers, deliveries, what the ledger reads; one goes to the measurement itself. */
    MESSAGES_FROM_THE_BROKER("broker_out", 20),
    /** Of JVMs that are not yet as warm as they become. */
    ALLOCATED_KIB("allocated_kib.holdfast", 250);

    private final String figure;
    private final double measured;

    Cost(String figure, double measured) {
      this.figure = figure;
      this.measured = measured;
    }

    double limit() {
      return measured * ROOM;
    }
  }

  private static final double ROOM = 1.15;

  @TempDir static Path folder;

  private static String output;
  private static JsonObject report;

  @BeforeAll
  static void measure() throws IOException {
    Path json = folder.resolve("bench.json");
    try (JarProcess bench =
        JarProcess.launcher(
            Map.of(),
            folder.resolve("bench.log"),
            "bench",
            "--quick",
            "--only=ceiling,one-jvm",
            "--modes=durable",
            "--orders=600",
            "--warm-up=1500",
            "--data=" + folder.resolve("data"),
            "--json=" + json)) {
      int status = bench.exitStatus(Duration.ofMinutes(5));
      output = bench.output();
      assertThat(status).as(output).isZero();
    }
    report = new JsonObject(Files.readString(json));
    JsonObject steady = figures("one-jvm");
    for (Cost cost : Cost.values()) {
      System.out.printf("%s: %.2f%n", cost.figure, steady.getDouble("paced." + cost.figure));
    }
  }

  private static JsonObject figures(String contestant) {
    return report
        .getJsonObject("figures")
        .getJsonObject("durable")
        .getJsonArray(contestant)
        .getJsonObject(0);
  }

  @ParameterizedTest
  @EnumSource(Cost.class)
  void an_order_costs_no_more_than_it_did(Cost cost) {
    assertThat(figures("one-jvm").getDouble("paced." + cost.figure))
        .as(cost.figure)
        .isPositive()
        .isLessThan(cost.limit());
  }

  @Test
  void the_benchmark_tells_a_rate_for_each_beside_the_ceiling_and_judges_every_target() {
    for (String contestant : new String[] {"ceiling", "one-jvm"}) {
      assertThat(figures(contestant).getDouble("saturated.orders_per_min")).isPositive();
      assertThat(figures(contestant).getDouble("saturated.cpu_s.nats-server")).isPositive();
    }
    assertThat(figures("one-jvm").getLong("saturated.accepted")).isEqualTo(600);
    assertThat(figures("one-jvm").getDouble("lone.confirmed_p50_ms")).isPositive();
    assertThat(output)
        .contains("of the bare chain's")
        .containsPattern("T4 +ms of a lone order, one JVM, durable +<= 5.00 +\\S+ +(not )?met");
  }
}
