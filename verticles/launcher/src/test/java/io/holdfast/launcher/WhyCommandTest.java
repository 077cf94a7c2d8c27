package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Envelope;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: a program that asks about an order gets JSON on standard output, or nothing; a person reads
 * amounts as they are written everywhere else.
 */
class WhyCommandTest {

  private final String namespace = TestBroker.newNamespace();
  private Streams streams;

  @BeforeEach
  void start() {
    Set<String> all = new HashSet<>(StreamCatalog.AUDITED);
    all.addAll(Set.of(StreamCatalog.REDRIVES, StreamCatalog.LEDGER));
    streams = new Streams(TestBroker.shared().url(), namespace, all);
  }

  @AfterEach
  void stop() {
    streams.close();
  }

  @Test
  void of_an_order_that_nobody_knows_standard_output_says_nothing() {
    Ran ran = why("--json", "ord_none");

    assertThat(ran.status()).as(ran.err()).isEqualTo(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).contains("Nothing is stored about an order ord_none");
  }

  @ParameterizedTest
  @CsvSource({"25, EUR, 25.00 EUR", "12.5, KWD, 12.500 KWD", "30000000, JPY, 30000000 JPY"})
  void an_amount_has_the_decimals_of_its_currency(BigDecimal amount, String currency, String told) {
    OrderCreated fact = new OrderCreated("ord_1", "c-1", amount, currency, List.of(), null);
    Streams.get(streams.events().append(Envelope.once(fact, Instant.now(), "a".repeat(32)), 0));

    Ran ran = why("ord_1");

    assertThat(ran.status()).as(ran.err()).isZero();
    assertThat(ran.out()).contains("OrderCreated", " " + told);
  }

  private Ran why(String... more) {
    return Ran.of(
        Stream.concat(
                Stream.of(
                    "why",
                    "--nats",
                    TestBroker.shared().url(),
                    "--namespace",
                    namespace,
                    "--gateway",
                    "none"),
                Stream.of(more))
            .toArray(String[]::new));
  }
}
