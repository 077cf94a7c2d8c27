package io.holdfast.audit.domain;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The chain by itself; a plain message stands for a block as it is stored. */
class ChainCheckTest {

  private static final List<String> STREAMS = List.of("ORDERS", "PAYMENTS");
  private static final Instant TIME = Instant.parse("2026-11-27T08:00:00Z");

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Stored(Map<String, String> headers, byte[] body) {}

  /** Four blocks: orders 1-3, payments 1-2, orders 4-6, orders 7-8 with payments 3. */
  private final List<Stored> chain = new ArrayList<>();

  {
    BlockHeader last = BlockHeader.genesis(STREAMS);
    last = seal(last, "ORDERS", 1, 3, "", 0, 0);
    last = seal(last, "PAYMENTS", 1, 2, "", 0, 0);
    last = seal(last, "ORDERS", 4, 6, "", 0, 0);
    seal(last, "ORDERS", 7, 8, "PAYMENTS", 3, 3);
  }

  @Test
  void finds_nothing_in_a_sound_chain_and_gives_out_every_line() {
    ChainCheck check = new ChainCheck("AUDIT", STREAMS);
    List<String> lines = new ArrayList<>();
    long at = 0;
    for (Stored block : chain) {
      var checked = check.next(++at, header(block.headers), block.body);
      assertThat(checked.findings()).isEmpty();
      checked.lines().forEach(line -> lines.add(line.stream() + line.first()));
    }
    assertThat(lines)
        .containsExactly(
            "ORDERS1",
            "ORDERS2",
            "ORDERS3",
            "PAYMENTS1",
            "PAYMENTS2",
            "ORDERS4",
            "ORDERS5",
            "ORDERS6",
            "ORDERS7",
            "ORDERS8",
            "PAYMENTS3");
    assertThat(check.position("ORDERS")).isEqualTo(8);
    assertThat(check.position("PAYMENTS")).isEqualTo(3);
    assertThat(check.blocks()).isEqualTo(4);
  }

  @Test
  void names_a_block_whose_line_was_altered() {
    Stored altered = chain.get(2);
    String body = new String(altered.body, UTF_8).replace("\"n\":5", "\"n\":6");
    chain.set(2, new Stored(altered.headers, body.getBytes(UTF_8)));
    assertThat(findings())
        .containsExactly(new Finding("AUDIT", 3, "block 3 has lines that do not give its root"));
  }

  @Test
  void names_a_block_whose_line_was_taken_out() {
    Stored altered = chain.get(2);
    String body = new String(altered.body, UTF_8).replaceFirst("(?m)^.*\"n\":5.*\n", "");
    chain.set(2, new Stored(altered.headers, body.getBytes(UTF_8)));
    assertThat(findings())
        .contains(
            new Finding("ORDERS", 5, "message 5 is not in the ledger"),
            new Finding("AUDIT", 3, "block 3 has 2 lines, and says 3"),
            new Finding("AUDIT", 3, "block 3 has lines that do not give its root"));
  }

  @Test
  void names_what_a_dropped_block_held() {
    chain.remove(1);
    assertThat(findings())
        .containsExactlyInAnyOrder(
            new Finding("AUDIT", 2, "block 3 follows block 1"),
            new Finding("AUDIT", 2, "block 3 names another previous block than the one before it"),
            new Finding("PAYMENTS", 1, "messages 1 to 2 are not in the ledger"));
  }

  @Test
  void names_blocks_that_were_swapped() {
    chain.set(1, chain.set(2, chain.get(1)));
    assertThat(findings())
        .contains(
            new Finding("AUDIT", 2, "block 3 follows block 1"),
            new Finding("AUDIT", 3, "block 2 follows block 3"),
            new Finding("AUDIT", 4, "block 4 follows block 2"),
            new Finding("PAYMENTS", 1, "messages 1 to 2 are in the ledger twice or out of order"));
  }

  @Test
  void names_a_block_that_stands_twice() {
    chain.add(3, chain.get(2));
    assertThat(findings())
        .contains(
            new Finding("AUDIT", 4, "block 3 follows block 3"),
            new Finding("ORDERS", 4, "messages 4 to 6 are in the ledger twice or out of order"));
  }

