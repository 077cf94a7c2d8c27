package io.holdfast.launcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whoever types something wrong reads in words what, and a script can tell it by the status.
 */
class LauncherMainTest {

  @TempDir Path folder;

  @Test
  void a_setting_that_cannot_be_used_is_bad_usage() {
    assertUsage(Ran.of("doctor", "--nats", "foo bar"), "NATS_URL=foo bar: must be nats://");
    assertUsage(
        Ran.of("doctor", "--nats", "nats://127.0.0.1:1", "--namespace", "X Y"), "--namespace X Y");
  }

  @ParameterizedTest
  @ValueSource(strings = {"nonsense", "ftp://host", "http:", "a b"})
  void a_gateway_that_cannot_be_one_is_bad_usage(String gateway) {
    Ran ran = Ran.of("reconcile", "--nats", "nats://127.0.0.1:1", "--gateway", gateway);

    assertUsage(ran, "--gateway " + gateway + ": must be like http://host:port, or none");
  }

  @Test
  void that_something_runs_or_nothing_does_is_told_as_an_error() throws Exception {
    for (String command : List.of("order", "load")) {
      Ran nothing = Ran.of(command, "--data", folder.toString());
      assertThat(nothing.status()).isEqualTo(1);
      assertThat(nothing.out()).isEmpty();
      assertThat(nothing.err()).contains("Nothing is running over " + folder);
    }

    Map<String, Long> pids = Map.of("orders", ProcessHandle.current().pid());
    new RunningSystem("nats://127.0.0.1:1", "", Map.of(), pids).write(folder);
    Ran something = Ran.of("up", "--data", folder.toString());
    assertThat(something.status()).isEqualTo(1);
    assertThat(something.out()).isEmpty();
    assertThat(something.err()).contains("Something is running over " + folder);
  }

  @Test
  void an_order_that_is_refused_is_told_as_an_error() throws Exception {
    HttpServer orders =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    orders.createContext(
        "/",
        exchange -> {
          byte[] body = "{\"title\":\"Full\",\"detail\":\"Come back\"}".getBytes(UTF_8);
          exchange.sendResponseHeaders(503, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    orders.start();
    try {
      Ran ran = Ran.of("order", "--url", "http://127.0.0.1:" + orders.getAddress().getPort());

      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.out()).isEmpty();
      assertThat(ran.err()).contains("Not accepted: 503 Full: Come back");
    } finally {
      orders.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource({"chaos,'--faults=KIND,...'", "bench,'--only=WHO,...'", "bench,'--modes=MODE,...'"})
  void a_list_stands_in_the_help_as_it_is_typed(String command, String option) {
    assertThat(Ran.of(command, "--help").out()).contains(option).doesNotContain(",...[", "....");
  }

  @Test
  void an_amount_that_is_no_number_is_refused_in_words_of_ours() {
    Ran ran = Ran.of("order", "--amount", "abc");

    assertUsage(ran, "--amount");
    assertThat(ran.err()).contains("must be a decimal number").doesNotContain("Exception");
  }

  @Test
  void a_data_folder_that_cannot_be_one_is_told_in_more_than_its_name() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));

    Ran ran = Ran.of("up", "--data", file.toString());

    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err()).contains(file + " is there, and no folder");
  }

  private static void assertUsage(Ran ran, String told) {
    assertThat(ran.status()).as(ran.err()).isEqualTo(2);
    assertThat(ran.err()).contains(told);
  }
}
