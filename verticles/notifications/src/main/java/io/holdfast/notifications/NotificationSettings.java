package io.holdfast.notifications;

import io.holdfast.notifications.channel.LogChannel;
import io.holdfast.notifications.channel.smtp.SmtpChannel;
import io.holdfast.notifications.channel.smtp.SmtpSettings;
import io.holdfast.notifications.channel.webhook.WebhookChannel;
import io.holdfast.notifications.channel.webhook.WebhookSettings;
import io.holdfast.notifications.preferences.Preferences;
import io.holdfast.notifications.template.Templates;
import io.holdfast.runtime.config.Settings;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * @param channel of whoever has no preference
 * @param channels all that are set up
 * @param preferencesFile that the preferences were read from, if there is one
 * @param smtp the mail server, if there is one
 * @param webhook the receiver, if there is one
 * @param breakerFailures consecutive failures at which a channel's breaker opens
 * @param breakerReset how long it stays open before one attempt is let through
 */
public record NotificationSettings(
    String channel,
    Set<String> channels,
    Optional<Path> preferencesFile,
    Preferences preferences,
    Templates templates,
    Optional<SmtpSettings> smtp,
    Optional<WebhookSettings> webhook,
    int breakerFailures,
    Duration breakerReset) {

  /**
   * @param maxAttempts failures after which a message is parked
   */
  public static NotificationSettings read(Settings settings, int maxAttempts) {
    String channel =
        settings.choice(
            "NOTIFICATION_CHANNEL",
            LogChannel.NAME,
            Set.of(LogChannel.NAME, SmtpChannel.NAME, WebhookChannel.NAME));
    Set<String> channels = new LinkedHashSet<>(Set.of(LogChannel.NAME));
    Optional<Supplier<SmtpSettings>> smtp = Optional.empty();
    if (SmtpSettings.given(settings)) {
      smtp = Optional.of(SmtpSettings.read(settings));
      channels.add(SmtpChannel.NAME);
    } else if (channel.equals(SmtpChannel.NAME)) {
      settings.fault("SMTP_HOST", "", "must be set where NOTIFICATION_CHANNEL is smtp");
    }
    Optional<Supplier<WebhookSettings>> webhook = Optional.empty();
    if (WebhookSettings.given(settings)) {
      webhook = Optional.of(WebhookSettings.read(settings));
      channels.add(WebhookChannel.NAME);
    } else if (channel.equals(WebhookChannel.NAME)) {
      settings.fault("WEBHOOK_URL", "", "must be set where NOTIFICATION_CHANNEL is webhook");
    }
    Optional<String> file = settings.optional("NOTIFICATION_PREFERENCES");
    Preferences preferences =
        fromPath(settings, "NOTIFICATION_PREFERENCES", file, at -> Preferences.read(at, channels))
            .orElse(Preferences.NONE);
    Optional<String> folder = settings.optional("NOTIFICATION_TEMPLATES");
    Templates templates =
        fromPath(settings, "NOTIFICATION_TEMPLATES", folder, at -> Templates.read(Optional.of(at)))
            .orElseGet(() -> Templates.read(Optional.empty()));
    int failures = settings.integer("BREAKER_FAILURES", 6, 1, 1_000);
    Duration reset = settings.millis("BREAKER_RESET_MS", 30_000, 100, 600_000);
    Optional<Supplier<SmtpSettings>> mail = smtp;
    Optional<Supplier<WebhookSettings>> hook = webhook;
    return settings.complete(
        () -> {
          if (failures > maxAttempts) { // else an outage parks a lone message before it is known
            throw new IllegalArgumentException(
                "BREAKER_FAILURES must not exceed RETRY_MAX_ATTEMPTS");
          }
          return new NotificationSettings(
              channel,
              Set.copyOf(channels),
              file.map(Path::of),
              preferences,
              templates,
              mail.map(Supplier::get),
              hook.map(Supplier::get),
              failures,
              reset);
        });
  }

  /**
   * What a path leads to. Somebody may have given the file itself for its path, with {@code
   * ..._FILE}: what does not look like a path is not shown.
   */
  private static <T> Optional<T> fromPath(
      Settings settings, String name, Optional<String> path, Function<Path, T> read) {
    if (path.isEmpty()) {
      return Optional.empty();
    }
    boolean showable = path.get().length() <= 512 && path.get().matches("[^{@\\p{Cntrl}]+");
    try {
      return Optional.of(read.apply(Path.of(path.get())));
    } catch (InvalidPathException e) {
      settings.fault(name, "***", "must be a path");
    } catch (IllegalArgumentException e) {
      settings.fault(name, showable ? path.get() : "***", e.getMessage());
    }
    return Optional.empty();
  }
}
