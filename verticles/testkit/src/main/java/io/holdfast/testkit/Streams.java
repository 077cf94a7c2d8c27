package io.holdfast.testkit;

import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.Broker;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamReader;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Subscription;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The streams of one namespace as a test sees them: publish facts as some service, read what is
 * stored. Blocking, for test threads; has a connection of its own.
 */
public final class Streams implements AutoCloseable {

  private static final EventCodec CODEC = new EventCodec();

  private final String natsUrl;
  private final Platform platform = Platform.start();
  private final Broker broker;
  private final GroupStreams streams;
  private final Subjects subjects;

  /**
   * Creates the streams that are missing.
   *
   * @param names without the namespace
   */
  public Streams(String natsUrl, String namespace, Set<String> names) {
    this(natsUrl, namespace, names, "testkit", Map.of());
  }

  /**
   * As one of the broker's users.
   *
   * @param names of streams that must be there, without the namespace
   * @param variables who it is, and what else a process is told
   */
  public Streams(
      String natsUrl,
      String namespace,
      Set<String> names,
      String user,
      Map<String, String> variables) {
    Map<String, String> env = new HashMap<>(variables);
    env.put("NATS_URL", natsUrl);
    env.put("NAMESPACE", namespace);
    env.putIfAbsent("STREAM_MAX_BYTES", Long.toString(64L << 20));
    CommonSettings settings = CommonSettings.read(new Settings(env), 0);
    this.natsUrl = natsUrl;
    this.subjects = settings.subjects();
    this.broker = platform.broker(settings, user);
    this.streams =
        new GroupStreams(platform.vertx(), broker, "testkit", settings, names, platform.meters());
    get(streams.whenReady());
  }

  public Subjects subjects() {
    return subjects;
  }

  public GroupStreams events() {
    return streams;
  }

  public StreamReader reader() {
    return streams.reader();
  }

  /** Every message of a stream, in order. */
  public List<RawMessage> messages(String stream) {
    List<RawMessage> all = new ArrayList<>();
    long next = 1;
    while (true) {
      List<RawMessage> page = get(reader().read(subjects.stream(stream), next, 500, 1 << 20));
      if (page.isEmpty()) {
        return all;
      }
      all.addAll(page);
      next = page.getLast().sequence() + 1;
    }
  }

  /** Every event of a stream, in order; what is no event of ours is left out. */
  public List<Envelope<?>> facts(String stream) {
    List<Envelope<?>> facts = new ArrayList<>();
    for (RawMessage message : messages(stream)) {
      try {
        facts.add(CODEC.decode(message.body()));
      } catch (UndecodableEventException foreign) {
        // left out
      }
    }
    return facts;
  }

  /** Waits until a consumer has settled all that its stream holds for it now. */
  public void awaitSettled(String stream, String consumer) {
    long last = // as the broker may not have counted it among the pending yet
        StreamCatalog.consumer(consumer).types().stream()
            .map(type -> get(reader().last(subjects.stream(stream), subjects.every(type))))
            .flatMap(Optional::stream)
            .mapToLong(RawMessage::sequence)
            .max()
            .orElse(0);
    Eventually.eventually(
        consumer + " has settled everything",
        () -> get(reader().consumer(subjects.stream(stream), consumer)),
        state -> state.delivered() >= last && settled(state));
  }

  /** How many messages a consumer was delivered so far, each as often as it was. */
  public long deliveries(String stream, String consumer) {
    Message answer =
        get(
            broker.request(
                "$JS.API.CONSUMER.INFO." + subjects.stream(stream) + "." + consumer,
                null,
                new byte[0],
                Duration.ofSeconds(5)));
    return new JsonObject(new String(answer.getData(), StandardCharsets.UTF_8))
        .getJsonObject("delivered")
        .getLong("consumer_seq");
  }

  private static boolean settled(ConsumerState state) {
    return state.pending() == 0 && state.unacknowledged() == 0;
  }

  /**
   * Forgets how far a consumer is: its group, when it starts again, is delivered everything once
   * more. The group must not run meanwhile.
   */
  public void forgetConsumer(String stream, String consumer) {
    get(
        broker.request(
            "$JS.API.CONSUMER.DELETE." + subjects.stream(stream) + "." + consumer,
            null,
            new byte[0],
            Duration.ofSeconds(5)));
  }

  /** Takes a subject's messages away, as somebody with an administrator's rights could. */
  public void purge(String stream, String subject) {
    String filter = "{\"filter\":\"" + subjects.subject(subject) + "\"}";
    Message answer =
        get(
            broker.request(
                "$JS.API.STREAM.PURGE." + subjects.stream(stream),
                null,
                filter.getBytes(StandardCharsets.UTF_8),
                Duration.ofSeconds(5)));
    String told = new String(answer.getData(), StandardCharsets.UTF_8);
    if (!told.contains("\"purged\":1")) {
      throw new AssertionError(subject + " was not purged: " + told);
    }
  }

  /**
   * Takes a consumer's next messages as a replica would that dies at once, so that the broker
   * delivers them again: what its group gets is a redelivery. Call it while the group does not run,
   * or it gets them first.
   */
  @SuppressWarnings("try") // closing a connection can be interrupted
  public void takeAndLose(String stream, String consumer, int messages) {
    String next = "$JS.API.CONSUMER.MSG.NEXT." + subjects.stream(stream) + "." + consumer;
    String ask = "{\"batch\":" + messages + ",\"expires\":5000000000}";
    try (Connection dying = Nats.connect(natsUrl)) {
      String inbox = dying.createInbox();
      Subscription taken = dying.subscribe(inbox);
      dying.publish(next, inbox, ask.getBytes(StandardCharsets.UTF_8));
      for (int i = 0; i < messages; i++) {
        Message message = taken.nextMessage(Duration.ofSeconds(5));
        if (message == null || message.isStatusMessage()) {
          throw new AssertionError(consumer + " has only " + i + " messages to take");
        }
        message.nak();
      }
      dying.flush(Duration.ofSeconds(5)); // else the broker waits for the acknowledgements
    } catch (TimeoutException e) {
      throw new AssertionError("the broker does not answer", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** The result of a future, waited for at most 15 s. */
  public static <T> T get(Future<T> future) {
    try {
      return future.await(15, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("no answer within 15 s", e);
    }
  }

  @Override
  public void close() {
    get(platform.close());
  }
}
