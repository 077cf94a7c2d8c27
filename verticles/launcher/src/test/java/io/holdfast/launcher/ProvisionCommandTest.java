package io.holdfast.launcher;

import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: one command makes all that services need, may be repeated, and changes nothing that is
 * there. Method: the command as it is typed, on a real server.
 */
class ProvisionCommandTest {

  @TempDir Path folder;

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
  void what_services_leave_out_unless_they_are_told_otherwise_is_absent_and_not_wrong() {
    try (TestGroups groups = TestGroups.on(TestBroker.shared().url(), namespace)) {
      groups.with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString());
      groups.with("PAYMENT_GATEWAY_URL", "http://127.0.0.1:1"); // nobody pays here
      Groups.ALL.forEach(groups::start);

      Ran check = provision("--check");

      assertThat(check.status()).as(check.out() + check.err()).isZero();
      assertThat(check.out())
          .contains("absent   stream " + namespace + "_TIMERS with consumer payments-expire")
          .contains("(optional, made when RESERVATION_TTL is set)")
          .doesNotContain("WRONG");
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
          .doesNotContain("absent")
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
