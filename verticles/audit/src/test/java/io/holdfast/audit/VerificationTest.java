package io.holdfast.audit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.audit.Ledger.Stored;
import io.holdfast.audit.LedgerVerifier.Anchor;
import io.holdfast.audit.domain.Block;
import io.holdfast.audit.domain.BlockBuilder;
import io.holdfast.audit.domain.BlockHeader;
import io.holdfast.audit.domain.Finding;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A ledger of some blocks over 300 orders; then somebody comes who wants it to say otherwise. */
class VerificationTest {

  private static final int ORDERS = 300;
  private static final int EVENTS = ORDERS * 2 + ORDERS / 2;

  private Ledger ledger;

  @BeforeEach
  void seal() throws Exception {
    ledger = new Ledger();
    try (TestGroups replica = ledger.replica()) {
      ledger.start(replica);
      for (int part = 0; part < 3; part++) {
        ledger.storeOrders(part * 100 + 1, 100);
        ledger.awaitSealed("ORDERS", part * 100 + 100);
        ledger.awaitSealed("INVENTORY", part * 100 + 100);
        ledger.awaitSealed("PAYMENTS", part * 50 + 50);
      }
    }
  }

  @AfterEach
  void close() throws Exception {
    ledger.close();
  }

  @Test
  void finds_a_sound_ledger_valid() {
    BlockHeader last = ledger.last().orElseThrow();
    Verdict verdict = ledger.verify(Optional.of(new Anchor(last.number(), last.hash())));
    assertThat(verdict.findings()).isEmpty();
    assertThat(verdict.valid()).isTrue();
    assertThat(verdict.blocks()).isEqualTo(ledger.stored("AUDIT")).isGreaterThanOrEqualTo(3);
    assertThat(verdict.events()).isEqualTo(EVENTS);
    assertThat(verdict.unsealed()).isZero();
    assertThat(verdict.newest()).isEqualTo(last.number());
    assertThat(verdict.hash()).isEqualTo(last.hash());
  }

  @Test
  void counts_what_is_yet_to_be_sealed() {
    ledger.storeOrders(1_000, 4);
    ledger.awaitStored("INVENTORY", ORDERS + 4);
    ledger.awaitStored("PAYMENTS", ORDERS / 2 + 2);
    ledger.awaitStored("ORDERS", ORDERS + 4);
    Verdict verdict = ledger.verify();
    assertThat(verdict.valid()).isTrue();
    assertThat(verdict.unsealed()).isEqualTo(10);
  }

  @Test
  void names_an_altered_line_and_its_block() throws Exception {
    ledger.forge(
        blocks -> {
          Stored second = blocks.get(1);
          String altered = second.body().replaceFirst("\"text\":\"xx", "\"text\":\"yy");
          assertThat(altered).isNotEqualTo(second.body());
          blocks.set(1, new Stored(second.headers(), altered));
          return blocks;
        });
    Verdict verdict = ledger.verify();
    assertThat(verdict.valid()).isFalse();
    assertThat(verdict.findings()).hasSize(2);
    assertThat(verdict.findings().getFirst())
        .isEqualTo(
            new Finding(ledger.name("AUDIT"), 2, "block 2 has lines that do not give its root"));
    assertThat(verdict.findings().getLast().stream()).isEqualTo(ledger.name("ORDERS"));
    assertThat(verdict.findings().getLast().problem()).contains("in block 2");
  }

  @Test
  void names_a_message_that_the_ledger_tells_otherwise_though_its_chain_is_sound()
      throws Exception {
    BlockHeader noted = ledger.last().orElseThrow();
    List<String> names = AuditGroup.audited(ledger.streams().subjects());
    BlockBuilder builder = new BlockBuilder(BlockHeader.genesis(names), names);
    for (RawMessage message : ledger.streams().messages("ORDERS")) {
      byte[] body =
          message.sequence() == 77
              ? new String(message.body(), UTF_8).replace("77", "78").getBytes(UTF_8)
              : message.body();
      builder.add(
          message.stream(), message.sequence(), message.subject(), message.storedAt(), body);
    }
    Block forged = builder.seal();
    ledger.forge(
        blocks ->
            List.of(new Stored(forged.header().toHeaders(), new String(forged.body(), UTF_8))));

    assertThat(ledger.verify().findings())
        .containsExactly(
            new Finding(
                ledger.name("ORDERS"),
                77,
                "the ledger's line, in block 1, is not what the stream holds"));
    assertThat(ledger.verify(Optional.of(new Anchor(noted.number(), noted.hash()))).findings())
        .contains(
            new Finding(
                ledger.name("AUDIT"),
                noted.number(),
                "block " + noted.number() + " is not the one whose hash was noted"));
  }

