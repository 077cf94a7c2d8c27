package io.holdfast.gateway.faults;

/**
 * What was drawn for one request.
 *
 * @param delayMs before it is answered, in milliseconds
 * @param declines whether a charge is declined, if it comes to one
 */
public record Fate(Kind kind, long delayMs, boolean declines) {

  /** How the request ends. */
  public enum Kind {
    ANSWERED,
    /** Outage: the connection is closed at once. */
    CLOSED,
    RATE_LIMITED,
    FAILED,
    /** Never begun, never answered. */
    IGNORED,
    /** Done, never answered. */
    SILENCED,
    /** Done; if a charge was made, the connection is closed instead of an answer. */
    DROPPED_AFTER_CHARGE
  }

  static Fate of(Kind kind) {
    return new Fate(kind, 0, false);
  }
}
