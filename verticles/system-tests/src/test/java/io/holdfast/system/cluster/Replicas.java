package io.holdfast.system.cluster;

import static io.holdfast.testkit.Eventually.eventually;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.vertx.core.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** What each node holds of the streams, by itself. */
final class Replicas {

  /** Read in one go: a leader without followers keeps its office for some 10 s only. */
  private static final int ALONE = 5_000;

  private static final int AT_ONCE = 100;
  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** There is no such message; that there is no such stream has the same status, and is none. */
  private static final int NO_MESSAGE = 10037;

  private Replicas() {}

  /**
   * @param digest of every message's sequence, subject, time, headers and bytes, in order
   */
  record Held(long messages, long lastSequence, String digest) {}

  /**
   * Reads whole streams from one node, while all others stand still: nobody else can have answered.
   * It leads each of them meanwhile, as only leaders answer for sure.
   *
   * @param streams full names
   */
  static Map<String, Held> alone(Cluster cluster, int node, Iterable<String> streams) {
    Map<String, Held> held = new LinkedHashMap<>();
    for (String stream : streams) {
      MessageDigest digest = sha256();
      long last = cluster.lastSequence(stream);
      long found = 0;
      for (long from = 1; from <= last; from += ALONE) {
        for (JsonObject message :
            read(cluster, node, stream, from, Math.min(last, from + ALONE - 1))) {
          found++;
          for (String part : List.of("seq", "subject", "time", "hdrs", "data")) {
            put(digest, String.valueOf(message.getValue(part)));
          }
        }
      }
      held.put(stream, new Held(found, last, HexFormat.of().formatHex(digest.digest())));
    }
    return held;
  }

  private static List<JsonObject> read(
      Cluster cluster, int node, String stream, long from, long to) {
    return eventually(
        "node %d alone shows %d to %d of %s".formatted(node, from, to, stream),
        Cluster.WHOLE,
        () -> readAlone(cluster, node, stream, from, to),
        messages -> true);
  }

  @SuppressWarnings("try") // closing a connection can be interrupted
  private static List<JsonObject> readAlone(
      Cluster cluster, int node, String stream, long from, long to) throws Exception {
    cluster.makeLeader(stream, node);
    List<Integer> others =
        IntStream.range(0, Cluster.NODES).filter(other -> other != node).boxed().toList();
    others.forEach(cluster::pause);
    try (Connection connection = Nats.connect(cluster.url(node))) {
      List<JsonObject> messages = new ArrayList<>();
      for (long first = from; first <= to; first += AT_ONCE) {
        List<CompletableFuture<Message>> asked = new ArrayList<>();
        for (long sequence = first; sequence <= Math.min(to, first + AT_ONCE - 1); sequence++) {
          asked.add(
              connection.request(
                  "$JS.API.STREAM.MSG.GET." + stream,
                  ("{\"seq\":" + sequence + "}").getBytes(StandardCharsets.UTF_8)));
        }
        for (CompletableFuture<Message> one : asked) {
          Message answer = one.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
          JsonObject told = new JsonObject(new String(answer.getData(), StandardCharsets.UTF_8));
          JsonObject message = told.getJsonObject("message");
          if (message != null) {
            messages.add(message);
          } else if (told.getJsonObject("error").getInteger("err_code") != NO_MESSAGE) {
            throw new IllegalStateException(told.encode());
          }
        }
      }
      return messages;
    } finally {
      others.forEach(cluster::resume);
    }
  }

  /** With its length before it: two lists of texts never look alike. */
  private static void put(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
    digest.update(bytes);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
