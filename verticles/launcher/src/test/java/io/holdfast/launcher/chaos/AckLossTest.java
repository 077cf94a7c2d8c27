package io.holdfast.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import org.junit.jupiter.api.Test;

class AckLossTest {

  private static final String CONNECT = "CONNECT {\"verbose\":false}\r\nPING\r\n";
  private static final String ACK = "PUB $JS.ACK.ORDERS.c.1.5.5.1.0 4\r\n+ACK\r\n";
  private static final String FACT =
      "HPUB orders.created.a inbox.1 12 17\r\nNATS/1.0\r\n\r\nhello\r\n";

  @Test
  void everything_but_acknowledgements_passes_unchanged_wherever_it_is_cut() {
    String all = CONNECT + ACK + FACT + ACK + "PONG\r\n";

    for (int cut = 1; cut < all.length(); cut++) {
      AckLoss loss = new AckLoss(() -> true);
      String passed =
          loss.pass(Buffer.buffer(all.substring(0, cut))).toString()
              + loss.pass(Buffer.buffer(all.substring(cut)));

      assertThat(passed).as("cut at %d", cut).isEqualTo(CONNECT + FACT + "PONG\r\n");
    }
  }

  @Test
  void a_payload_that_looks_like_an_acknowledgement_is_none() {
    String inner = "PUB $JS.ACK.x 0\r\n\r\n";
    String fact = "PUB orders.created.a %d\r\n%s\r\n".formatted(inner.length(), inner);

    assertThat(new AckLoss(() -> true).pass(Buffer.buffer(fact)).toString()).isEqualTo(fact);
  }

  @Test
  void none_is_lost_unless_it_is_asked_for() {
    assertThat(new AckLoss(() -> false).pass(Buffer.buffer(ACK)).toString()).isEqualTo(ACK);
  }
}
