package io.holdfast.runtime.config;

import java.util.Objects;

/** A value that no log, message or exception shows. */
public final class Secret {

  private final String value;

  public Secret(String value) {
    this.value = Objects.requireNonNull(value, "value");
  }

  /** The value itself, for the one place that hands it on. */
  public String reveal() {
    return value;
  }

  @Override
  public String toString() {
    return "***";
  }
}
