package io.nats.client.impl;

import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.Subscription;
import java.util.function.Consumer;

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
   * reconnect, ended by its drain. Nobody may be told the subject before this returns: until then a
   * message may come on the dispatcher's thread, and out of order.
   *
   * @param receiver must not block, nothing of the connection is read meanwhile; what it throws
   *     goes to the connection's error listener
   */
  public static Subscription subscribe(
      Dispatcher dispatcher, String subject, Consumer<Message> receiver) {
    NatsSubscription subscription =
        (NatsSubscription) dispatcher.subscribe(subject, receiver::accept);
    subscription.setBeforeQueueProcessor(
        message -> {
          try {
            receiver.accept(message);
          } catch (RuntimeException failure) {
            subscription.connection.processException(failure);
          } catch (Error failure) { // else nobody would read any more, and nobody would know
            subscription.connection.processException(new Exception(failure));
          }
          return false;
        });
    return subscription;
  }
}
