package io.holdfast.launcher;

import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: one command makes all that services need, may be repeated, and changes nothing that is
 * there. Method: the command as it is typed, on a real server.
 */
class ProvisionCommandTest {

  private final String namespace = TestBroker.newNamespace();

  @Test
  void what_is_missing_is_created_once_and_found_from_then_on() {
    Ran missing = provision("--check");
    assertThat(missing.status()).isEqualTo(1);
    assertThat(missing.out()).contains("stream " + namespace + "_ORDERS is not there");

    Ran first = provision();
    assertThat(first.status()).as(first.out() + first.err()).isZero();
    assertThat(first.out())
        .contains(
            "created  stream " + namespace + "_AUDIT",
            "created  consumer orders-settle of stream " + namespace + "_PAYMENTS",
            "created  consumer payments-expire-redriven of stream " + namespace + "_REDRIVES");

    for (Ran again : new Ran[] {provision(), provision("--check")}) {
      assertThat(again.status()).as(again.out() + again.err()).isZero();
      assertThat(again.out()).doesNotContain("created").contains("is there and as it must be");
    }
  }

  @Test
  void what_is_not_as_it_must_be_is_told_and_left_as_it_is() {
    provision();
    try (Streams streams = new Streams(TestBroker.shared().url(), namespace, Set.of())) {
      streams.forgetConsumer("ORDERS", "inventory-reserve");

      Ran check = provision("--check");

      assertThat(check.status()).isEqualTo(1);
      assertThat(check.out())
          .contains("WRONG", "consumer inventory-reserve of stream " + namespace + "_ORDERS")
          .contains("Not as it must be");
      assertThat(get(streams.events().inspect()).problems()).hasSize(1);
    }
  }

  @Test
  void the_rights_are_printed_without_a_broker() {
    Ran ran = Ran.of("provision", "--print-rights", "--nkeys", "--namespace", "cell-7");

    assertThat(ran.status()).isZero();
    assertThat(ran.out())
        .contains("nkey: $NATS_NKEY_ORDERS", "nkey: $NATS_NKEY_PROVISION")
        .contains("\"cell-7.orders.*.*\"", "\"$JS.API.STREAM.CREATE.cell-7_ORDERS\"")
        .contains("./holdfast provision --print-rights --nkeys --namespace cell-7")
        .doesNotContain("password", "DELETE", "PURGE");
    StreamCatalog.STREAMS.forEach(
        stream -> assertThat(ran.out()).contains("STREAM.INFO.cell-7_" + stream.name() + '"'));
  }

  @ParameterizedTest
  @ValueSource(strings = {"provision --nkeys", "provision --wait -1", "provision ORDERS"})
  void bad_usage_is_told(String line) {
    Ran ran = Ran.of(line.split(" "));

    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err()).isNotBlank();
  }

  @ParameterizedTest
  @ValueSource(strings = {"deadletters", "orders", "Black.Friday"})
  void a_namespace_that_cannot_be_one_is_refused_before_a_broker_is_asked(String bad) {
    for (String command :
        new String[] {"provision --print-rights", "provision --check", "dlq ls"}) {
      Ran ran = Ran.of((command + " --nats nats://127.0.0.1:1 --namespace " + bad).split(" "));

      assertThat(ran.status()).as(command).isEqualTo(2);
      assertThat(ran.err()).startsWith("--namespace " + bad + ": must be");
      assertThat(ran.out()).isEmpty();
    }
  }

  @Test
  void without_a_broker_it_gives_up_in_time() {
    Ran ran =
        Ran.of("provision", "--nats", "nats://127.0.0.1:1", "--namespace", "x", "--wait", "1");

    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err()).contains("cannot connect");
  }

  private Ran provision(String... options) {
    String[] args = {"provision", "--nats", TestBroker.shared().url(), "--namespace", namespace};
    String[] all = java.util.Arrays.copyOf(args, args.length + options.length);
    System.arraycopy(options, 0, all, args.length, options.length);
    return Ran.of(all);
  }
}