  @Test
  void names_a_foreign_message_and_goes_on_behind_it() {
    chain.add(2, new Stored(Map.of("Audit-Block", "3"), "hello\n".getBytes(UTF_8)));
    assertThat(findings())
        .containsExactly(new Finding("AUDIT", 3, "not a block: header Audit-Previous is missing"));
  }

  @Test
  void names_a_header_that_was_changed() {
    Stored altered = chain.get(1);
    Map<String, String> headers = new java.util.LinkedHashMap<>(altered.headers);
    headers.put("Audit-Cursor", "ORDERS:4,PAYMENTS:2");
    chain.set(1, new Stored(headers, altered.body));
    assertThat(findings())
        .contains(
            new Finding("AUDIT", 2, "block 2 has headers that do not give its hash"),
            new Finding("ORDERS", 4, "message 4 is not in the ledger"));
  }

  @Test
  void names_a_line_that_is_none() {
    Stored altered = chain.get(3);
    String body = new String(altered.body, UTF_8) + "{\"stream\":\"OTHER\",\"seq\":1}\n";
    chain.set(3, new Stored(altered.headers, body.getBytes(UTF_8)));
    assertThat(findings())
        .contains(new Finding("AUDIT", 4, "block 4, line 4 is not in the ledger's form"));
  }

  @Test
  void names_a_message_that_is_gone_from_the_ledger() {
    ChainCheck check = new ChainCheck("AUDIT", STREAMS);
    check.next(1, header(chain.get(0).headers), chain.get(0).body);
    assertThat(check.next(3, header(chain.get(1).headers), chain.get(1).body).findings())
        .containsExactly(new Finding("AUDIT", 2, "message 2 is gone from the ledger"));
  }

  @Test
  void is_only_built_without_gaps() {
    BlockBuilder builder = new BlockBuilder(BlockHeader.genesis(STREAMS), STREAMS);
    assertThatThrownBy(() -> builder.add("ORDERS", 2, "orders.created.o", TIME, new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.add("OTHER", 1, "other", TIME, new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(builder::seal).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void holds_as_many_lines_as_fit_and_no_more() {
    BlockBuilder builder = new BlockBuilder(BlockHeader.genesis(STREAMS), STREAMS);
    byte[] body = ("\"" + "x".repeat(10_000) + "\"").getBytes(UTF_8);
    long sequence = 1;
    while (builder.add("ORDERS", sequence, "orders.created.o", TIME, body)) {
      sequence++;
    }
    Block block = builder.seal();
    int line = LedgerLine.of("ORDERS", 1, "orders.created.o", TIME, body).length;
    assertThat(block.body().length)
        .isLessThanOrEqualTo(Block.MAX_BYTES)
        .isGreaterThan(Block.MAX_BYTES - line - 10);
    assertThat(block.header().count()).isEqualTo((int) sequence - 1);
    assertThat(block.header().ranges()).containsExactly(new Range("ORDERS", 1, sequence - 1));
    ChainCheck check = new ChainCheck("AUDIT", STREAMS);
    assertThat(check.next(1, header(block.header().toHeaders()), block.body()).findings())
        .isEmpty();
  }

  private List<Finding> findings() {
    ChainCheck check = new ChainCheck("AUDIT", STREAMS);
    List<Finding> findings = new ArrayList<>();
    long at = 0;
    for (Stored block : chain) {
      findings.addAll(check.next(++at, header(block.headers), block.body).findings());
    }
    return findings;
  }

  private BlockHeader seal(
      BlockHeader previous, String a, long a1, long a2, String b, long b1, long b2) {
    BlockBuilder builder = new BlockBuilder(previous, STREAMS);
    add(builder, a, a1, a2);
    if (!b.isEmpty()) {
      add(builder, b, b1, b2);
    }
    Block block = builder.seal();
    chain.add(new Stored(block.header().toHeaders(), block.body()));
    return block.header();
  }

  private static void add(BlockBuilder builder, String stream, long first, long last) {
    for (long n = first; n <= last; n++) {
      byte[] body = ("{\"n\":" + n + "}").getBytes(UTF_8);
      assertThat(builder.add(stream, n, "subject." + n, TIME, body)).isTrue();
    }
  }

  private static java.util.function.Function<String, Optional<String>> header(
      Map<String, String> headers) {
    return name -> Optional.ofNullable(headers.get(name));
  }
}
