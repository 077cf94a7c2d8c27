package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the broker alone could do: the five facts of an order, each published under its guard when
 * the one before it is delivered, which is acknowledged once its successor is stored. No decision,
 * no JSON, no HTTP, no gateway, no stock, no ledger; one connection and one thread. A process of
 * its own, so that what it costs is counted apart.
 *
 * <p>The streams must be there. Arguments: one JSON object, see {@link CeilingProcess}.
 */
public final class Ceiling {

  /** Orders under way whose numbers must differ; far above those that are. */
  private static final int RING = 1 << 16;

  private static final int ACKS = 1;
  private static final int DELIVERIES = 10;
  private static final int PULL = 512;
  private static final byte[] ACK = NatsWire.ascii("+ACK");
  private static final byte[] ERROR = NatsWire.ascii("\"error\"");
  private static final int STREAM_SEQUENCE_TOKEN = 5; // of $JS.ACK.stream.consumer.delivered.seq
  private static final int TOKEN_STEP = 8; // stages, rounded up so that tokens are told apart

  private final NatsWire wire;
  private final List<Stage> stages = Stage.all();
  private final byte[] ackInbox;
  private final String deliveryInbox;
  private final byte[][] toAcknowledge = new byte[RING * TOKEN_STEP][]; // by the successor's token
  private final long[] createdAt = new long[RING]; // stream sequences
  private final int[] asked;
  private final byte[] id = NatsWire.ascii("ord_" + "0".repeat(Stage.ID_LENGTH - 4));

  private long fed;
  private long done;

  private Ceiling(URI broker) throws IOException {
    wire = NatsWire.connect(broker.getHost(), broker.getPort());
    String unique = Long.toString(System.nanoTime(), Character.MAX_RADIX);
    ackInbox = NatsWire.ascii("_INBOX.a" + unique + ".");
    deliveryInbox = "_INBOX.d" + unique;
    asked = new int[stages.size()];
    wire.subscribe("_INBOX.a" + unique + ".*", ACKS);
    for (int stage = 0; stage < stages.size(); stage++) {
      createConsumer(stages.get(stage));
      wire.subscribe(deliveryInbox + stage, DELIVERIES + stage);
    }
  }

  public static void main(String[] args) throws IOException {
    System.out.println(measure(new JsonObject(args[0])).encode());
  }

  static JsonObject measure(JsonObject task) throws IOException {
    Map<String, Long> pids = new LinkedHashMap<>();
    task.getJsonObject("pids")
        .forEach(entry -> pids.put(entry.getKey(), ((Number) entry.getValue()).longValue()));
    pids.put("chain", ProcessHandle.current().pid());
    long orders = task.getLong("orders");
    Ceiling ceiling = new Ceiling(URI.create(task.getString("broker")));
    ceiling.run(task.getLong("warm_up"), task.getLong("in_flight"));
    Usage begun = Usage.of(pids);
    ceiling.run(orders, task.getLong("in_flight"));
    Usage ended = Usage.of(pids);
    JsonObject figures = new JsonObject();
    figures.put("orders", orders);
    ended.report(figures, begun, orders);
    Usage.resident(pids).forEach((name, mib) -> figures.put("rss_mib." + name, mib));
    figures.put(
        "event_bytes",
        ceiling.stages.stream().mapToInt(stage -> stage.headerBytes() + stage.bodyBytes()).sum());
    ceiling.wire.close();
    return figures;
  }

  /** As the services' consumers are, of a name and a filter that say what they are for. */
  private void createConsumer(Stage stage) throws IOException {
    JsonObject config =
        new JsonObject()
            .put("durable_name", stage.consumer())
            .put("filter_subjects", new JsonArray().add(stage.filter()))
            .put("deliver_policy", "all")
            .put("ack_policy", "explicit")
            .put("ack_wait", 30_000_000_000L)
            .put("max_deliver", -1)
            .put("max_ack_pending", 65_536);
    String answer =
        new String(
            wire.ask(
                "$JS.API.CONSUMER.CREATE." + stage.stream() + "." + stage.consumer(),
                new JsonObject().put("stream_name", stage.stream()).put("config", config).encode()),
            StandardCharsets.UTF_8);
    if (new JsonObject(answer).containsKey("error")) {
      throw new IOException("consumer " + stage.consumer() + ": " + answer);
    }
  }

