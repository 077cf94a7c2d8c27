package io.holdfast.notifications;

import io.holdfast.events.EventType;
import io.holdfast.notifications.channel.LogChannel;
import io.holdfast.notifications.channel.OutsideChannel;
import io.holdfast.notifications.channel.smtp.SmtpChannel;
import io.holdfast.notifications.channel.webhook.WebhookChannel;
import io.holdfast.notifications.preferences.Preferences;
import io.holdfast.notifications.preferences.PreferencesFile;
import io.holdfast.runtime.boot.GroupContext;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.jetstream.Overdue.Wait;
import io.holdfast.runtime.jetstream.OverdueWatch;
import io.holdfast.runtime.resilience.Breaker;
import io.vertx.core.VerticleBase;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** Notifications' composition root. */
public final class NotificationsGroup implements VerticleGroup {

  private static final Wait UNTOLD =
      new Wait(
          "final_untold",
          "notifications-send",
          Set.of(EventType.ORDER_CONFIRMED, EventType.ORDER_CANCELLED),
          Set.of(EventType.NOTIFICATION_SENT));

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
    NotificationSettings settings =
        NotificationSettings.read(context.settings(), context.common().retry().maxAttempts());
    List<VerticleBase> verticles = new ArrayList<>();
    Channels channels = channels(context, settings, preferences(context, settings, verticles));
    verticles.add(
        new NotificationVerticle(context.streams(), channels, context.meters(), Clock.systemUTC()));
    verticles.add(new OverdueWatch(context, UNTOLD, Clock.systemUTC()));
    return new Parts(verticles, routes -> {});
  }

  private static Supplier<Preferences> preferences(
      GroupContext context, NotificationSettings settings, List<VerticleBase> verticles) {
    if (settings.preferencesFile().isEmpty()) {
      return settings::preferences;
    }
    PreferencesFile file =
        new PreferencesFile(
            settings.preferencesFile().get(),
            settings.channels(),
            settings.preferences(),
            context.meters());
    verticles.add(file);
    return file;
  }

  private static Channels channels(
      GroupContext context, NotificationSettings settings, Supplier<Preferences> preferences) {
    Channel log = new LogChannel();
    List<Channel> all = new ArrayList<>(List.of(log));
    settings
        .smtp()
        .ifPresent(
            smtp ->
                all.add(
                    outside(
                        context,
                        settings,
                        new SmtpChannel(context.vertx(), smtp, settings.templates()),
                        smtp.connections(),
                        smtp.timeout())));
    settings
        .webhook()
        .ifPresent(
            webhook ->
                all.add(
                    outside(
                        context,
                        settings,
                        new WebhookChannel(context.vertx(), webhook, Clock.systemUTC()),
                        webhook.connections(),
                        webhook.timeout())));
    Channel usual =
        all.stream()
            .filter(channel -> channel.name().equals(settings.channel()))
            .findFirst()
            .orElseThrow();
    return new Channels(all, usual, log, preferences, context.meters());
  }

  private static Channel outside(
      GroupContext context,
      NotificationSettings settings,
      Channel channel,
      int atOnce,
      Duration limit) {
    return new OutsideChannel(
        context.vertx(),
        channel,
        atOnce,
        new Breaker(
            context.vertx(),
            "notifications",
            "notification-" + channel.name(),
            new Breaker.Limits(settings.breakerFailures(), limit, settings.breakerReset()),
            context.meters(),
            Clock.systemUTC()),
        context.meters(),
        context.tracing());
  }
}
