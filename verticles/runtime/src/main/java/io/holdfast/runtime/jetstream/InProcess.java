package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import io.holdfast.runtime.telemetry.Work;
import io.nats.client.Message;

/**
 * One delivery, from its arrival to its settlement. The event loop's alone.
 *
 * <p>{@code envelope} is null until it is decoded, and stays so if it cannot be; {@code settling}
 * is true from the moment on at which nothing else may settle it.
 */
final class InProcess {
  final Message message;

  /** Where it stands in the stream that it is delivered from. */
  final long sequence;

  final Provenance from;
  final long since = System.nanoTime();
  long lastKeptAlive = since;
  Envelope<?> envelope;
  Work work = Work.UNTOLD;
  boolean settling;

  InProcess(Message message, long sequence, Provenance from) {
    this.message = message;
    this.sequence = sequence;
    this.from = from;
  }
}
