package io.holdfast.launcher.load;

import io.holdfast.events.EventType;
import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamReader;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The ends of all orders, as the broker stored them: read in order from the streams, from where
 * they stood at the beginning. Only subjects and times are looked at.
 */
public final class StreamEnds implements OrderEnds {

  private static final int PAGE = 1_000;
  private static final int PAGE_BYTES = 4 << 20;

  /** A closed loop waits for these; their time is the broker's, whenever they are looked at. */
  private static final long LOOK_MILLIS = 10;

  private static final long LOOK_LATER_MILLIS = 50;

  /** The broker is away. */
  private static final long AGAIN_MILLIS = 200;

  private final Vertx vertx;
  private final StreamReader reader;
  private final Subjects subjects;
  private final Map<What, String> prefixes = new EnumMap<>(What.class);
  private volatile boolean closed;

  public StreamEnds(Vertx vertx, StreamReader reader, Subjects subjects) {
    this.vertx = vertx;
    this.reader = reader;
    this.subjects = subjects;
    prefixes.put(What.CONFIRMED, subjects.fact(EventType.ORDER_CONFIRMED, ""));
    prefixes.put(What.CANCELLED, subjects.fact(EventType.ORDER_CANCELLED, ""));
    prefixes.put(What.DONE, subjects.fact(EventType.NOTIFICATION_SENT, ""));
  }

  @Override
  public Future<Void> begin(Consumer<List<End>> listener) {
    return Future.all(
            begin("ORDERS", LOOK_LATER_MILLIS, listener),
            begin("NOTIFICATIONS", LOOK_MILLIS, listener))
        .mapEmpty();
  }

  private Future<Void> begin(String name, long pause, Consumer<List<End>> listener) {
    String stream = subjects.stream(name);
    return reader
        .state(stream)
        .onSuccess(state -> look(stream, state.lastSequence() + 1, pause, listener))
        .mapEmpty();
  }

  private void look(String stream, long next, long pause, Consumer<List<End>> listener) {
    if (closed) {
      return;
    }
    reader
        .read(stream, next, PAGE, PAGE_BYTES)
        .onComplete(
            (AsyncResult<List<RawMessage>> page) -> {
              if (page.failed()) {
                vertx.setTimer(AGAIN_MILLIS, id -> look(stream, next, pause, listener));
              } else if (page.result().isEmpty()) {
                vertx.setTimer(pause, id -> look(stream, next, pause, listener));
              } else {
                listener.accept(ends(page.result()));
                long after = page.result().getLast().sequence() + 1;
                if (page.result().size() < PAGE / 2) {
                  vertx.setTimer(pause, id -> look(stream, after, pause, listener));
                } else {
                  look(stream, after, pause, listener);
                }
              }
            });
  }

  private List<End> ends(List<RawMessage> page) {
    List<End> ends = new ArrayList<>(page.size());
    for (RawMessage message : page) {
      What what = what(message.subject());
      if (what != null) {
        Instant at = message.storedAt();
        ends.add(
            new End(
                Subjects.lastToken(message.subject()),
                what,
                at.getEpochSecond() * 1_000_000_000L + at.getNano()));
      }
    }
    return ends;
  }

  private What what(String subject) {
    for (Map.Entry<What, String> of : prefixes.entrySet()) {
      if (subject.startsWith(of.getValue())) {
        return of.getKey();
      }
    }
    return null;
  }

  @Override
  public boolean follows(String orderId) {
    return true;
  }

  @Override
  public String how() {
    return "Ends are the broker's: the times at which it stored them, by the same clock as this"
        + " program's if both run on one machine.";
  }

  @Override
  public void close() {
    closed = true;
  }
}