  @Test
  void names_what_a_dropped_block_held() throws Exception {
    Stored dropped = ledger.blocks().get(1);
    ledger.forge(
        blocks -> {
          blocks.remove(1);
          return blocks;
        });
    Verdict verdict = ledger.verify();
    assertThat(verdict.findings())
        .contains(new Finding(ledger.name("AUDIT"), 2, "block 3 follows block 1"));
    String range = dropped.headers().get("Audit-Ranges").split(",", -1)[0];
    String stream = range.substring(0, range.indexOf(':'));
    long first = Long.parseLong(range.substring(range.indexOf(':') + 1, range.lastIndexOf('-')));
    assertThat(verdict.findings())
        .anyMatch(
            finding ->
                finding.stream().equals(stream)
                    && finding.sequence() == first
                    && finding.problem().endsWith("not in the ledger"));
  }

  @Test
  void names_swapped_blocks() throws Exception {
    ledger.forge(
        blocks -> {
          Collections.swap(blocks, 0, 1);
          return blocks;
        });
    assertThat(ledger.verify().findings())
        .contains(
            new Finding(ledger.name("AUDIT"), 1, "block 2 follows the beginning"),
            new Finding(ledger.name("AUDIT"), 2, "block 1 follows block 2"));
  }

  @Test
  void shows_a_ledger_that_was_cut_short_only_against_a_noted_hash() throws Exception {
    BlockHeader noted = ledger.last().orElseThrow();
    ledger.forge(blocks -> blocks.subList(0, blocks.size() - 1));
    Verdict alone = ledger.verify();
    assertThat(alone.valid()).as("what a chain by itself cannot tell").isTrue();
    assertThat(alone.unsealed()).isPositive();
    assertThat(ledger.verify(Optional.of(new Anchor(noted.number(), noted.hash()))).valid())
        .isFalse();
  }

  @Test
  void names_messages_that_are_gone_from_a_stream() throws Exception {
    for (int gone : new int[] {1, 50, 51, 52, 200, ORDERS}) {
      ledger.remove("ORDERS", "orders.created.o" + gone);
    }
    assertThat(ledger.verify().findings())
        .containsExactly(
            gone(1, "message 1 is"),
            gone(50, "messages 50 to 52 are"),
            gone(200, "message 200 is"),
            gone(ORDERS, "message 300 is"));
  }

  @Test
  void names_a_stream_that_was_replaced() throws Exception {
    ledger.replace("PAYMENTS");
    ledger.store("payments.processed.o2", "{}");
    ledger.awaitStored("PAYMENTS", 1);
    assertThat(ledger.verify().findings())
        .containsExactly(
            new Finding(
                ledger.name("PAYMENTS"),
                1,
                "the ledger's line, in block 1, is not what the stream holds"),
            new Finding(
                ledger.name("PAYMENTS"),
                2,
                "messages 2 to 150 are gone from the stream, the ledger has them"));
  }

  @Test
  void lists_the_first_findings_and_counts_them_all() throws Exception {
    ledger.replace("ORDERS");
    for (int n = 0; n < ORDERS; n++) {
      ledger.store("orders.created.other" + n, "{}");
    }
    ledger.awaitStored("ORDERS", ORDERS);
    Verdict verdict = ledger.verify();
    assertThat(verdict.findingsTotal()).isEqualTo(ORDERS);
    assertThat(verdict.findings()).hasSize(ORDERS);

    ledger.forge(
        blocks -> {
          List<Stored> nonsense = new ArrayList<>();
          nonsense.add(new Stored(blocks.getFirst().headers(), "nonsense\n".repeat(5_000)));
          return nonsense;
        });
    Verdict many = ledger.verify();
    assertThat(many.findingsTotal()).isGreaterThanOrEqualTo(5_000);
    assertThat(many.findings()).hasSize(LedgerVerifier.MAX_FINDINGS);
  }

  @Test
  void ends_when_it_is_told_to() {
    Vertx vertx = Vertx.vertx();
    LedgerVerifier verifier =
        new LedgerVerifier(vertx, ledger.streams().reader(), ledger.streams().subjects());
    assertThatThrownBy(
            () -> Streams.get(verifier.verify(Optional.empty(), progress -> {}, () -> true)))
        .isInstanceOf(CancellationException.class);
    Streams.get(vertx.close());
  }

  private Finding gone(long sequence, String messages) {
    return new Finding(
        ledger.name("ORDERS"), sequence, messages + " gone from the stream, the ledger has them");
  }
}
