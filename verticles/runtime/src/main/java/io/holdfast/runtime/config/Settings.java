package io.holdfast.runtime.config;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads settings from the environment and collects what is wrong with them, so that one start shows
 * all faults.
 *
 * <p>A variable {@code X} may be given by a file instead, named by {@code X_FILE}; that is how
 * secrets are mounted. An unset or empty variable takes its default; one that does not parse never
 * does.
 */
public final class Settings {

  private final Map<String, String> env;
  private final List<String> faults = new ArrayList<>();

  public Settings(Map<String, String> env) {
    this.env = Map.copyOf(env);
  }

  /** A text that a pattern allows. */
  public String text(String name, String defaultValue, Pattern allowed, String rule) {
    String value = optional(name).orElse(defaultValue);
    if (!allowed.matcher(value).matches()) {
      fault(name, value, rule);
      return defaultValue;
    }
    return value;
  }

  /** Any text, or nothing. */
  public Optional<String> optional(String name) {
    String value = env.get(name);
    String file = env.get(name + "_FILE");
    if ((value == null || value.isEmpty()) && file != null && !file.isEmpty()) {
      try {
        value = Files.readString(Path.of(file)).strip();
      } catch (IOException | RuntimeException e) {
        fault(name + "_FILE", file, "must name a file that can be read");
      }
    }
    return value == null || value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  /** Those that are set and whose name begins so, as others define them. */
  public Map<String, String> beginningWith(String prefix) {
    return env.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix) && !entry.getValue().isEmpty())
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  public int integer(String name, int defaultValue, int min, int max) {
    return (int) wholeNumber(name, defaultValue, min, max);
  }

  public long wholeNumber(String name, long defaultValue, long min, long max) {
    Optional<String> value = optional(name);
    if (value.isEmpty()) {
      return defaultValue;
    }
    try {
      long number = Long.parseLong(value.get());
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // told below, as a number out of range is
    }
    fault(name, value.get(), "must be a whole number from " + min + " to " + max);
    return defaultValue;
  }

  public Duration millis(String name, long defaultValue, long min, long max) {
    return Duration.ofMillis(wholeNumber(name, defaultValue, min, max));
  }

  public Duration seconds(String name, long defaultValue, long min, long max) {
    return Duration.ofSeconds(wholeNumber(name, defaultValue, min, max));
  }

  public boolean flag(String name, boolean defaultValue) {
    return Boolean.parseBoolean(
        choice(name, Boolean.toString(defaultValue), Set.of("true", "false")));
  }

  public String choice(String name, String defaultValue, Set<String> allowed) {
    String value = optional(name).orElse(defaultValue);
    if (!allowed.contains(value)) {
      fault(name, value, "must be " + String.join(" or ", allowed.stream().sorted().toList()));
      return defaultValue;
    }
    return value;
  }

  /** An absolute address of one of these schemes. */
  public URI uri(String name, String defaultValue, Set<String> schemes) {
    String value = optional(name).orElse(defaultValue);
    String rule =
        "must be an address such as "
            + String.join("://host:port or ", schemes.stream().sorted().toList())
            + "://host:port";
    try {
      URI uri = new URI(value);
      if (uri.getScheme() != null
          && schemes.contains(uri.getScheme())
          && uri.getHost() != null
          && uri.getUserInfo() == null) {
        return uri;
      }
    } catch (URISyntaxException malformed) {
      // told below, as a wrong scheme is
    }
    fault(name, value.contains("@") ? "***" : value, rule);
    return URI.create(defaultValue);
  }

  public Optional<Secret> secret(String name) {
    return optional(name).map(Secret::new);
  }

  /** Notes a fault that the readers above cannot see. The value must not be a secret. */
  public void fault(String name, String value, String rule) {
    faults.add(name + "=" + value.replaceAll("\\p{Cntrl}", "?") + ": " + rule);
  }

  /**
   * Builds the settings' record, once everything was read.
   *
   * @throws SettingsException if anything was at fault
   */
  public <T> T complete(Supplier<T> build) {
    if (!faults.isEmpty()) {
      throw new SettingsException(faults);
    }
    try {
      return build.get();
    } catch (IllegalArgumentException unrelated) {
      throw new SettingsException(List.of(unrelated.getMessage()));
    }
  }
}
