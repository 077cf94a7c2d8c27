package io.holdfast.launcher.reconcile;

import io.holdfast.events.EventType;
import java.util.Map;

/**
 * Where the streams ended when a check began. What stands behind that on a running system is in
 * flight, and proves nothing yet.
 */
public final class Until {

  private final Map<String, Long> lastSequences;

  /**
   * @param lastSequences by stream, without a namespace
   */
  public Until(Map<String, Long> lastSequences) {
    this.lastSequences = Map.copyOf(lastSequences);
  }

  /** Everything that will be read counts. */
  public static Until theEnd() {
    return new Until(Map.of());
  }

  public long of(String stream) {
    return lastSequences.getOrDefault(stream, Long.MAX_VALUE);
  }

  boolean holds(EventType type, long sequence) {
    return sequence <= of(type.domain().stream());
  }
}
