package io.holdfast.runtime.config;

import java.util.List;

/**
 * The settings cannot be used. The message is one line that names every variable at fault, its
 * value and what is allowed.
 */
public final class SettingsException extends RuntimeException {

  public SettingsException(List<String> faults) {
    super(String.join("; ", faults));
  }
}
