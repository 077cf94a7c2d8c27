package io.holdfast.system.simulation;

import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;

/** A stored message, as one durable consumer sees it. */
final class Message {

  final ConsumerSpec consumer;
  final Stored stored;
  long deliveries;
  int failures;
  boolean settled;

  Message(ConsumerSpec consumer, Stored stored) {
    this.consumer = consumer;
    this.stored = stored;
  }

  @Override
  public String toString() {
    return consumer.name() + " " + stored.subject();
  }
}
