package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;

/**
 * A fact that may be stored only if its aggregate has gained nothing.
 *
 * @param expectedSequence stream sequence of the aggregate's last message; 0 if it must have none
 */
public record Guarded(Envelope<?> fact, long expectedSequence) {}
