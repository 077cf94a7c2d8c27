package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StreamInfo;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAccumulator;

/**
 * What this process has seen of the broker's streams, and whether a broker that came back still has
 * it. An empty store, an older one, or streams that somebody made anew in the place of lost ones
 * hold less than was promised to customers: whoever went on there would invent what follows.
 *
 * <p>A stream may lose its oldest messages, which are trimmed; it may never end before its newest.
 * Safe to use from several threads.
 */
final class Witness {

  private static final Duration ANSWER = Duration.ofSeconds(1);

  /**
   * So often in a row a stream has to end too early until that is believed for good. A cluster's
   * new leader could be behind for a moment; later the loss could be hidden by what others append.
   */
  private static final int CONFIRMATIONS = 6;

  private static final String WHAT_TO_DO =
      "; bring the store back, or restart every process to go on without what is lost";

  private final Map<String, Seen> streams = new ConcurrentHashMap<>();

  private static final class Seen {
    final Instant createdAt;

    /** A work queue may be empty, and then tells nothing by where it ends. */
    final boolean keeps;

    final LongAccumulator last = new LongAccumulator(Math::max, 0);
    int tooShort;
    Optional<String> lost = Optional.empty();

    Seen(Instant createdAt, boolean keeps) {
      this.createdAt = createdAt;
      this.keeps = keeps;
    }
  }

  /**
   * @param objections to the streams as they are, one sentence each
   * @param complete whether the broker told of all of them
   */
  record Look(List<String> objections, boolean complete) {}

  private record Answer(Optional<String> objection, boolean told) {}

  /** Remembers a stream that was found in order. */
  void saw(StreamInfo info) {
    if (info.getConfiguration().getDiscardPolicy() != DiscardPolicy.New) {
      return; // timers, which may be gone
    }
    boolean keeps = info.getConfiguration().getRetentionPolicy() == RetentionPolicy.Limits;
    streams.computeIfAbsent(
        info.getConfiguration().getName(),
        name -> new Seen(info.getCreateTime().toInstant(), keeps));
    saw(info.getConfiguration().getName(), info.getStreamState().getLastSequence());
  }

  /** Remembers that a message was stored, or delivered. */
  void saw(String stream, long sequence) {
    Seen seen = stream == null ? null : streams.get(stream);
    if (seen != null) {
      seen.last.accumulate(sequence);
    }
  }

  boolean knowsNothing() {
    return streams.isEmpty();
  }

  /** Compares what the broker has with what was seen. Takes about a second at most. */
  CompletableFuture<Look> look(Connection connection) {
    Map<String, CompletableFuture<Answer>> asked = new TreeMap<>();
    streams.forEach((name, seen) -> asked.put(name, ask(connection, name, seen)));
    Collection<CompletableFuture<Answer>> answers = asked.values();
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
        .thenApply(
            all -> {
              List<Answer> told = answers.stream().map(CompletableFuture::join).toList();
              return new Look(
                  told.stream().flatMap(answer -> answer.objection().stream()).toList(),
                  told.stream().allMatch(Answer::told));
            });
  }

  private static CompletableFuture<Answer> ask(Connection connection, String name, Seen seen) {
    CompletableFuture<Message> asked;
    try {
      asked = connection.requestWithTimeout("$JS.API.STREAM.INFO." + name, null, ANSWER);
    } catch (IllegalStateException gone) {
      asked = CompletableFuture.failedFuture(gone);
    }
    // Who gives no answer stores nothing either: a stream without a leader is none of ours here.
    return asked.handle(
        (message, failure) ->
            failure == null && !message.isStatusMessage()
                ? compare(name, seen, message.getData())
                : new Answer(Optional.empty(), false));
  }

  private static Answer compare(String name, Seen seen, byte[] answer) {
    JsonNode info;
    try {
      info = JetStreamApi.told(answer);
    } catch (BrokerException refused) {
      return refused.noSuchStream()
          ? new Answer(Optional.of("stream " + name + " is not there" + held(seen)), true)
          : new Answer(Optional.empty(), false);
    }
    Instant createdAt = ZonedDateTime.parse(info.path("created").asText()).toInstant();
    return new Answer(objection(name, seen, createdAt, info.at("/state/last_seq").asLong()), true);
  }

  private static Optional<String> objection(
      String name, Seen seen, Instant createdAt, long lastSequence) {
    synchronized (seen) {
      if (!createdAt.equals(seen.createdAt)) {
        return Optional.of(
            "stream %s was made at %s, in the place of one from %s%s"
                    .formatted(name, createdAt, seen.createdAt, held(seen))
                + WHAT_TO_DO);
      }
      if (!seen.keeps || lastSequence >= seen.last.get()) {
        seen.tooShort = 0;
        return seen.lost;
      }
      String objection = "stream %s ends at %d%s".formatted(name, lastSequence, held(seen));
      seen.tooShort++;
      if (seen.tooShort == CONFIRMATIONS) {
        seen.lost = Optional.of(objection + WHAT_TO_DO);
      }
      return seen.lost.or(() -> Optional.of(objection));
    }
  }

  private static String held(Seen seen) {
    return seen.last.get() == 0 ? "" : ", and it held messages up to " + seen.last.get();
  }
}
