package io.holdfast.broker;

/** No usable nats-server is there, or one did not start or end. The message is for a person. */
public final class NatsServerException extends RuntimeException {

  NatsServerException(String message) {
    super(message);
  }

  NatsServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
