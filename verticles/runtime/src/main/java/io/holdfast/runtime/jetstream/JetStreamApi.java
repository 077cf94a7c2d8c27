package io.holdfast.runtime.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.events.Subjects;
import io.holdfast.events.Timestamps;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.holdfast.runtime.jetstream.StreamReader.StreamState;
import io.nats.client.Message;
import io.vertx.core.Future;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks the leaders of streams and consumers what they know, by {@code $JS.API}, and tells an answer
 * from a refusal. A publish's is {@link PubAck}'s matter; who only watches ({@link ConsumerLag},
 * {@link StorageRoom}) asks by itself, and takes a refusal for no news.
 *
 * <p>Methods may be called on an event loop and never block; a failed future carries a {@link
 * BrokerException}: {@code REFUSED} with JetStream's own error code, or {@code NO_ANSWER}. Names of
 * streams are full ones, with the namespace.
 *
 * @see <a href="https://docs.nats.io/reference/reference-protocols/nats_api_reference">the API</a>
 */
final class JetStreamApi {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int NOT_FOUND = 404;

  private final Broker broker;

  JetStreamApi(Broker broker) {
    this.broker = broker;
  }

  /**
   * What an answer says.
   *
   * @throws BrokerException if it says that the broker refuses, or nothing that can be read
   */
  static JsonNode told(byte[] answer) {
    return unlessRefused(parsed(answer));
  }

  private static JsonNode parsed(byte[] answer) {
    try {
      return JSON.readTree(answer);
    } catch (IOException unreadable) {
      throw new BrokerException(Kind.NO_ANSWER, "the broker's answer cannot be read");
    }
  }

  private static JsonNode unlessRefused(JsonNode answer) {
    JsonNode error = answer.path("error");
    if (!error.isMissingNode()) {
      throw new BrokerException(
          Kind.REFUSED, error.path("description").asText(), error.path("err_code").asInt());
    }
    return answer;
  }

  /** A time as the broker writes it, in UTC or with another offset. */
  static Instant instant(String brokerTime) {
    return brokerTime.endsWith("Z")
        ? Timestamps.parse(brokerTime)
        : ZonedDateTime.parse(brokerTime).toInstant();
  }

  /** See {@link StreamReader#state}. */
  Future<StreamState> state(String stream) {
    return ask("STREAM.INFO." + stream, "")
        .map(
            info -> {
              JsonNode state = info.path("state");
              return new StreamState(
                  state.path("first_seq").asLong(),
                  state.path("last_seq").asLong(),
                  state.path("messages").asLong());
            });
  }

  /**
   * The last tokens of the subjects that a stream has messages of, some at a time.
   *
   * @param filter which subjects
   * @param offset how many to pass over
   */
  Future<List<String>> lastTokens(String stream, String filter, int offset) {
    return ask(
            "STREAM.INFO." + stream,
            "{\"subjects_filter\":\"" + filter + "\",\"offset\":" + offset + "}")
        .map(
            info -> {
              List<String> tokens = new ArrayList<>();
              info.path("state")
                  .path("subjects")
                  .fieldNames()
                  .forEachRemaining(subject -> tokens.add(Subjects.lastToken(subject)));
              return tokens;
            });
  }

  /**
   * Where the last message of a subject stands, as the stream's leader knows it; 0 if none does.
   */
  Future<Long> lastSequence(String stream, String subject) {
    return found(stream, "{\"last_by_subj\":\"" + subject + "\"}");
  }

  /** This sequence if the stream's leader has a message there; else 0. */
  Future<Long> sequence(String stream, long sequence) {
    return found(stream, "{\"seq\":" + sequence + "}");
  }

  private Future<Long> found(String stream, String query) {
    return request("STREAM.MSG.GET." + stream, query)
        .map(
            answer -> {
              JsonNode message = parsed(answer.getData());
              return message.at("/error/code").asInt() == NOT_FOUND
                  ? 0L
                  : unlessRefused(message).at("/message/seq").asLong();
            });
  }

  /** See {@link StreamReader#consumer}. */
  Future<ConsumerState> consumer(String stream, String name) {
    return ask("CONSUMER.INFO." + stream + "." + name, "")
        .map(
            info ->
                new ConsumerState(
                    info.path("num_pending").asLong(),
                    info.path("num_ack_pending").asLong(),
                    info.path("num_redelivered").asLong(),
                    info.path("ack_floor").path("stream_seq").asLong(),
                    info.path("delivered").path("stream_seq").asLong()));
  }

  /** See {@link StreamReader#consumerCreatedAt}. */
  Future<Instant> consumerCreatedAt(String stream, String name) {
    return ask("CONSUMER.INFO." + stream + "." + name, "")
        .map(info -> instant(info.path("created").asText()));
  }

  private Future<JsonNode> ask(String what, String query) {
    return request(what, query).map(answer -> told(answer.getData()));
  }

  private Future<Message> request(String what, String query) {
    return broker.request("$JS.API." + what, null, query.getBytes(StandardCharsets.UTF_8), TIMEOUT);
  }
}
