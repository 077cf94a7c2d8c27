package io.holdfast.notifications.preferences;

import java.util.Optional;

/**
 * How a customer wants to be told.
 *
 * @param channel empty for the default one
 * @param to the customer's address, for a channel that needs one
 */
public record Preference(Optional<String> channel, Optional<String> to) {

  public static final Preference NONE = new Preference(Optional.empty(), Optional.empty());

  /** Says nothing of the address, as it may end in a log. */
  @Override
  public String toString() {
    return "Preference[channel=" + channel.orElse("default") + "]";
  }
}
