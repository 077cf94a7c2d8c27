/**
 * The contract between the services, and all that they share of the domain: what can become true
 * ({@link io.holdfast.events.Event} and its records), how it is stored ({@link
 * io.holdfast.events.Envelope}, {@link io.holdfast.events.EventCodec}) and where ({@link
 * io.holdfast.events.Subjects}, {@link io.holdfast.events.Domain}, {@link
 * io.holdfast.events.EventType}).
 *
 * <p>The same contract for readers in other languages lies beside these classes as resources: a
 * JSON Schema for each event in {@code schema/v1}, and {@code asyncapi.yaml}, which names channels,
 * senders and receivers. Tests hold the two together.
 *
 * <p>What is stored is never rewritten. So this package only ever learns: optional fields and new
 * types may be added; whatever else changes an event's form needs a higher {@link
 * io.holdfast.events.Envelope#VERSION version}, and the old one stays readable.
 *
 * <p>Nothing here does I/O, reads a clock or draws a random number. Values are immutable, and
 * {@link io.holdfast.events.EventCodec} and {@link io.holdfast.events.Subjects} may be shared
 * between threads.
 */
package io.holdfast.events;
