package io.holdfast.system.security;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.audit.AuditGroup;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.events.Subjects;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.launcher.BrokerUsers;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.DeadLetterDesk;
import io.holdfast.runtime.jetstream.Rights;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import io.holdfast.testkit.Http;
import io.holdfast.testkit.Streams;
import io.holdfast.testkit.TestGroups;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: every service does all its work with the rights that production gives it, and can do
 * nothing else at the broker. Method: a real server that knows one user for each of them, orders of
 * every kind and what operators do, without one refusal; then, by each user, all that it must not
 * be able to do.
 */
class RightsTest {

  private static final String NAMESPACE = "shop";
  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** Makes the broker refuse to store what it would take otherwise. */
  private static final Headers NOWHERE = new Headers().put("Nats-Expected-Stream", "none");

  @TempDir Path folder;

  private final Subjects subjects = new Subjects(NAMESPACE);
  private final List<TestGroups> platforms = new ArrayList<>();
  private final Map<String, String> urls = new HashMap<>();
  private NatsServer server;

  @AfterEach
  void close() {
    platforms.reversed().forEach(TestGroups::close);
    if (server != null) {
      server.close();
    }
  }

  @Test
  void each_service_does_its_work_and_nothing_else() throws Exception {
    server = start(LimitedUsers.authorization(NAMESPACE));
    try (Streams provisioner = as(Rights.PROVISIONER)) {
      List<String> created = new ArrayList<>();
      assertThat(get(provisioner.events().provision(true, created::add)).problems()).isEmpty();
      assertThat(created).contains("stream shop_ORDERS", "stream shop_TIMERS");
    }
    startServices();
    try (Streams operator = as(Rights.OPERATOR)) {
      everyKindOfWork(operator);
      assertThat(refusals()).isEmpty();

      Map<String, Integer> before = stored(operator);
      for (Rights user : BrokerUsers.of(NAMESPACE)) {
        assertThatAllIsRefusedTo(user.user());
      }
      assertThat(stored(operator)).isEqualTo(before);
      anAnswerGoesWhereItsRequestSays(operator);
    }
  }

  /**
   * What these rights cannot hold off: the server looks at where a request goes and not at where
   * its answer shall go, and a stream stores an answer as it stores everything. Whoever has taken a
   * service over can have the server write what that service owns into another's stream. It is
   * stored here as what it is, no fact, so its consumer parks it. Should this fail, the server has
   * learnt to refuse it, and the README may say so.
   */
  private void anAnswerGoesWhereItsRequestSays(Streams operator) throws Exception {
    int before = operator.messages("PAYMENTS").size();
    String query = "{\"last_by_subj\":\"" + subjects.subject("orders.created.none") + "\"}";
    try (Attempt orders = new Attempt("orders")) {
      orders.connection.publish(
          "$JS.API.DIRECT.GET." + subjects.stream("ORDERS"),
          subjects.subject("payments.processed.none"),
          query.getBytes(StandardCharsets.UTF_8));
      eventually("it is stored", () -> operator.messages("PAYMENTS").size() == before + 1);
      assertThat(orders.refused).isEmpty();
    }
    eventually(
        "its consumer gives it up",
        () -> operator.messages("DEADLETTERS").stream(),
        letters -> letters.anyMatch(each -> each.subject().endsWith("payments.processed.none")));
  }

  @Test
  void what_a_user_may_do_beyond_its_rights_is_found_and_nothing_is_changed_by_that() {
    server =
        start("authorization: { user: orders, password: " + LimitedUsers.password("orders") + " }");
    Rights rights = Rights.ofService("orders", new OrdersGroup().streams(), subjects);
    try (Streams everything = as("orders")) {
      assertThat(get(everything.events().provision(true, created -> {})).problems()).isEmpty();
      Map<String, Integer> before = stored(everything);

      assertThat(get(everything.events().beyond(rights)))
          .contains("delete streams", "write to PAYMENTS", "delete consumers of ORDERS")
          .doesNotContain("write to ORDERS");

      assertThat(stored(everything)).isEqualTo(before);
      assertThat(get(everything.events().provision(false, created -> {})).problems()).isEmpty();
    }
    server.close();

    server = start(LimitedUsers.authorization(NAMESPACE));
    try (Streams limited = as("orders")) {
      get(limited.events().whenReady());
      assertThat(get(limited.events().beyond(rights))).isEmpty();
    }
  }

