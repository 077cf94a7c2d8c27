package io.holdfast.runtime.jetstream;

import io.holdfast.events.Envelope;
import java.time.Instant;

/**
 * An event as it stands in its stream.
 *
 * @param sequence its stream sequence
 * @param storedAt the broker's time
 */
public record Stored(
    String stream, long sequence, String subject, Instant storedAt, Envelope<?> envelope) {}
