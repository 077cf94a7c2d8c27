package io.holdfast.notifications;

import io.holdfast.notifications.preferences.Preference;
import io.holdfast.notifications.preferences.Preferences;
import io.holdfast.runtime.resilience.Pace;
import io.holdfast.runtime.telemetry.Meters;
import io.micrometer.core.instrument.Counter;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Which channel a customer is told by. */
public final class Channels {

  private final Map<String, Channel> byName;
  private final Channel usual;
  private final Channel fallback;
  private final Supplier<Preferences> preferences;
  private final Counter withoutAddress;

  /** A channel, with the address that it needs or null. */
  public record Route(Channel channel, String address) {}

  /**
   * @param usual the channel of whoever has no preference
   * @param fallback needs no address: the channel of whoever should be told by one that does, and
   *     has none
   */
  public Channels(
      List<Channel> channels,
      Channel usual,
      Channel fallback,
      Supplier<Preferences> preferences,
      Meters meters) {
    this.byName = channels.stream().collect(Collectors.toMap(Channel::name, Function.identity()));
    this.usual = usual;
    this.fallback = fallback;
    this.preferences = preferences;
    this.withoutAddress =
        Counter.builder("notifications_without_address")
            .description("Notifications that went to the log, as the channel had no address")
            .tag("channel", usual.name())
            .register(meters.registry());
  }

  /**
   * That of the channel to the outside that bears most. One that is out must not keep the others
   * from their customers; the log bears everything, and says nothing about them.
   */
  public Pace pace() {
    return Pace.best(
        byName.values().stream()
            .map(Channel::pace)
            .filter(pace -> pace != Pace.UNBOUNDED)
            .toList());
  }

  public Route forCustomer(String customerId) {
    Preference preference = preferences.get().of(customerId);
    Channel channel = preference.channel().map(byName::get).orElse(usual);
    if (!channel.needsAddress()) {
      return new Route(channel, null);
    }
    if (preference.to().isEmpty()) {
      withoutAddress.increment();
      return new Route(fallback, null);
    }
    return new Route(channel, preference.to().get());
  }
}
