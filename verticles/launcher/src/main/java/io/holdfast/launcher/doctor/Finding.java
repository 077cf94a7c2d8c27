package io.holdfast.launcher.doctor;

/**
 * What one check came to.
 *
 * @param says what was found, in words
 * @param remedy what to do about it; empty if all is well
 */
public record Finding(Level level, String check, String says, String remedy) {

  /** How bad it is. */
  public enum Level {
    /** As it must be. */
    OK,
    /** The promises hold, less comfortably; or it could not be looked at. */
    WARNING,
    /** A promise does not hold with this setting. */
    UNSAFE
  }

  static Finding ok(String check, String says) {
    return new Finding(Level.OK, check, says, "");
  }

  static Finding warning(String check, String says, String remedy) {
    return new Finding(Level.WARNING, check, says, remedy);
  }

  static Finding unsafe(String check, String says, String remedy) {
    return new Finding(Level.UNSAFE, check, says, remedy);
  }
}
