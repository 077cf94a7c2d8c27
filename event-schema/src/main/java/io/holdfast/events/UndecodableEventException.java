package io.holdfast.events;

import java.util.Locale;

/** The bytes are no event that this version of the code can read. Trying again cannot help. */
public final class UndecodableEventException extends Exception {

  /** Why, as a short stable word for dead letters and metrics. */
  public enum Reason {
    /** Not a JSON object, or a field of the envelope is missing or of another kind. */
    UNDECODABLE,
    /** No type of that name is known. */
    UNKNOWN_TYPE,
    /** A higher major version than {@link Envelope#VERSION}. */
    UNSUPPORTED_VERSION,
    /** The envelope can be read, but its data breaks a rule of its type. */
    INVALID;

    /** The word on the wire, for example {@code unknown_type}. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Reason reason;

  public UndecodableEventException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
