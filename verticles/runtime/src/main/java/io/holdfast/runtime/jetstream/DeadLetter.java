package io.holdfast.runtime.jetstream;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.MessageDeadLettered;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * A message that a consumer gave up, and what became of it since.
 *
 * @param sequence the dead letter's own, in DEADLETTERS
 * @param parkedAt when it was stored there
 * @param service whose consumer gave the message up
 * @param traceId of the message, a new one if it had none
 * @param message the message, and why it was given up
 * @param resolved what an operator did; empty if nobody has dealt with it
 */
public record DeadLetter(
    long sequence,
    Instant parkedAt,
    String service,
    String traceId,
    MessageDeadLettered message,
    Optional<Resolved> resolved) {

  /**
   * What an operator did with it.
   *
   * @param at when
   */
  public record Resolved(DeadLetterResolved fact, Instant at) {}

  /** Whether nobody has dealt with it. */
  public boolean open() {
    return resolved.isEmpty();
  }

  public boolean redriven() {
    return resolved.filter(r -> r.fact().resolution() == Resolution.REDRIVEN).isPresent();
  }

  public boolean discarded() {
    return resolved.filter(r -> r.fact().resolution() == Resolution.DISCARDED).isPresent();
  }

  /** The dead letter whose redriven message failed again and became this one. */
  public Optional<Long> redriveOf() {
    List<String> values = message.headers().getOrDefault(Provenance.DEAD_LETTER, List.of());
    try {
      return values.stream().findFirst().map(Long::valueOf);
    } catch (NumberFormatException somebodyElses) {
      return Optional.empty();
    }
  }

  /** The message's bytes as they were; of a shortened one the first of them. */
  public byte[] payload() {
    if (message.payload() != null) {
      return message.payload().getBytes(StandardCharsets.UTF_8);
    }
    return message.payloadBase64() == null
        ? new byte[0]
        : Base64.getDecoder().decode(message.payloadBase64());
  }
}
