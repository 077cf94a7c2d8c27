package io.holdfast.audit.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.BlockIndex;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventJson;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Stored;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Everything that is stored about one order, of all services, in the order in which it happened.
 */
final class Timelines {

  private static final List<Domain> DOMAINS =
      List.of(Domain.ORDERS, Domain.INVENTORY, Domain.PAYMENTS, Domain.NOTIFICATIONS);

  /** By the broker's clock, which is the same for all streams; an order is created first. */
  private static final Comparator<Stored> AS_IT_HAPPENED =
      Comparator.comparing(Stored::storedAt)
          .thenComparing(stored -> stored.envelope().type())
          .thenComparing(Stored::sequence);

  private final EventStreams streams;
  private final BlockIndex blocks;
  private final EventCodec codec = new EventCodec();
  private final ObjectMapper json = // amounts are shown as they are stored, 12.00 and not 12
      EventJson.mapper().configure(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES, false);

  Timelines(EventStreams streams, BlockIndex blocks) {
    this.streams = streams;
    this.blocks = blocks;
  }

  /** The order's timeline as JSON; empty if nothing is stored about it. */
  Future<Optional<ObjectNode>> of(String orderId) {
    List<Future<History>> loads = new ArrayList<>();
    DOMAINS.forEach(domain -> loads.add(streams.load(domain, orderId)));
    loads.add(deadLetters(orderId));
    return Future.all(loads)
        .compose(
            all -> {
              List<Stored> events =
                  loads.stream()
                      .flatMap(load -> load.result().events().stream())
                      .sorted(AS_IT_HAPPENED)
                      .toList();
              return events.isEmpty()
                  ? Future.succeededFuture(Optional.empty())
                  : withBlocks(events).map(held -> Optional.of(timeline(orderId, events, held)));
            });
  }

  /**
   * The last dead letter of each message about the order. A dead letter's subject quotes another,
   * {@code deadletters.<service>.orders.created.<order id>}, so two more tokens come before the id.
   */
  private Future<History> deadLetters(String orderId) {
    return streams.load(Domain.DEADLETTERS, "*.*." + orderId);
  }

  /** The block of each event, one after the other, as neighbours mostly share what is looked at. */
  private Future<List<Optional<Long>>> withBlocks(List<Stored> events) {
    Future<List<Optional<Long>>> found = Future.succeededFuture(new ArrayList<>());
    for (Stored event : events) {
      found =
          found.compose(
              soFar ->
                  blocks
                      .blockOf(event.stream(), event.sequence())
                      .map(
                          block -> {
                            soFar.add(block);
                            return soFar;
                          }));
    }
    return found;
  }

  private ObjectNode timeline(String orderId, List<Stored> events, List<Optional<Long>> held) {
    ObjectNode timeline =
        json.createObjectNode()
            .put("order_id", orderId)
            .put("trace_id", events.getFirst().envelope().traceId());
    ArrayNode list = timeline.putArray("events");
    for (int i = 0; i < events.size(); i++) {
      Stored event = events.get(i);
      Envelope<?> envelope = event.envelope();
      ObjectNode node =
          list.addObject()
              .put("type", envelope.type().typeName())
              .put("stream", event.stream())
              .put("sequence", event.sequence())
              .put("subject", event.subject())
              .put("event_id", envelope.id())
              .put("timestamp", envelope.timestamp().toString())
              .put("stored_at", event.storedAt().toString())
              .put("trace_id", envelope.traceId())
              .put("block", held.get(i).orElse(null));
      try {
        node.set("data", json.readTree(codec.encode(envelope)).get("data"));
      } catch (IOException impossible) { // the codec writes what can be read
        throw new UncheckedIOException(impossible);
      }
    }
    return timeline;
  }
}
