package io.holdfast.runtime.jetstream;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.Domain;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.events.UndecodableEventException;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How many messages of a group's consumers lie in DEADLETTERS and wait for an operator: those that
 * were parked, which the broker counts by their subjects, less those that somebody has resolved,
 * which are read once each, as they come.
 *
 * <p>Never blocks; {@link #of} on any thread.
 */
final class Parked {

  private static final long LOOK_MILLIS = 5_000;
  private static final Duration TIMEOUT = Duration.ofSeconds(4);
  private static final int BATCH = 500;
  private static final String REMAINING = "Nats-Num-Pending";

  private final Vertx vertx;
  private final Broker broker;
  private final Subjects subjects;
  private final EventCodec codec;
  private final String group;
  private final String get;
  private final AtomicBoolean begun = new AtomicBoolean();
  private final Set<ConsumerSpec> counted = new CopyOnWriteArraySet<>();
  private final Map<String, Long> everParked = new ConcurrentHashMap<>();
  private final Map<String, Long> resolved = new ConcurrentHashMap<>();
  private long nextResolution = 1;
  private boolean looking;

  Parked(Vertx vertx, Broker broker, Subjects subjects, EventCodec codec, String group) {
    this.vertx = vertx;
    this.broker = broker;
    this.subjects = subjects;
    this.codec = codec;
    this.group = group;
    this.get = "$JS.API.DIRECT.GET." + subjects.stream("DEADLETTERS");
  }

  /** Counts this consumer's from here on. */
  void count(ConsumerSpec spec) {
    counted.add(spec);
    if (begun.compareAndSet(false, true)) {
      vertx.setPeriodic(LOOK_MILLIS, id -> look());
      vertx.runOnContext(v -> look());
    }
  }

  /** As it was some seconds ago; 0 as long as it is not known. */
  long of(ConsumerSpec spec) {
    long open = everParked.getOrDefault(spec.name(), 0L) - resolved.getOrDefault(spec.name(), 0L);
    return Math.max(0, open); // the two are not of the same moment
  }

  private void look() {
    if (looking || !broker.usable()) {
      return;
    }
    looking = true;
    Future.join(Future.join(counted.stream().map(this::look).toList()), readResolutions())
        .onComplete(done -> looking = false); // the broker's trouble shows elsewhere
  }

  private Future<Void> look(ConsumerSpec spec) {
    List<Future<Long>> each =
        spec.filters().stream().map(filter -> stored(deadLetters(filter))).toList();
    return Future.all(each)
        .onSuccess(
            all -> everParked.put(spec.name(), each.stream().mapToLong(Future::result).sum()))
        .mapEmpty();
  }

  /** Not as one message's dead letter is named: there, what means "any" here stands for itself. */
  private String deadLetters(String filter) {
    return subjects.subject(Domain.DEADLETTERS.token() + "." + group + "." + filter);
  }

  /** How many messages there are of these subjects: the first one says how many come behind it. */
  private Future<Long> stored(String subjects) {
    return messages(subjects, 1, 1)
        .map(
            first ->
                first.isEmpty()
                    ? 0L
                    : 1 + Long.parseLong(first.getFirst().getHeaders().getLast(REMAINING)));
  }

  private Future<Void> readResolutions() {
    return messages(subjects.every(EventType.DEAD_LETTER_RESOLVED), nextResolution, BATCH)
        .compose(
            found -> {
              found.forEach(this::resolved);
              return found.size() < BATCH ? Future.succeededFuture() : readResolutions();
            });
  }

  private void resolved(Message message) {
    Headers headers = message.getHeaders();
    nextResolution = Long.parseLong(headers.getLast("Nats-Sequence")) + 1;
    try {
      if (codec.decode(message.getData()).event() instanceof DeadLetterResolved fact) {
        resolved.merge(fact.consumer(), 1L, Long::sum);
      }
    } catch (UndecodableEventException somebodyElses) {
      // It resolves nothing.
    }
  }

  /** Directly, from whichever replica answers: a count that is a moment old is good enough. */
  private Future<List<Message>> messages(String subjects, long from, int atMost) {
    JsonObject request =
        new JsonObject().put("batch", atMost).put("seq", from).put("next_by_subj", subjects);
    return broker
        .requestMany(get, request.toBuffer().getBytes(), TIMEOUT)
        .map(answers -> (List<Message>) new ArrayList<>(answers));
  }
}
