package io.holdfast.runtime.jetstream;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Sends acknowledgements of any kind to the broker, and keeps those that cannot be sent now for a
 * little later. One that gets lost all the same means that the message comes again. Nothing of it
 * ever fails or blocks; the event loop's alone.
 */
final class AckSender {

  /** Those beyond are forgotten: their messages come again after ack_wait. */
  private static final int MAX_UNSENT = 1_000;

  private final Broker broker;
  private final Deque<Runnable> unsent = new ArrayDeque<>();

  AckSender(Broker broker) {
    this.broker = broker;
  }

  /**
   * Sends one, now or a little later.
   *
   * @param ack a call of {@link io.nats.client.Message#ack} or one of its kind
   */
  void send(Runnable ack) {
    boolean sent = false;
    // Not to a broker that is connected and not to be used: the numbers that a settlement bears may
    // be those of other messages there.
    if (broker.usable()) {
      try {
        ack.run();
        sent = true;
      } catch (IllegalStateException tooBusy) {
        // or disconnected since
      }
    }
    if (!sent && unsent.size() < MAX_UNSENT) {
      unsent.add(ack);
    }
  }

  /** Tries again what could not be sent. */
  void sendUnsent() {
    for (int i = unsent.size(); i > 0 && broker.usable(); i--) {
      send(unsent.poll());
    }
  }
}
