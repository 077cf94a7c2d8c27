package io.holdfast.runtime.jetstream;

import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads messages as they stand in a stream, from whichever of its replicas answers: quick, and
 * perhaps a moment behind the leader. Names and subjects are full ones, with the namespace.
 *
 * <p>Methods may be called on an event loop and never block; a failed future carries a {@link
 * BrokerException}.
 *
 * @see <a
 *     href="https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md">Direct
 *     get</a>
 */
final class DirectGet {

  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY_RESULTS = 413;

  private final Broker broker;

  DirectGet(Broker broker) {
    this.broker = broker;
  }

  /** See {@link StreamReader#read}. */
  Future<List<RawMessage>> read(String stream, long fromSequence, int maxMessages, int maxBytes) {
    return many(
        stream,
        "{\"seq\":"
            + fromSequence
            + ",\"next_by_subj\":\">\",\"batch\":"
            + maxMessages
            + ",\"max_bytes\":"
            + maxBytes
            + "}");
  }

  /** See {@link StreamReader#last}. */
  Future<Optional<RawMessage>> last(String stream, String subject) {
    return broker
        .request(subject(stream), null, bytes("{\"last_by_subj\":\"" + subject + "\"}"), TIMEOUT)
        .map(message -> Optional.of(raw(stream, message)))
        .recover(
            failure ->
                failure instanceof BrokerException refused && refused.code() == NOT_FOUND
                    ? Future.succeededFuture(Optional.empty())
                    : Future.failedFuture(failure));
  }

  /** The last message of each subject that one of the filters matches, in stream order. */
  Future<List<RawMessage>> lastOfEach(String stream, List<String> filters) {
    return lastOfEach(stream, filters, "\"]}");
  }

  /** As {@link #lastOfEach(String, List)}, had the stream ended at this sequence. */
  Future<List<RawMessage>> lastOfEach(String stream, List<String> filters, long upTo) {
    return lastOfEach(stream, filters, "\"],\"up_to_seq\":" + upTo + "}");
  }

  private Future<List<RawMessage>> lastOfEach(String stream, List<String> filters, String end) {
    String query =
        filters.stream().collect(Collectors.joining("\",\"", "{\"multi_last\":[\"", end));
    return many(stream, query)
        .recover(
            failure ->
                failure instanceof BrokerException refused
                        && refused.code() == TOO_MANY_RESULTS
                        && filters.size() > 1
                    ? lastOfHalves(stream, filters, end)
                    : Future.failedFuture(failure));
  }

  /** The broker gives at most 1,024 messages for one question, and none if there are more. */
  private Future<List<RawMessage>> lastOfHalves(String stream, List<String> filters, String end) {
    int half = filters.size() / 2;
    return lastOfEach(stream, filters.subList(0, half), end)
        .compose(
            some ->
                lastOfEach(stream, filters.subList(half, filters.size()), end)
                    .map(
                        others ->
                            Stream.concat(some.stream(), others.stream())
                                .sorted(Comparator.comparingLong(RawMessage::sequence))
                                .toList()));
  }

  private Future<List<RawMessage>> many(String stream, String query) {
    return broker
        .requestMany(subject(stream), bytes(query), TIMEOUT)
        .map(messages -> messages.stream().map(message -> raw(stream, message)).toList());
  }

  private static String subject(String stream) {
    return "$JS.API.DIRECT.GET." + stream;
  }

  private static byte[] bytes(String query) {
    return query.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * The broker's own headers come last, behind whatever the message claims by the same names. The
   * stream's name is the first of them, and may be glued to headers that do not end as they should.
   */
  private static RawMessage raw(String stream, Message message) {
    Headers headers = message.getHeaders();
    return new RawMessage(
        stream,
        Long.parseLong(headers.getLast("Nats-Sequence")),
        HeaderBlock.subject(headers.getLast("Nats-Subject")),
        JetStreamApi.instant(headers.getLast("Nats-Time-Stamp")),
        headers,
        message.getData());
  }
}
