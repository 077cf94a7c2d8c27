package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.FreePorts;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Subjects;
import io.holdfast.testkit.Http;
import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import io.nats.client.PublishOptions;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.PublishAck;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a service that was away comes back to however many messages, and takes no more memory for
 * them than for a few. Method: orders are stored while nobody is there; each packaged JAR, with a
 * heap of 64 MiB, works off a few, and then a backlog, to its end.
 *
 * <p>{@code -Dholdfast.backlog=1000000} stores so many, {@code -Dholdfast.backlog.groups=
 * inventory,payments,orders,notifications,audit} has one service after the other find them. Writes
 * are not synced here: it is memory that is looked at.
 */
class BacklogIT {

  private static final int BACKLOG = Integer.getInteger("holdfast.backlog", 20_000);
  private static final List<String> GROUPS =
      List.of(System.getProperty("holdfast.backlog.groups", "inventory,audit").split(",", -1));
  private static final int A_FEW = 500;
  private static final int HEAP = 64;

  /** A heap that is used to its end is larger than one that need not be; that is all there is. */
  private static final int MORE_MEMORY = 64;

  private static final Duration LIMIT = Duration.ofSeconds(60).plusMillis(2L * BACKLOG);
  private static final int WINDOW = 1_000;
  private static final Map<String, String> STREAMS =
      Map.of(
          "inventory", "ORDERS:inventory-reserve",
          "payments", "INVENTORY:payments-charge",
          "orders", "PAYMENTS:orders-settle",
          "notifications", "ORDERS:notifications-send");

  @TempDir Path folder;

  private final EventCodec codec = new EventCodec();
  private final Subjects subjects = new Subjects("backlog");
  private final Map<String, String> env = new HashMap<>();
  private NatsServer broker;
  private Connection connection;
  private JarProcess gateway;
  private int stored;

  @BeforeEach
  void start() throws Exception {
    broker =
        NatsServer.start(
            NatsServerBinary.require(ProjectRoot.toolsFolder()),
            NatsServerConfig.in(folder.resolve("nats")).syncAlways(false).build());
    connection = Nats.connect(broker.url());
    int gatewayPort = FreePorts.one();
    env.put("NATS_URL", broker.url());
    env.put("NAMESPACE", subjects.namespace());
    env.put("HOST", "127.0.0.1");
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    env.put("LOG_LEVEL", "warn");
    env.put("STREAM_MAX_BYTES", Long.toString(3L << 30));
    env.put("LEDGER_FILE", folder.resolve("ledger.jsonl").toString());
    env.put("PAYMENT_GATEWAY_URL", "http://127.0.0.1:" + gatewayPort);
    if (GROUPS.contains("payments")) {
      gateway = JarProcess.group("gateway", gatewayPort, env, folder.resolve("logs"), "-Xmx512m");
      gateway.awaitReady();
    }
  }

  @AfterEach
  void stop() throws Exception {
    if (gateway != null) {
      gateway.close();
    }
    connection.close();
    broker.close();
  }

  @Test
  void a_backlog_takes_no_more_memory_than_a_few_messages() throws Exception {
    Map<String, Long> withAFew = new HashMap<>();
    try (JarProcess inventory = launch("inventory")) { // makes the streams
      inventory.awaitReady();
      Http.Answer received =
          Http.post(
              inventory.url() + "/stock/cup/receipts",
              new JsonObject().put("quantity", BACKLOG + A_FEW),
              "Idempotency-Key",
              "all");
      assertThat(received.status()).as(received.body()).isEqualTo(201);
    }
    store(A_FEW);
    for (String group : GROUPS) {
      withAFew.put(group, workedOff(group));
    }
    store(BACKLOG);
    for (String group : GROUPS) {
      assertThat(workedOff(group))
          .as("MiB that " + group + " had at most, with " + BACKLOG + " messages that waited")
          .isLessThan(withAFew.get(group) + MORE_MEMORY);
    }
  }

  private JarProcess launch(String group) {
    return JarProcess.group(
        group, FreePorts.one(), env, folder.resolve("logs"), "-Xmx" + HEAP + "m");
  }

