package io.holdfast.system.simulation;

import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Done;
import io.holdfast.runtime.jetstream.Outcome.Ignored;
import io.holdfast.runtime.jetstream.Outcome.Postpone;
import io.holdfast.runtime.jetstream.Outcome.Reject;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The durable consumers, and the bridge that settles what a handler made of a delivery. Every
 * message goes to some replica, again and again until it is acknowledged or parked; never twice at
 * a time to the same one, but to two of them if the broker has lost patience.
 */
final class Deliveries {

  private static final long ACK_WAIT = 30_000;

  /** What may be left of that when a process dies. */
  private static final long[] REST_OF_ACK_WAIT = {ACK_WAIT, 5, 50};

  /** After the restart of a broker that had not put its consumers' state on the disk. */
  private static final long[] FORGOTTEN = {5, 200, 1_000};

  private static final long[] BACKOFF = {1, 30, 200, 3_000};
  private static final int MAX_ATTEMPTS = 6;

  private static final Map<EventType, List<ConsumerSpec>> CONSUMERS =
      new EnumMap<>(EventType.class);

  static {
    for (ConsumerSpec spec : StreamCatalog.CONSUMERS) {
      spec.types()
          .forEach(type -> CONSUMERS.computeIfAbsent(type, t -> new ArrayList<>()).add(spec));
    }
  }

  private final Timeline timeline;
  private final Choices choices;
  private final Faults faults;
  private final Wiring wiring;
  private final Function<String, List<Replica>> living;
  private final List<Message> messages = new ArrayList<>();
  private final List<Message> parked = new ArrayList<>();

  /**
   * @param living the processes of a service that are alive
   */
  Deliveries(
      Timeline timeline,
      Choices choices,
      Faults faults,
      Wiring wiring,
      Function<String, List<Replica>> living) {
    this.timeline = timeline;
    this.choices = choices;
    this.faults = faults;
    this.wiring = wiring;
    this.living = living;
  }

  /** Whatever is stored is delivered to each consumer that it is for. */
  void stored(Stored stored) {
    for (ConsumerSpec spec : CONSUMERS.getOrDefault(stored.envelope().type(), List.of())) {
      Message message = new Message(spec, stored);
      messages.add(message);
      timeline.soon(() -> deliver(message));
    }
  }

  /** The broker will notice some day that nobody acknowledges what this process had in hand. */
  void lost(Replica dead) {
    for (Message message : dead.inProcess) {
      long rest = REST_OF_ACK_WAIT[choices.next(REST_OF_ACK_WAIT.length)];
      timeline.after(rest, () -> deliver(message));
    }
  }

  List<Message> unsettled() {
    return messages.stream().filter(message -> !message.settled).toList();
  }

  List<Message> parked() {
    return parked;
  }

  private void deliver(Message message) {
    if (message.settled) {
      return;
    }
    List<Replica> processes = living.apply(message.consumer.group());
    if (processes.isEmpty()) {
      timeline.after(20, () -> deliver(message)); // waits in the stream
      return;
    }
    Replica process = processes.get(choices.next(processes.size()));
    if (process.inProcess.contains(message)) {
      timeline.after(ACK_WAIT, () -> deliver(message)); // the bridge has passed it over
      return;
    }
    message.deliveries++;
    process.inProcess.add(message);
    if (timeline.told()) {
      timeline.note(
          process.name,
          "is delivered "
              + message
              + (message.deliveries > 1 ? ", delivery " + message.deliveries : ""));
    }
    if (wiring.acknowledgesBeforeTheEffect()) {
      message.settled = true;
    } else if (faults.happens(Fault.REDELIVERED_EARLY)) {
      timeline.after(1 + choices.next(24), () -> deliver(message));
    }
    handle(process, message).onComplete(done -> settle(process, message, judged(done)));
  }

  private static Future<Outcome> handle(Replica process, Message message) {
    Reactions reactions = process.consumers.get(message.consumer.name());
    Stored stored = message.stored;
    try {
      return reactions
          .handle(stored.envelope(), stored.sequence(), stored.storedAt(), message.deliveries)
          .orElseThrow();
    } catch (RuntimeException bug) { // as the bridge has it
      return Future.failedFuture(bug);
    }
  }

  private static Outcome judged(AsyncResult<Outcome> handled) {
    return handled.succeeded() ? handled.result() : new Retry(handled.cause());
  }

  private void settle(Replica process, Message message, Outcome outcome) {
    process.inProcess.remove(message);
    if (timeline.told()) {
      timeline.note(process.name, message + " came to " + inWords(outcome));
    }
    switch (outcome) {
      case Done done -> acknowledge(message);
      case Ignored ignored -> acknowledge(message);
      // The rest of a second in it is the flows' own jitter, which no seed repeats.
      case Postpone postpone ->
          again(message, 1_000 * postpone.delay().toSeconds() + 250L * choices.next(4));
      case Retry retry -> {
        boolean spendsAnAttempt = !(retry.cause() instanceof BrokerException);
        if (spendsAnAttempt && ++message.failures >= MAX_ATTEMPTS) {
          park(message);
        } else {
          again(message, BACKOFF[choices.next(BACKOFF.length)]);
        }
      }
      case Reject reject -> park(message);
    }
  }

  /** Without the flows' own jitter, so that a schedule has one story. */
  private static String inWords(Outcome outcome) {
    return outcome instanceof Postpone postpone
        ? "Postpone[" + postpone.reason() + "]"
        : outcome.toString();
  }

  private void acknowledge(Message message) {
    if (faults.happens(Fault.ACK_LOST)) {
      timeline.after(ACK_WAIT, () -> deliver(message));
    } else if (faults.happens(Fault.ACK_FORGOTTEN)) {
      timeline.after(
          FORGOTTEN[choices.next(FORGOTTEN.length)],
          () -> {
            message.deliveries = 0;
            deliver(message);
          });
    } else {
      timeline.soon(() -> message.settled = true);
    }
  }

  private void again(Message message, long millis) {
    if (wiring.givesUpAtTheFirstFailure()) {
      message.settled = true;
    } else {
      timeline.after(millis, () -> deliver(message));
    }
  }

  private void park(Message message) {
    message.settled = true;
    parked.add(message);
  }
}
