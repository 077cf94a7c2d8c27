package io.holdfast.runtime.jetstream;

/**
 * The broker did not do what was asked; the world failed, not the message, so trying again later
 * may help. Where the request was to store something, it may be stored or not, unless the kind says
 * otherwise.
 */
public final class BrokerException extends RuntimeException {

  /** What happened, as far as it is known. */
  public enum Kind {
    /** There is no connection; nothing was sent. */
    DISCONNECTED,
    /**
     * Nothing listens on that subject: no such stream, or it has no leader yet. Nothing was stored.
     */
    NO_STREAM,
    /** Too many requests wait for an answer already; nothing was sent. */
    OVERLOADED,
    /** No answer came in time. What was asked may have happened. */
    NO_ANSWER,
    /** The broker refused, for example because the stream is full. Nothing was stored. */
    REFUSED
  }

  /** JetStream's own code for a stream that is not there. */
  static final int STREAM_NOT_FOUND = 10059;

  private final Kind kind;
  private final int code;

  public BrokerException(Kind kind, String message) {
    this(kind, message, 0);
  }

  /**
   * @param code JetStream's own error code, or 0
   */
  public BrokerException(Kind kind, String message, int code) {
    super(message);
    this.kind = kind;
    this.code = code;
  }

  public Kind kind() {
    return kind;
  }

  public int code() {
    return code;
  }

  /** Whether the broker says that there is no such stream. */
  public boolean noSuchStream() {
    return code == STREAM_NOT_FOUND;
  }

  /** Part of the normal life of a client; its stack tells nothing. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