  /** Starts the service, waits until nothing is left for it, and ends it; its memory at most. */
  private long workedOff(String group) throws Exception {
    long waiting = left(group);
    try (JarProcess process = launch(group)) {
      process.awaitReady();
      long begun = System.nanoTime();
      long memoryAtStart = process.memory("VmRSS");
      List<String> overTime = new ArrayList<>();
      long[] next = {waiting - waiting / 8};
      eventually(
          group + " has nothing left to do",
          LIMIT,
          () -> {
            long left = left(group);
            if (left <= next[0]) {
              overTime.add(process.memory("VmRSS") + " MiB");
              next[0] = left - Math.max(1, waiting / 8);
            }
            return left;
          },
          left -> left == 0);
      double seconds = (System.nanoTime() - begun) / 1e9;
      long most = process.memory("VmHWM");
      System.out.printf(
          "backlog: %s worked off %,d messages in %.1f s (%,.0f/s): %d MiB when ready, then %s, at"
              + " most %d MiB; nats-server %d MiB%n",
          group,
          waiting,
          seconds,
          waiting / seconds,
          memoryAtStart,
          overTime,
          most,
          JarProcess.memory(broker.pid(), "VmRSS"));
      process.terminate();
      assertThat(process.exitStatus()).as(process.output()).isZero();
      return most;
    }
  }

  private long left(String group) throws IOException, JetStreamApiException {
    JetStreamManagement management = connection.jetStreamManagement();
    if (group.equals("audit")) {
      return unsealed(management);
    }
    String[] place = STREAMS.get(group).split(":", -1);
    String stream = subjects.stream(place[0]);
    if (!management.getConsumerNames(stream).contains(place[1])) {
      return management.getStreamInfo(stream).getStreamState().getMsgCount();
    }
    ConsumerInfo info = management.getConsumerInfo(stream, place[1]);
    return info.getNumPending() + info.getNumAckPending();
  }

  private long unsealed(JetStreamManagement management) throws IOException, JetStreamApiException {
    Map<String, Long> sealed = new HashMap<>();
    if (management.getStreamNames().contains(subjects.stream("AUDIT"))
        && management.getStreamInfo(subjects.stream("AUDIT")).getStreamState().getMsgCount() > 0) {
      MessageInfo block =
          management.getLastMessage(subjects.stream("AUDIT"), subjects.subject("audit.block"));
      for (String position : block.getHeaders().getLast("Audit-Cursor").split(",", -1)) {
        int colon = position.lastIndexOf(':');
        sealed.put(position.substring(0, colon), Long.parseLong(position.substring(colon + 1)));
      }
    }
    long left = 0;
    for (String stream : management.getStreamNames()) {
      if (List.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS")
          .contains(stream.substring(stream.indexOf('_') + 1))) {
        left +=
            management.getStreamInfo(stream).getStreamState().getLastSequence()
                - sealed.getOrDefault(stream, 0L);
      }
    }
    return left;
  }

  /** As the orders service stores them, many on their way at a time. */
  private void store(int count) throws Exception {
    JetStream streams = connection.jetStream();
    List<CompletableFuture<PublishAck>> onTheirWay = new ArrayList<>(WINDOW);
    long begun = System.nanoTime();
    for (int i = 0; i < count; i++) {
      String orderId = "ord_" + stored++;
      OrderCreated order =
          new OrderCreated(
              orderId,
              "c-" + i % 1_000,
              BigDecimal.TEN,
              "EUR",
              List.of(new Item("cup", 1, BigDecimal.TEN)),
              null);
      Envelope<OrderCreated> fact = Envelope.once(order, Instant.now(), "%032x".formatted(stored));
      onTheirWay.add(
          streams.publishAsync(
              subjects.fact(order),
              codec.encode(fact),
              PublishOptions.builder()
                  .messageId(fact.id())
                  .expectedLastSubjectSequence(0)
                  .expectedLastSubjectSequenceSubject(subjects.aggregate(order))
                  .build()));
      if (onTheirWay.size() == WINDOW) {
        onTheirWay.forEach(CompletableFuture::join);
        onTheirWay.clear();
      }
    }
    onTheirWay.forEach(CompletableFuture::join);
    System.out.printf(
        "backlog: stored %,d orders, %,.0f/s; nats-server %d MiB%n",
        count,
        count / ((System.nanoTime() - begun) / 1e9),
        JarProcess.memory(broker.pid(), "VmRSS"));
  }
}
