package io.holdfast.system.simulation;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.runtime.jetstream.Guarded;
import java.util.List;

/** Something that the model of the broker was asked for, and what it answered. */
sealed interface Operation {

  /**
   * @param sequence where it was stored, or {@link ModelBroker#REFUSED}
   */
  record Append(Envelope<?> fact, long expectedSequence, long sequence) implements Operation {}

  /**
   * @param first where the first one was stored, or {@link ModelBroker#REFUSED}
   */
  record AppendTogether(List<Guarded> facts, long first) implements Operation {}

  /**
   * @param eventIds in stream order
   */
  record Load(Domain domain, String aggregateId, long lastSequence, List<String> eventIds)
      implements Operation {}
}