  @Test
  void the_file_that_production_uses_says_what_the_code_says() throws Exception {
    Path file = ProjectRoot.find().resolve("kube/nats/auth.conf");

    assertThat(Files.readString(file)).isEqualTo(BrokerUsers.file("", false));
  }

  private NatsServer start(String authorization) {
    return NatsServer.start(
        NatsServerBinary.require(ProjectRoot.toolsFolder()),
        NatsServerConfig.in(folder.resolve("nats-" + System.nanoTime()))
            .syncAlways(false)
            .extra(authorization)
            .build());
  }

  private Streams as(String user) {
    return new Streams(server.url(), NAMESPACE, Set.of(), user, LimitedUsers.variables(user));
  }

  private void startServices() {
    startService(new GatewayGroup());
    for (VerticleGroup group :
        List.of(
            new OrdersGroup(),
            new InventoryGroup(),
            new PaymentsGroup(),
            new NotificationsGroup(),
            new AuditGroup())) {
      startService(group);
    }
  }

  private void startService(VerticleGroup group) {
    TestGroups platform =
        TestGroups.on(server.url(), NAMESPACE)
            .with("LEDGER_FILE", folder.resolve("ledger.jsonl").toString())
            .with("PAYMENT_GATEWAY_URL", urls.getOrDefault("gateway", "http://127.0.0.1:1"))
            .with("AUDIT_INTERVAL_MS", "20")
            .with("ORDER_DEADLINE_SECONDS", "1")
            .with("RESERVATION_TTL", "6s")
            .with("RESERVATION_SWEEP_MS", "200");
    LimitedUsers.variables(group.name()).forEach(platform::with);
    platforms.add(platform);
    urls.put(group.name(), TestGroups.url(platform.start(group)));
  }

  private void everyKindOfWork(Streams operator) throws Exception {
    Http.Answer receipt =
        Http.post(
            urls.get("inventory") + "/stock/cup/receipts",
            new JsonObject().put("quantity", 100),
            "Idempotency-Key",
            "r1");
    assertThat(receipt.status()).as(receipt.body()).isEqualTo(201);

    String confirmed = place("cup", "pm_card_visa");
    String declined = place("cup", "pm_card_chargeDeclined");
    String missing = place("pot", "pm_card_visa");
    awaitStatus(confirmed, "confirmed");
    awaitStatus(declined, "cancelled");
    awaitStatus(missing, "cancelled");
    String cancelled = place("cup", "pm_card_visa");
    Http.post(urls.get("orders") + "/orders/" + cancelled + "/cancel", new JsonObject());
    eventually(
        "all customers are told",
        () -> operator.messages("NOTIFICATIONS").size(),
        told -> told == 4);
    assertThat(Http.get(urls.get("orders") + "/orders/" + confirmed + "/events").body())
        .contains("confirmed");
    assertThat(Http.get(urls.get("inventory") + "/stock").body()).contains("cup");
    assertThat(Http.get(urls.get("payments") + "/payments/" + confirmed).status()).isEqualTo(200);
    eventually(
        "the ledger has the order's whole story",
        () -> Http.get(urls.get("audit") + "/audit/orders/" + confirmed).body(),
        story -> story.contains("NotificationSent"));

    parkAndRedrive(operator);
    assertThat(Http.get(urls.get("audit") + "/audit/verify").body()).contains("\"valid\":true");
    assertThat(get(operator.events().inspect()).problems()).isEmpty();
  }

  /** What is no fact is given up by the service that meets it, and comes again from an operator. */
  private void parkAndRedrive(Streams operator) throws Exception {
    try (Attempt orders = new Attempt("orders")) {
      orders.connection.request(
          subjects.subject("orders.created.none"),
          "no fact".getBytes(StandardCharsets.UTF_8),
          ANSWER);
    }
    DeadLetterDesk desk = operator.events().deadLetterDesk();
    eventually("it is parked", () -> get(desk.page(1)).letters().size(), parked -> parked == 1);
    long letter = get(desk.page(1)).letters().getFirst().sequence();
    assertThat(get(desk.redrive(letter, "again", "somebody")))
        .isInstanceOf(DeadLetterDesk.Result.Done.class);
    eventually(
        "it is parked again", () -> get(desk.page(1)).letters().size(), parked -> parked == 2);
  }

