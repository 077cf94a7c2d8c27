package io.holdfast.launcher;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.EventType;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestBroker;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: an operator gets a parked order to its end, or out of the way for good, by the command line
 * alone, and every view says what was done. Method: every service in this JVM, a receiver of
 * notifications that refuses them until it is mended, and the commands as they are typed.
 */
class DlqCommandTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dlq",
        "dlq list",
        "dlq show",
        "dlq show seven",
        "dlq show 0",
        "dlq ls --limit 0",
        "dlq ls --since yesterday",
        "dlq ls --since 0m",
        "dlq redrive",
        "dlq redrive -1",
        "dlq redrive 1 --all",
        "dlq redrive 1 --order ord_1",
        "dlq redrive 1 --reason rejected",
        "dlq redrive --all --rate 0",
        "dlq redrive --all --rate 50/m",
        "dlq discard 1",
        "dlq discard --all",
        "dlq discard --reason no",
        "dlq discard 1 --reason no --given-up-for rejected",
      })
  void bad_usage_is_told_and_changes_nothing(String line) {
    Ran ran = Ran.of(line.split(" "));

    assertThat(ran.status()).as(ran.err()).isEqualTo(2);
    assertThat(ran.err()).isNotBlank();
  }

  @Nested
  class OnARunningSystem {

    @TempDir Path folder;

    private final Map<String, String> urls = new HashMap<>();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private volatile boolean refusing;
    private HttpServer receiver;
    private TestGroups groups;
    private Streams streams;

    @BeforeEach
    void start() throws IOException {
      receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      receiver.createContext("/hook", this::receive);
      receiver.start();
      groups =
          TestGroups.inNewNamespace()
              .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
              .with("AUDIT_INTERVAL_MS", "20")
              .with("NOTIFICATION_CHANNEL", "webhook")
              .with("WEBHOOK_URL", "http://127.0.0.1:" + receiver.getAddress().getPort() + "/hook")
              .with("WEBHOOK_SECRET", "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
      for (VerticleGroup group : Groups.ALL) { // the gateway is the first
        RunningGroup running = groups.start(group);
        urls.put(group.name(), TestGroups.url(running));
        groups.with("PAYMENT_GATEWAY_URL", urls.get("gateway"));
      }
      streams = new Streams(TestBroker.shared().url(), groups.namespace(), StreamCatalog.AUDITED);
    }

    @AfterEach
    void stop() {
      streams.close();
      groups.close();
      receiver.stop(0);
    }

    private void receive(HttpExchange exchange) throws IOException {
      try (exchange) {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        if (!refusing) {
          told.add(new JsonObject(body).getString("order_id"));
        }
        exchange.sendResponseHeaders(refusing ? 410 : 204, -1);
      }
    }

    @Test
    void a_parked_order_is_redriven_to_its_end_and_every_view_says_so() {
      refusing = true;
      String order = place();
      long letter = parked(order);

      assertThat(reconcile().getJsonArray("parked")).containsExactly(order);
      assertThat(holders(order)).containsExactly("notifications-send parked");
      Ran listed = dlq("ls", "--order", order, "--json");
      assertThat(listed.status()).isZero();
      assertThat(listed.jsonLines())
          .singleElement()
          .satisfies(
              json -> {
                assertThat(json.getLong("dead_letter")).isEqualTo(letter);
                assertThat(json.getString("service")).isEqualTo("notifications");
                assertThat(json.getString("consumer")).isEqualTo("notifications-send");
                assertThat(json.getString("reason")).isEqualTo("rejected");
                assertThat(json.getString("aggregate_id")).isEqualTo(order);
              });
      assertThat(dlq("show", Long.toString(letter)).out())
          .contains("notifications-send", "waits for an operator", "ORDERS #", "OrderConfirmed")
          .contains("\"amount\" : 12.50");

      refusing = false;
      Ran redriven = dlq("redrive", Long.toString(letter), "--by", "erika");

      assertThat(redriven.status()).as(redriven.err()).isZero();
      assertThat(redriven.out().strip()).isEqualTo("1 redriven");
      eventually("the customer is told", () -> told.contains(order));
      JsonObject report = reconcile();
      assertThat(report.getBoolean("valid")).as(report.encodePrettily()).isTrue();
      assertThat(report.getJsonArray("parked")).isEmpty();
      assertThat(report.getJsonArray("discarded")).isEmpty();
      assertThat(told).containsExactly(order);
      assertThat(holders(order)).isEmpty();
      assertThat(why(order).getJsonArray("dead_letters").getJsonObject(0).getString("resolution"))
          .isEqualTo("redriven");
      assertThat(Ran.of(with("why", order)).out())
          .contains("parked", "notifications-send gave up", "redriven", "by erika");

      Ran again = dlq("redrive", Long.toString(letter));
      assertThat(again.status()).isZero();
      assertThat(again.out()).contains("was redriven before", "1 redriven");
      assertThat(dlq("ls").out().strip()).isEqualTo("There is none");
      assertThat(dlq("ls", "--all").out()).contains("redriven", "by erika", "1 dead letter");
      streams.awaitSettled("REDRIVES", "notifications-send-redriven");
      assertThat(told).containsExactly(order);
      assertThat(dlq("discard", Long.toString(letter), "--reason", "too late").status())
          .isEqualTo(1);
    }

    @Test
    void what_fails_again_waits_again_and_what_is_discarded_stays_listed_apart() {
      refusing = true;
      String order = place();
      long first = parked(order);

      assertThat(dlq("redrive", Long.toString(first)).status()).isZero();
      long second = eventually("it is parked again", () -> newest(order), newest -> newest > first);
      assertThat(holders(order)).containsExactly("notifications-send parked");
      assertThat(dlq("show", Long.toString(second)).out())
          .contains("it was dead letter " + first + ", and redriven");

      Ran discarded =
          dlq("discard", Long.toString(second), "--reason", "the customer has paid in cash");
      assertThat(discarded.out().strip()).isEqualTo("1 discarded");
      assertThat(holders(order)).containsExactly("notifications-send discarded");
      assertThat(Ran.of(with("why", order)).out())
          .contains("discarded", "the customer has paid in cash");
      JsonObject report = reconcile();
      assertThat(report.getBoolean("valid")).as(report.encodePrettily()).isTrue();
      assertThat(report.getJsonArray("parked")).isEmpty();
      assertThat(report.getJsonArray("discarded")).containsExactly(order);

      Ran refused = dlq("redrive", Long.toString(second), "4711", Long.toString(second + 1));
      assertThat(refused.status()).isEqualTo(1);
      assertThat(refused.err().lines())
          .satisfiesExactly(
              line ->
                  assertThat(line)
                      .startsWith(second + " was discarded already")
                      .endsWith("the customer has paid in cash"),
              line -> assertThat(line).isEqualTo("There is no dead letter 4711"),
              line -> assertThat(line).contains((second + 1) + " is not a dead letter"));
      assertThat(refused.out().strip()).isEqualTo("0 redriven, 3 not");
      assertThat(dlq("show", "4711").status()).isEqualTo(1);
    }

    @Test
    void many_are_redriven_by_filter_and_no_faster_than_asked() {
      List<String> orders = new ArrayList<>();
      refusing = true;
      IntStream.range(0, 12).forEach(i -> orders.add(place()));
      orders.forEach(this::parked);
      long last =
          Streams.get(streams.reader().state(streams.subjects().stream("ORDERS"))).lastSequence();
      assertThat(
              Streams.get(
                  streams
                      .reader()
                      .appendNext(
                          streams.subjects().subject("orders.created.garbage"),
                          Map.of(),
                          new byte[] {1, 2, 3},
                          last)))
          .isPresent();
      parked("garbage");
      refusing = false;
      assertThat(dlq("ls", "--json", "--limit", "5").jsonLines()).hasSize(5);
      assertThat(dlq("ls", "--limit", "5").out()).contains("There are more");
      assertThat(dlq("ls", "--json", "--service", "inventory").jsonLines())
          .singleElement()
          .satisfies(json -> assertThat(json.getString("reason")).isEqualTo("undecodable"));
      assertThat(dlq("ls", "--json", "--since", "1s", "--reason", "nonsense").jsonLines())
          .isEmpty();

      long begun = System.nanoTime();
      Ran redriven = dlq("redrive", "--all", "--consumer", "notifications-send", "--rate", "10/s");
      Duration took = Duration.ofNanos(System.nanoTime() - begun);

      assertThat(redriven.out().strip()).isEqualTo("12 redriven");
      assertThat(took).isGreaterThan(Duration.ofMillis(1_100));
      eventually("all are told", () -> told.size() == 12);
      assertThat(told).containsExactlyInAnyOrderElementsOf(orders);
      assertThat(dlq("ls", "--json").jsonLines())
          .singleElement()
          .satisfies(json -> assertThat(json.getString("aggregate_id")).isEqualTo("garbage"));
      Ran rest =
          dlq(
              "discard",
              "--all",
              "--given-up-for",
              "undecodable",
              "--reason",
              "no order",
              "--json");
      assertThat(rest.jsonLines())
          .singleElement()
          .satisfies(json -> assertThat(json.getString("resolution")).isEqualTo("discarded"));
      assertThat(dlq("redrive", "--all").out().strip()).isEqualTo("There is none");
      assertThat(
              streams.facts("DEADLETTERS").stream()
                  .filter(fact -> fact.type() == EventType.DEAD_LETTER_RESOLVED)
                  .map(fact -> ((DeadLetterResolved) fact.event()).deadLetter()))
          .hasSize(13)
          .doesNotHaveDuplicates();
      JsonObject report = reconcile();
      assertThat(report.getBoolean("valid")).as(report.encodePrettily()).isTrue();
    }

    @Test
    void a_redriven_message_that_nobody_takes_is_named_by_reconcile() {
      Streams.get(
          streams
              .reader()
              .appendNext(
                  streams.subjects().subject("redrives.nobody.nobody-does.orders.created.o1"),
                  Map.of(),
                  new byte[] {1},
                  0));

      assertThat(reconcile().getJsonArray("violations").encode())
          .contains("I7", "REDRIVES", "1 redriven messages wait for no consumer");
    }

    private String place() {
      Http.Answer answer =
          Http.post(
              urls.get("orders") + "/orders",
              new JsonObject().put("customer_id", "c-1").put("amount", 12.5));
      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      return answer.json().getString("order_id");
    }

    private long newest(String order) {
      return dlq("ls", "--all", "--order", order, "--json").jsonLines().stream()
          .mapToLong(json -> json.getLong("dead_letter"))
          .max()
          .orElse(0);
    }

    private long parked(String order) {
      return eventually(order + " is parked", () -> newest(order), newest -> newest > 0);
    }

    private String[] with(String... args) {
      List<String> all = new ArrayList<>(List.of(args));
      all.addAll(
          List.of(
              "--data",
              folder.toString(),
              "--nats",
              TestBroker.shared().url(),
              "--namespace",
              groups.namespace()));
      return all.toArray(String[]::new);
    }

    private Ran dlq(String... args) {
      List<String> all = new ArrayList<>(List.of("dlq"));
      all.addAll(List.of(args));
      return Ran.of(with(all.toArray(String[]::new)));
    }

    private JsonObject why(String order) {
      return new JsonObject(Ran.of(with("why", order, "--json")).out());
    }

    private List<String> holders(String order) {
      JsonArray waiting = why(order).getJsonArray("waiting");
      return waiting.stream()
          .map(wait -> (JsonObject) wait)
          .map(wait -> wait.getString("consumer") + " " + wait.getString("holder"))
          .toList();
    }

    private JsonObject reconcile() {
      Path report = folder.resolve("report.json");
      Ran.of(
          with(
              "reconcile",
              "--gateway",
              urls.get("gateway"),
              "--wait",
              "3",
              "--json",
              report.toString()));
      try {
        return new JsonObject(Files.readString(report));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
