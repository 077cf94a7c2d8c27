package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Goal: a program that asks about an order gets JSON on standard output, or nothing. */
class WhyCommandTest {

  @Test
  void of_an_order_that_nobody_knows_standard_output_says_nothing() {
    String namespace = TestBroker.newNamespace();
    Set<String> all = new HashSet<>(StreamCatalog.AUDITED);
    all.addAll(Set.of(StreamCatalog.REDRIVES, StreamCatalog.LEDGER));
    Streams streams = new Streams(TestBroker.shared().url(), namespace, all);
    try {
      Ran ran =
          Ran.of(
              "why",
              "--nats",
              TestBroker.shared().url(),
              "--namespace",
              namespace,
              "--json",
              "ord_none");

      assertThat(ran.status()).as(ran.err()).isEqualTo(1);
      assertThat(ran.out()).isEmpty();
      assertThat(ran.err()).contains("Nothing is stored about an order ord_none");
    } finally {
      streams.close();
    }
  }
}
