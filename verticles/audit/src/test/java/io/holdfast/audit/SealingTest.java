package io.holdfast.audit;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.audit.domain.Block;
import io.holdfast.broker.NatsServer;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes into the ledger, whatever happens to those who write it. */
class SealingTest {

  private Ledger ledger;

  @BeforeEach
  void open() throws Exception {
    ledger = new Ledger();
  }

  @AfterEach
  void close() throws Exception {
    ledger.close();
  }

  @Test
  void holds_every_message_in_order_while_more_come_and_it_is_stopped_and_started() {
    for (int part = 0; part < 3; part++) {
      try (TestGroups replica = ledger.replica()) {
        ledger.start(replica);
        ledger.storeOrders(part * 2_000, 2_000);
        ledger.awaitSealed("ORDERS", part * 2_000L + 1_000); // and is stopped in the middle
      }
    }
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      ledger.awaitSealed("ORDERS", 6_000);
      ledger.awaitSealed("INVENTORY", 6_000);
      ledger.awaitSealed("PAYMENTS", 3_000);
    }
    assertThat(ledger.chainFindings()).isEmpty();
    assertThat(sequences("ORDERS")).isEqualTo(LongStream.rangeClosed(1, 6_000).boxed().toList());
    assertThat(sequences("PAYMENTS")).isEqualTo(LongStream.rangeClosed(1, 3_000).boxed().toList());
    assertThat(ledger.blocks())
        .allSatisfy(block -> assertThat(block.body().length()).isLessThanOrEqualTo(Block.MAX_BYTES))
        .anySatisfy(block -> assertThat(block.headers().get("Audit-Ranges")).contains(","));
    Verdict verdict = ledger.verify();
    assertThat(verdict.findings()).isEmpty();
    assertThat(verdict.events()).isEqualTo(15_000);
    assertThat(verdict.unsealed()).isZero();
  }

  @Test
  void a_ledger_that_can_not_grow_is_not_ready_and_says_why() throws Exception {
    ledger.limit(2_000);
    try (TestGroups replica = ledger.replica("AUDIT_STANDSTILL_MS", "1000")) {
      RunningGroup group = ledger.start(replica);
      ledger.storeOrders(0, 500);

      Http.Answer answer =
          eventually(
              "it says so",
              () -> Http.get(TestGroups.url(group) + "/ready"),
              ready -> ready.status() == 503);
      assertThat(answer.body()).contains("ledger", "nothing was sealed for", "maximum bytes");

      ledger.limit(64 << 20);
      eventually("it is ready", () -> Http.get(TestGroups.url(group) + "/ready").status() == 200);
      ledger.awaitSealed("ORDERS", 500);
    }
    assertThat(ledger.chainFindings()).isEmpty();
  }

  @Test
  void stays_one_chain_with_two_replicas_that_both_write() {
    int orders = 0;
    try (TestGroups one = ledger.replica("AUDIT_INTERVAL_MS", "10");
        TestGroups two = ledger.replica("AUDIT_INTERVAL_MS", "10")) {
      RunningGroup first = ledger.start(one);
      RunningGroup second = ledger.start(two);
      // With a moment's silence between, the one that stands by tries again, and both race.
      while (blocksBy(first) < 5 || blocksBy(second) < 5) {
        assertThat(orders).as("orders until both have written").isLessThan(20_000);
        ledger.storeOrders(orders, 50);
        orders += 50;
        ledger.awaitSealed("ORDERS", orders);
        eventually("a moment has passed", new Pause(100)::isOver);
      }
      ledger.awaitSealed("INVENTORY", orders);
      ledger.awaitSealed("PAYMENTS", orders / 2);
      assertThat(blocksBy(first) + blocksBy(second)).isEqualTo(ledger.stored("AUDIT"));
    }
    assertThat(ledger.chainFindings()).isEmpty();
    assertThat(sequences("ORDERS")).isEqualTo(LongStream.rangeClosed(1, orders).boxed().toList());
    assertThat(ledger.verify().valid()).isTrue();
  }

  private static long blocksBy(RunningGroup replica) {
    return Http.get(TestGroups.url(replica) + "/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith("audit_blocks_total "))
        .mapToLong(line -> (long) Double.parseDouble(line.split(" ", -1)[1]))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void goes_on_with_the_other_replica_when_one_stops() {
    try (TestGroups two = ledger.replica()) {
      try (TestGroups one = ledger.replica()) {
        ledger.start(one);
        ledger.start(two);
        ledger.storeOrders(0, 10);
        ledger.awaitSealed("ORDERS", 10);
      }
      ledger.storeOrders(10, 10);
      ledger.awaitSealed("ORDERS", 20);
    }
    assertThat(ledger.verify().valid()).isTrue();
  }

  @Test
  void writes_nothing_when_there_is_nothing_new() {
    try (TestGroups replica = ledger.replica("AUDIT_INTERVAL_MS", "10")) {
      ledger.start(replica);
      ledger.storeOrders(0, 1);
      ledger.awaitSealed("ORDERS", 1);
      ledger.awaitSealed("INVENTORY", 1);
      ledger.awaitSealed("PAYMENTS", 1);
      int blocks = ledger.blocks().size();
      eventually("twenty intervals have passed", new Pause(200)::isOver);
      assertThat(ledger.blocks()).hasSize(blocks);
    }
  }

  @Test
  void holds_foreign_messages_as_they_are() {
    byte[] bytes = {0, -1, 10, 13, 65};
    byte[] huge = new byte[900_000];
    Arrays.fill(huge, (byte) '7');
    ledger.store("orders.created.o1", "{\"a\": 1}");
    ledger.store("orders.created.o2", "{\"a\":\n1}");
    ledger.store("orders.nonsense.o3", bytes);
    ledger.store("orders.created.o4", new byte[0]);
    ledger.store("deadletters.orders.orders.created.o5", huge);
    ledger.store("orders.created.o6", "[".repeat(100_000));
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      ledger.awaitSealed("ORDERS", 5);
      ledger.awaitSealed("DEADLETTERS", 1);
    }
    List<String> orders = ledger.lines().stream().filter(l -> l.contains("ORDERS\"")).toList();
    assertThat(orders.get(0)).endsWith(",\"event\":{\"a\": 1}}");
    assertThat(orders.get(1)).endsWith(",\"raw\":\"" + base64("{\"a\":\n1}") + "\"}");
    assertThat(orders.get(2))
        .contains("orders.nonsense.o3\"")
        .endsWith(",\"raw\":\"" + Base64.getEncoder().encodeToString(bytes) + "\"}");
    assertThat(orders.get(3)).endsWith(",\"raw\":\"\"}");
    assertThat(orders.get(4)).endsWith(",\"raw\":\"" + base64("[".repeat(100_000)) + "\"}");
    assertThat(ledger.lines())
        .anyMatch(line -> line.contains("DEADLETTERS") && line.endsWith(",\"size\":900000}"));
    assertThat(ledger.verify().findings()).isEmpty();
  }

  @Test
  void goes_on_after_the_broker_was_killed(@TempDir Path folder) throws Exception {
    try (NatsServer broker = TestBroker.own(folder)) {
      Ledger own = new Ledger(broker.url());
      try (TestGroups replica = own.replica("AUDIT_INTERVAL_MS", "10")) {
        own.start(replica);
        own.storeOrders(0, 500);
        own.awaitSealed("ORDERS", 1); // in the middle of its work
        broker.kill();
        broker.restart();
        long kept = eventually("the broker is back", () -> own.stored("ORDERS"), n -> n > 0);
        own.awaitSealed("ORDERS", kept);
        own.awaitSealed("INVENTORY", own.stored("INVENTORY"));
        own.awaitSealed("PAYMENTS", own.stored("PAYMENTS"));
      }
      assertThat(own.verify().findings()).isEmpty();
      own.close();
    }
  }

  @Test
  void seals_what_is_missing_as_missing_and_goes_on() throws Exception {
    ledger.storeOrders(1, 10);
    ledger.awaitStored("ORDERS", 10);
    ledger.remove("ORDERS", "orders.created.o4");
    ledger.remove("ORDERS", "orders.created.o7");
    ledger.remove("ORDERS", "orders.created.o8");
    try (TestGroups replica = ledger.replica()) {
      var group = ledger.start(replica);
      ledger.awaitSealed("ORDERS", 10);
      assertThat(Http.get(TestGroups.url(group) + "/metrics").body())
          .containsPattern(
              "audit_lost_messages\\{stream=\"" + ledger.name("ORDERS") + "\"[^}]*} 3\\.0");
    }
    assertThat(ledger.lines())
        .contains(
            "{\"stream\":\"" + ledger.name("ORDERS") + "\",\"seq\":4,\"missing\":true}",
            "{\"stream\":\"" + ledger.name("ORDERS") + "\",\"seq\":7,\"last\":8,\"missing\":true}");
    assertThat(ledger.chainFindings()).isEmpty();
    Verdict verdict = ledger.verify();
    assertThat(verdict.findings())
        .extracting(finding -> finding.stream() + " " + finding.sequence())
        .containsExactly(ledger.name("ORDERS") + " 4", ledger.name("ORDERS") + " 7");
    assertThat(verdict.events()).isEqualTo(7 + 10 + 5);
  }

  @Test
  void builds_on_the_last_sound_block_when_somebody_else_wrote_to_the_ledger() {
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      ledger.storeOrders(0, 10);
      ledger.awaitSealed("ORDERS", 10);
      ledger.awaitSealed("INVENTORY", 10);
      ledger.awaitSealed("PAYMENTS", 5);
    }
    long foreign = ledger.stored("AUDIT") + 1;
    ledger.store("audit.block", "not a block");
    ledger.awaitStored("AUDIT", foreign);
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      ledger.storeOrders(10, 10);
      ledger.awaitSealed("ORDERS", 20);
    }
    assertThat(ledger.chainFindings())
        .singleElement()
        .satisfies(finding -> assertThat(finding.sequence()).isEqualTo(foreign));
  }

  @Test
  void believes_the_broker_about_a_message_and_not_the_message() {
    Headers lies =
        new Headers()
            .put("Nats-Sequence", "999")
            .put("Nats-Stream", "OTHER")
            .put("Nats-Subject", "other")
            .put("Nats-Time-Stamp", "yesterday");
    ledger
        .connection()
        .publish(
            NatsMessage.builder()
                .subject(ledger.streams().subjects().subject("orders.created.o1"))
                .headers(lies)
                .data("{}")
                .build());
    ledger.store("orders.created.o2", "{}");
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      ledger.awaitSealed("ORDERS", 2);
    }
    assertThat(sequences("ORDERS")).containsExactly(1L, 2L);
    assertThat(ledger.verify().findings()).isEmpty();
  }

  private List<Long> sequences(String stream) {
    String begin = "{\"stream\":\"" + ledger.name(stream) + "\",\"seq\":";
    return ledger.lines().stream()
        .filter(line -> line.startsWith(begin))
        .map(
            line -> Long.valueOf(line.substring(begin.length(), line.indexOf(',', begin.length()))))
        .toList();
  }

  private static String base64(String text) {
    return Base64.getEncoder()
        .encodeToString(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private record Pause(long until) {
    Pause(int millis) {
      this(System.nanoTime() + millis * 1_000_000L);
    }

    boolean isOver() {
      return System.nanoTime() - until >= 0;
    }
  }
}
