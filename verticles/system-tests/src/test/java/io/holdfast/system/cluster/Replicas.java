package io.holdfast.system.cluster;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Subscription;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** What each node holds of the streams, by itself. */
final class Replicas {

  private static final int PAGE = 200;
  private static final int PAGE_BYTES = 1 << 20;
  private static final Duration ANSWER = Duration.ofSeconds(20);

  /** The broker's own, which say how many are still to come: no part of what is stored. */
  private static final Set<String> OF_THE_ANSWER =
      Set.of("Nats-Num-Pending", "Nats-Last-Sequence", "Nats-UpTo-Sequence");

  private Replicas() {}

  /**
   * @param digest of every message's sequence, subject, time, headers and bytes, in order
   */
  record Held(long messages, long lastSequence, String digest) {}

  /**
   * Reads whole streams from one node while all others stand still, so that nobody else can have
   * answered.
   *
   * @param streams full names
   */
  @SuppressWarnings("try") // closing a connection can be interrupted
  static Map<String, Held> alone(Cluster cluster, int node, Iterable<String> streams) {
    List<Integer> others =
        IntStream.range(0, Cluster.NODES).filter(other -> other != node).boxed().toList();
    others.forEach(cluster::pause);
    try (Connection connection = Nats.connect(cluster.url(node))) {
      Map<String, Held> held = new LinkedHashMap<>();
      for (String stream : streams) {
        held.put(stream, held(connection, stream));
      }
      return held;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      others.forEach(cluster::resume);
    }
  }

  private static Held held(Connection connection, String stream) throws InterruptedException {
    MessageDigest digest = sha256();
    long messages = 0;
    long last = 0;
    while (true) {
      String inbox = connection.createInbox();
      Subscription answers = connection.subscribe(inbox);
      String ask =
          "{\"seq\":%d,\"batch\":%d,\"max_bytes\":%d}".formatted(last + 1, PAGE, PAGE_BYTES);
      connection.publish(
          "$JS.API.DIRECT.GET." + stream, inbox, ask.getBytes(StandardCharsets.UTF_8));
      int before = Math.toIntExact(messages);
      Message message = next(answers, stream);
      while (!message.isStatusMessage()) {
        last = Long.parseLong(message.getHeaders().getLast("Nats-Sequence"));
        messages++;
        add(digest, message);
        message = next(answers, stream);
      }
      answers.unsubscribe();
      int code = message.getStatus().getCode();
      if (code != 204 && code != 404) {
        throw new AssertionError(stream + ": " + message.getStatus().getMessageWithCode());
      }
      if (messages == before) {
        return new Held(messages, last, HexFormat.of().formatHex(digest.digest()));
      }
    }
  }

  private static Message next(Subscription answers, String stream) throws InterruptedException {
    Message message = answers.nextMessage(ANSWER);
    if (message == null) {
      throw new AssertionError(stream + ": the node alone does not answer");
    }
    return message;
  }

  private static void add(MessageDigest digest, Message message) {
    message.getHeaders().keySet().stream()
        .filter(name -> !OF_THE_ANSWER.contains(name))
        .sorted()
        .forEach(
            name -> {
              put(digest, name);
              message.getHeaders().get(name).forEach(value -> put(digest, value));
            });
    put(digest, "");
    put(digest, message.getData());
  }

  private static void put(MessageDigest digest, String text) {
    put(digest, text.getBytes(StandardCharsets.UTF_8));
  }

  /** With its length before it: two lists of texts never look alike. */
  private static void put(MessageDigest digest, byte[] bytes) {
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
