package io.holdfast.notifications;

import io.vertx.core.Future;

/** A way to tell a customer something. */
public interface Channel {

  /** As it stands in {@code NotificationSent}: {@code log}. */
  String name();

  /**
   * Tells it. After a crash the same notification may be told again, so it carries what a receiver
   * needs to notice that.
   *
   * @return completes when it is told; fails if trying again later may help
   */
  Future<Void> send(Notification notification);
}