  private String place(String sku, String card) {
    Http.Answer answer =
        Http.post(
            urls.get("orders") + "/orders",
            new JsonObject()
                .put("customer_id", "c1")
                .put("currency", "EUR")
                .put("payment_method", card)
                .put(
                    "items",
                    new JsonArray()
                        .add(
                            new JsonObject()
                                .put("sku", sku)
                                .put("quantity", 1)
                                .put("unit_price", 10))));
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.json().getString("order_id");
  }

  private void awaitStatus(String orderId, String status) {
    eventually(
        orderId + " is " + status,
        () -> Http.get(urls.get("orders") + "/orders/" + orderId).json().getString("status"),
        status::equals);
  }

  /** What the server has refused so far. */
  private List<String> refusals() throws Exception {
    try (Stream<String> log = Files.lines(server.logFile())) {
      return log.filter(line -> line.contains("Violation")).toList();
    }
  }

  /** How much each stream holds; nothing is under way any more. */
  private static Map<String, Integer> stored(Streams operator) {
    Map<String, Integer> stored = new HashMap<>();
    Stream.concat(StreamCatalog.STREAMS.stream(), StreamCatalog.OPTIONAL_STREAMS.stream())
        .map(StreamSpec::name)
        .filter(name -> !name.equals(StreamCatalog.LEDGER)) // it may lag a little
        .forEach(name -> stored.put(name, operator.messages(name).size()));
    return stored;
  }

  private void assertThatAllIsRefusedTo(String user) throws Exception {
    Set<String> foreign = new LinkedHashSet<>();
    Set<String> own = new LinkedHashSet<>();
    for (StreamSpec stream : StreamCatalog.STREAMS) {
      if (!stream.owner().isEmpty()) {
        stream
            .subjects()
            .forEach(
                subject -> (stream.owner().equals(user) ? own : foreign).add(example(subject)));
      }
    }
    for (String service : List.of("orders", "inventory", "payments", "notifications", "audit")) {
      (takesMessages(user) && service.equals(user) ? own : foreign)
          .add(subjects.subject("deadletters." + service + ".orders.created.x"));
    }
    boolean operates = user.equals(Rights.OPERATOR);
    (operates ? own : foreign).add(subjects.subject("deadletters.operator.resolved.1"));
    for (ConsumerSpec consumer : consumers()) {
      if (!consumer.stream().equals(StreamCatalog.REDRIVES)) {
        (operates ? own : foreign)
            .add(subjects.redrive(consumer.group(), consumer.name(), "orders.created.x"));
      }
    }
    foreign.add(subjects.subject("timers.due.inventory.reserved.x"));
    foreign.addAll(
        List.of("anything", "_INBOX_else.x.1", "orders.created.x", "$SYS.REQ.SERVER.PING"));
    foreign.addAll(streamActs(user));
    foreign.addAll(consumerActs(user));

    Set<String> heard = new TreeSet<>(List.of(">", "$JS.>", "$SYS.>", "_INBOX.>", "shop.>"));
    if (!user.equals(Rights.PROVISIONER)) {
      heard.add("_INBOX.*.*"); // where NACK is answered, which comes as the provisioner
    }
    for (String other : List.of("orders", "inventory", "payments", "operator", "provision")) {
      if (!other.equals(user)) {
        heard.add("_INBOX_" + other + ".>");
      }
      if (!other.equals(user) && !other.equals("operator") && !other.equals("provision")) {
        heard.add(subjects.subject(other + ".*.*"));
      }
    }
    try (Attempt attempt = new Attempt(user)) {
      own.forEach(attempt::publish);
      foreign.forEach(attempt::publish);
      heard.forEach(attempt.connection::subscribe);
      attempt.connection.flush(ANSWER);

      Set<String> expected = new TreeSet<>();
      foreign.forEach(subject -> expected.add("Publish to \"" + subject + "\""));
      heard.forEach(subject -> expected.add("Subscription to \"" + subject + "\""));
      eventually("all is answered", () -> attempt.refused.size() >= expected.size());
      assertThat(attempt.refused).as(user).isEqualTo(expected);
    }
  }

