package io.holdfast.notifications;

import io.holdfast.notifications.channel.LogChannel;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import java.time.Clock;
import java.util.List;
import java.util.Set;

/** Notifications' composition root. */
public final class NotificationsGroup implements VerticleGroup {

  @Override
  public String name() {
    return "notifications";
  }

  @Override
  public int defaultPort() {
    return 8083;
  }

  @Override
  public Set<String> streams() {
    return Set.of("ORDERS", "NOTIFICATIONS", "DEADLETTERS", "REDRIVES");
  }

  @Override
  public Parts assemble(GroupContext context) {
    return new Parts(
        List.of(new NotificationVerticle(context.streams(), new LogChannel(), Clock.systemUTC())),
        routes -> {});
  }
}