  /** Feeds so many orders, and returns when each has come to its end. */
  private void run(long orders, long inFlight) throws IOException {
    long last = fed + orders;
    for (int stage = 0; stage < stages.size(); stage++) {
      pull(stage);
    }
    while (done < last) {
      while (fed < last && fed - done < inFlight) {
        publish(0, fed++, 0);
      }
      wire.next(this::received);
    }
    wire.flush();
  }

  private void received(NatsWire.Message message) throws IOException {
    if (message.sid() == ACKS) {
      acknowledged(message);
    } else if (message.sid() >= DELIVERIES && message.sid() < DELIVERIES + stages.size()) {
      delivered(message, message.sid() - DELIVERIES);
    }
  }

  private void delivered(NatsWire.Message message, int stage) {
    if (!message.expectsReply()) { // the end of a pull
      String pending = "Nats-Pending-Messages: ";
      String headers = message.headers();
      int at = headers.indexOf(pending);
      asked[stage] =
          at < 0
              ? 0
              : asked[stage]
                  - Integer.parseInt(
                      headers.substring(at + pending.length(), headers.indexOf('\r', at)));
      pull(stage);
      return;
    }
    asked[stage]--;
    pull(stage);
    long order = message.numberAtTheEndOfTheSubject();
    int slot = (int) (order % RING);
    if (stage == 0) {
      createdAt[slot] = message.replyNumber(STREAM_SEQUENCE_TOKEN);
    }
    if (stage == stages.size() - 1) {
      wire.publish(message.reply(), NatsWire.NOTHING, ACK);
      done++;
      return;
    }
    toAcknowledge[slot * TOKEN_STEP + stage + 1] = message.reply();
    boolean confirms = stages.get(stage + 1).stream().equals(stages.getFirst().stream());
    publish(stage + 1, order, confirms ? createdAt[slot] : 0);
  }

  /** What led to a fact is done with once the fact is stored. */
  private void acknowledged(NatsWire.Message message) throws IOException {
    if (message.contains(ERROR)) {
      throw new IOException(new String(message.body(), StandardCharsets.UTF_8));
    }
    long token = message.numberAtTheEndOfTheSubject();
    if (token % TOKEN_STEP > 0) {
      wire.publish(toAcknowledge[(int) (token % toAcknowledge.length)], NatsWire.NOTHING, ACK);
    }
  }

  private void publish(int stage, long order, long expectedSequence) {
    name(order);
    stages.get(stage).publish(wire, id, ackInbox, order * TOKEN_STEP + stage, expectedSequence);
  }

  /** Digits that differ early, as those of real ids do, and then the order's number. */
  private void name(long order) {
    long mixed = order * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 29)) & Long.MAX_VALUE;
    for (int i = 4; i < 17; i++) {
      int digit = (int) (mixed % 26);
      id[i] = (byte) ('a' + digit);
      mixed /= 26;
    }
    long rest = order;
    for (int i = Stage.ID_LENGTH - 1; i >= 17; i--) {
      id[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
  }

  private void pull(int stage) {
    if (asked[stage] <= PULL / 2) {
      int more = PULL - asked[stage];
      asked[stage] += more;
      Stage one = stages.get(stage);
      wire.publish(
          NatsWire.ascii("$JS.API.CONSUMER.MSG.NEXT." + one.stream() + "." + one.consumer()),
          NatsWire.ascii(deliveryInbox + stage),
          NatsWire.ascii("{\"batch\":" + more + ",\"expires\":60000000000}"));
    }
  }
}