  private static boolean takesMessages(String user) {
    return consumers().stream().anyMatch(consumer -> consumer.group().equals(user));
  }

  private static List<ConsumerSpec> consumers() {
    return Stream.concat(
            StreamCatalog.CONSUMERS.stream(), StreamCatalog.OPTIONAL_CONSUMERS.stream())
        .flatMap(each -> Stream.of(each, each.redriven()))
        .toList();
  }

  /** What may be done to a stream, but for looking at it. */
  private List<String> streamActs(String user) {
    boolean provisions = user.equals(Rights.PROVISIONER);
    List<String> acts = new ArrayList<>();
    Stream.concat(
            Stream.concat(StreamCatalog.STREAMS.stream(), StreamCatalog.OPTIONAL_STREAMS.stream())
                .map(spec -> subjects.stream(spec.name())),
            Stream.of("ORDERS", "other"))
        .forEach(
            stream -> {
              for (String act :
                  List.of("DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE", "PEER.REMOVE")) {
                acts.add("$JS.API.STREAM." + act + "." + stream);
              }
              acts.add("$JS.API.STREAM.LEADER.STEPDOWN." + stream);
              if (!provisions || !stream.startsWith(NAMESPACE)) {
                acts.add("$JS.API.STREAM.CREATE." + stream);
                acts.add("$JS.API.STREAM.UPDATE." + stream);
              }
              if (provisions) {
                acts.add("$JS.API.DIRECT.GET." + stream);
                acts.add("$JS.API.STREAM.MSG.GET." + stream);
              }
              acts.add("$JS.API.CONSUMER.CREATE." + stream);
              acts.add("$JS.API.CONSUMER.CREATE." + stream + ".own");
            });
    acts.add("$JS.API.ACCOUNT.PURGE.$G");
    acts.add("$JS.API.META.LEADER.STEPDOWN");
    return acts;
  }

  private List<String> consumerActs(String user) {
    List<String> acts = new ArrayList<>();
    for (ConsumerSpec consumer : consumers()) {
      String name = subjects.stream(consumer.stream()) + "." + consumer.name();
      acts.add("$JS.API.CONSUMER.DELETE." + name);
      acts.add("$JS.API.CONSUMER.PAUSE." + name);
      if (!user.equals(Rights.PROVISIONER)) {
        acts.add("$JS.API.CONSUMER.CREATE." + name);
        acts.add("$JS.API.CONSUMER.DURABLE.CREATE." + name);
      }
      if (!consumer.group().equals(user)) {
        acts.add("$JS.API.CONSUMER.MSG.NEXT." + name);
        acts.add("$JS.ACK." + name + ".1.1.1.1.1");
        acts.add("$JS.ACK._.x." + name + ".1.1.1.1.1.x");
      }
    }
    return acts;
  }

  private String example(String filter) {
    return subjects.subject(filter.replaceFirst("\\*", "created").replaceFirst("\\*", "x"));
  }

  /** A connection of a user who tries things, and what the server says to it. */
  private final class Attempt implements ErrorListener, AutoCloseable {

    private static final String REFUSED = "permissions violation for ";

    final Set<String> refused = new ConcurrentSkipListSet<>();
    final Connection connection;

    Attempt(String user) throws Exception {
      this.connection =
          Nats.connect(
              new Options.Builder()
                  .server(server.url())
                  .userInfo(user.toCharArray(), LimitedUsers.password(user).toCharArray())
                  .inboxPrefix("_INBOX_" + user + ".")
                  .errorListener(this)
                  .build());
    }

    void publish(String subject) {
      connection.publish(NatsMessage.builder().subject(subject).headers(NOWHERE).build());
    }

    @Override
    public void errorOccurred(Connection source, String error) {
      int at = error.toLowerCase(java.util.Locale.ROOT).indexOf(REFUSED);
      refused.add(at < 0 ? error : error.substring(at + REFUSED.length()));
    }

    @Override
    public void close() {
      try {
        connection.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
