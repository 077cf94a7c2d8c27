package io.holdfast.notifications;

import io.holdfast.runtime.boot.Boot;

/** {@code java -jar notifications-fat.jar}. */
public final class NotificationsMain {

  private NotificationsMain() {}

  public static void main(String[] args) {
    Boot.run(new NotificationsGroup());
  }
}
