package io.holdfast.notifications;

import io.holdfast.runtime.resilience.Pace;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;

/** A way to tell a customer something. */
public interface Channel {

  /** As it stands in {@code NotificationSent}: {@code log}, {@code smtp}, {@code webhook}. */
  String name();

  /** Whether it can only tell a customer of whom it has an address. */
  default boolean needsAddress() {
    return false;
  }

  /**
   * Tells it. After a crash the same notification may be told again, so it carries {@link
   * Notification#id}, by which a receiver can notice that. Called on the verticle's event loop,
   * which it never blocks; the future completes there.
   *
   * @param address of the customer; null unless the channel needs one
   * @return completes when it is told. Fails with {@link Refused} if no attempt can help, with
   *     {@link Unavailable} if a later one may; neither says whom it was for
   */
  Future<Void> send(Notification notification, String address);

  /** How much it bears now; no notification is to be taken up beyond that. */
  default Pace pace() {
    return Pace.UNBOUNDED;
  }

  /** Whoever is at the other end will never take this notification. */
  final class Refused extends RuntimeException {
    public Refused(String message) {
      super(message);
    }
  }

  /** The channel is not to be had at the moment. */
  final class Unavailable extends RuntimeException {
    private final transient Optional<Duration> retryAfter;
    private final boolean outage;

    /**
     * @param retryAfter how long to wait, if that is known
     * @param outage true if the notification has no part in it, as the channel is failing or busy
     *     anyway: no attempt is to be counted
     */
    public Unavailable(String message, Optional<Duration> retryAfter, boolean outage) {
      super(message);
      this.retryAfter = retryAfter;
      this.outage = outage;
    }

    public Optional<Duration> retryAfter() {
      return retryAfter;
    }

    public boolean outage() {
      return outage;
    }
  }
}
